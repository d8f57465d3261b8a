"""Where configuration and state live (XDG Base Directory; systemd's directories where it sets them)."""

from __future__ import annotations

__all__ = ["config_files", "state_directory", "user_config_directory"]

from collections.abc import Mapping
from pathlib import Path

NAME = "scope-bridge"


def user_config_directory(environ: Mapping[str, str]) -> Path:
    """``$XDG_CONFIG_HOME/scope-bridge``, by default ``~/.config/scope-bridge``."""
    base = environ.get("XDG_CONFIG_HOME") or str(_home(environ) / ".config")
    return Path(base) / NAME


def state_directory(environ: Mapping[str, str]) -> Path:
    """``$STATE_DIRECTORY`` under systemd, else ``$XDG_STATE_HOME/scope-bridge``."""
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    base = environ.get("XDG_STATE_HOME") or str(_home(environ) / ".local" / "state")
    return Path(base) / NAME


def config_files(environ: Mapping[str, str], explicit: Path | None = None) -> tuple[Path, ...]:
    """The files to read, weakest first; only those that exist, except ``explicit``, which must."""
    found = [
        path
        for path in (Path("/etc") / NAME / "config.toml", user_config_directory(environ) / "config.toml")
        if path.is_file()
    ]
    if explicit is not None:
        found.append(explicit)
    return tuple(found)


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()
