"""The system unit under a real systemd: ready, watched, restarted, reloaded; devices inside its sandbox."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests_gig import sh, status_of, until

UNIT = "scope-bridge.service"
CONFIG = Path("/etc/scope-bridge/config.toml")


def show(key: str) -> str:
    return sh(f"systemctl show {UNIT} -p {key} --value")


def journal() -> str:
    return sh(f"journalctl -u {UNIT} --no-pager -o cat")


@pytest.fixture(scope="module")
def service(installed):
    CONFIG.parent.mkdir(exist_ok=True)
    CONFIG.write_text(
        "[program]\nwidth = 320\nheight = 180\nfps = 5\n[audio]\nsource = 'off'\n[outputs.virtual_camera]\nenabled = true\n"
    )
    print(sh(f"{installed} install-service --system"))
    until(lambda: show("ActiveState") == "active", f"active unit\n{journal()}")
    yield UNIT
    print(sh(f"{installed} install-service --system --uninstall"))
    assert not Path("/etc/systemd/system", UNIT).exists()


def test_the_unit_is_sound(service):
    assert "scope-bridge" not in sh(f"systemd-analyze verify /etc/systemd/system/{UNIT}")
    exposure = sh(f"systemd-analyze security {UNIT} --no-pager | tail -1")
    print(exposure)
    assert "OK" in exposure


def test_it_says_how_it_is_and_answers(service):
    status = until(status_of, "status")
    assert status["state"] == "degraded"
    assert "Scope" in until(lambda: show("StatusText"), "status text")


def test_the_camera_and_the_sequencer_are_open_inside_the_sandbox(service):
    def camera():
        status = status_of()
        outputs = {output["kind"]: output for output in status["outputs"]} if status else {}
        found = outputs.get("virtual_camera")
        return found and found["state"] == "open" and found["frames"] > 3

    until(camera, f"camera frames\n{journal()}")
    until(lambda: "Scope Bridge" in sh("aconnect -l"), "our port in the ALSA sequencer")


def test_a_broken_file_keeps_the_last_good_one_and_is_named(service):
    good = CONFIG.read_text()
    CONFIG.write_text(good + "\n[program\n")
    subprocess.run(["systemctl", "restart", UNIT], check=True)
    status = until(
        lambda: (s := status_of()) and any(p["part"] == "config" for p in s["problems"]) and s, "the problem"
    )
    assert status["program"]["width"] == 320
    CONFIG.write_text(good)
    subprocess.run(["systemctl", "restart", UNIT], check=True)
    until(lambda: (s := status_of()) and not any(p["part"] == "config" for p in s["problems"]), "healed")


def test_a_killed_daemon_comes_back(service):
    before = show("MainPID")
    subprocess.run(["systemctl", "kill", "-s", "KILL", UNIT], check=True)
    until(lambda: show("MainPID") not in (before, "0") and show("ActiveState") == "active", "another process")


def test_a_daemon_that_stands_still_is_restarted_by_the_watchdog(service):
    until(status_of, "status")
    before = show("MainPID")
    subprocess.run(["systemctl", "kill", "-s", "STOP", UNIT], check=True)
    until(lambda: show("MainPID") not in (before, "0") and show("ActiveState") == "active", "another process", 240)
    assert "Watchdog timeout" in journal()
