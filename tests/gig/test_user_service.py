"""The user unit in a real user's systemd, started without a login."""

from __future__ import annotations

import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests_gig import sh, status_of, until

USER = "scope-gig"
UNIT = "scope-bridge.service"


def as_user(command: str) -> str:
    entry = pwd.getpwnam(USER)
    environment = f"XDG_RUNTIME_DIR=/run/user/{entry.pw_uid} HOME={entry.pw_dir} PATH=/usr/bin:/bin"
    return sh(f"cd {entry.pw_dir} && runuser -u {USER} -- env -i {environment} {command}")


@pytest.fixture(scope="module")
def service(installed: Path) -> Iterator[str]:
    sh(f"useradd -m -G audio,video {USER}")
    print(sh(f"loginctl enable-linger {USER}"))
    until(lambda: as_user("systemctl --user is-system-running") in ("running", "degraded"), "the user's systemd")
    home = Path(pwd.getpwnam(USER).pw_dir)
    folder = home / ".config" / "scope-bridge"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(
        "[program]\nwidth = 320\nheight = 180\nfps = 5\n[web]\nport = 9726\n[osc]\nlisten = []\n"
    )
    (folder / "environment").write_text("SCOPE_BRIDGE_SHOW__THEME=digital-forest\n")
    sh(f"chown -R {USER}: {home}")
    print(as_user(f"{installed} install-service --user"))
    until(lambda: as_user(f"systemctl --user is-active {UNIT}") == "active", lambda: journal())
    yield UNIT
    print(as_user(f"{installed} install-service --user --uninstall"))
    assert as_user(f"systemctl --user is-active {UNIT}") == "inactive"
    sh(f"loginctl disable-linger {USER}; loginctl terminate-user {USER}")


def journal() -> str:
    return sh(f"journalctl _UID={pwd.getpwnam(USER).pw_uid} --no-pager -o cat | tail -40")


def test_the_unit_is_sound(service: str) -> None:
    assert as_user(f"systemd-analyze --user verify .config/systemd/user/{UNIT}") == ""


def test_it_runs_and_reads_its_environment_file(service: str) -> None:
    status = until(lambda: status_of(9726), "status")
    assert status["theme"] == "digital-forest"
    assert "Scope" in as_user(f"systemctl --user show {UNIT} -p StatusText --value")


def test_reload_is_heard(service: str) -> None:
    before = journal().count("are read again")
    assert as_user(f"systemctl --user reload {UNIT}") == ""
    until(lambda: journal().count("are read again") > before, journal)
