"""Installing the units that ship with the program: a plan that can be read first, then carried out."""

from __future__ import annotations

__all__ = ["InstallPlan", "apply", "plan_install", "plan_uninstall"]

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge.model.data import shipped
from bridge.model.errors import ServiceError

Scope = Literal["system", "user"]
UNIT = "scope-bridge.service"


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """Files to write (path, text), files to remove, commands to run afterwards, and what is left for a person."""

    writes: tuple[tuple[Path, str], ...] = ()
    removes: tuple[Path, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"write {path}" for path, _ in self.writes]
        lines += [f"remove {path}" for path in self.removes]
        lines += [f"run {' '.join(command)}" for command in self.commands]
        return "\n".join([*lines, *(f"then {note}" for note in self.notes)])


def plan_install(
    scope: Scope, *, executable: Path, home: Path, root: Path = Path("/"), start: bool = True, camera: bool = True
) -> InstallPlan:
    """What it takes to run ``executable`` as a service.

    ``system`` writes below ``root`` (``/`` but in tests), with the virtual camera's module files when ``camera``;
    ``user`` writes below ``home``.
    """
    systemctl = ("systemctl",) if scope == "system" else ("systemctl", "--user")
    enable = ("enable", "--now", UNIT) if start else ("enable", UNIT)
    commands = ((*systemctl, "daemon-reload"), (*systemctl, *enable))
    if scope == "user":
        text = _unit("scope-bridge-user.service", executable)
        note = "to start it without a login: loginctl enable-linger"
        return InstallPlan(((_unit_path(scope, home, root), text),), commands=commands, notes=(note,))
    writes = [(_unit_path(scope, home, root), _unit("scope-bridge.service", executable))]
    notes = [
        "configure it in /etc/scope-bridge/config.toml (scope-bridge config init --system writes a commented one)",
        "mappings and themes of your own go to /etc/scope-bridge/mappings and /etc/scope-bridge/themes",
    ]
    if camera:
        writes += [(root / "etc" / path, (shipped("systemd") / path).read_text()) for path in _MODULE_FILES]
        notes.append("for the virtual camera: apt install v4l2loopback-dkms && modprobe v4l2loopback")
    return InstallPlan(tuple(writes), commands=commands, notes=tuple(notes))


def plan_uninstall(scope: Scope, *, home: Path, root: Path = Path("/")) -> InstallPlan:
    """What it takes to remove the service; configuration and state stay."""
    systemctl = ("systemctl",) if scope == "system" else ("systemctl", "--user")
    removes = [_unit_path(scope, home, root)]
    if scope == "system":
        removes += [root / "etc" / path for path in _MODULE_FILES]
    commands = ((*systemctl, "disable", "--now", UNIT), (*systemctl, "daemon-reload"))
    return InstallPlan(removes=tuple(removes), commands=commands)


def apply(plan: InstallPlan, *, run: Callable[[Sequence[str]], int] | None = None) -> None:
    """Carry a plan out. Raises ServiceError with the first thing that failed and its mend."""
    run = run or _run
    for path, text in plan.writes:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError as error:
            raise ServiceError(f"Cannot write {path}: {error.strerror}.", hint=_permission_hint(error)) from error
    if plan.removes:  # disable before the unit file is gone
        _run_all(plan.commands[:1], run)
        for path in plan.removes:
            path.unlink(missing_ok=True)
        _run_all(plan.commands[1:], run)
    else:
        _run_all(plan.commands, run)


_MODULE_FILES = ("modprobe.d/scope-bridge.conf", "modules-load.d/scope-bridge.conf")


def _unit_path(scope: Scope, home: Path, root: Path) -> Path:
    if scope == "system":
        return root / "etc" / "systemd" / "system" / UNIT
    return home / ".config" / "systemd" / "user" / UNIT


def _unit(name: str, executable: Path) -> str:
    text = (shipped("systemd") / name).read_text()
    in_home = executable.is_relative_to("/home") or executable.is_relative_to("/root")
    return text.replace("@EXEC@", str(executable)).replace("@HOME@", "read-only" if in_home else "yes")


def _run_all(commands: Sequence[Sequence[str]], run: Callable[[Sequence[str]], int]) -> None:
    for command in commands:
        code = run(command)
        if code != 0:
            raise ServiceError(f"`{' '.join(command)}` failed with exit code {code}.", hint="See journalctl -xe.")


def _run(command: Sequence[str]) -> int:
    try:
        return subprocess.run(command, check=False).returncode  # noqa: S603 - the commands are ours
    except FileNotFoundError as error:
        raise ServiceError(f"There is no {command[0]} here.", hint="Services need systemd.") from error


def _permission_hint(error: OSError) -> str:
    if isinstance(error, PermissionError) and os.name == "posix":
        return "Run it with sudo, or install for your user with --user."
    return ""
