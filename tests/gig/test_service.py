"""The system unit under a real systemd: ready, watched, restarted, reloaded; devices inside its sandbox."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.inputs.audio import write_wav
from tests_gig import raw_midi_port, sh, status_of, until

UNIT = "scope-bridge.service"
FOLDER = Path("/etc/scope-bridge")
CONFIG = FOLDER / "config.toml"
GOOD = """
[program]
width = 320
height = 180
fps = 5

[audio]
source = "live"
device = "Loopback: PCM (hw:0,1)"

[outputs.virtual_camera]
enabled = true
"""
MAPPING = """
version = 1

[about]
name = "virmidi"
match = "VirMIDI"

[controls]
knob = {cc = 7, ch = 1}

[[map]]
from = "knob"
to = "macro/%s"
takeover = "jump"
"""
EXPOSURE_LIMIT = 1.5
MEMORY_LIMIT_MB = 700
LINES_A_START = 40


def show(key: str) -> str:
    return sh(f"systemctl show {UNIT} -p {key} --value")


def journal() -> str:
    return sh(f"journalctl -u {UNIT} --no-pager -o cat")


def status() -> dict[str, Any]:
    return until(status_of, lambda: f"status\n{journal()}")


def problems(part: str) -> list[str]:
    return [f"{one['message']} {one['hint']}" for one in status()["problems"] if one["part"] == part]


def restart() -> None:
    subprocess.run(["systemctl", "restart", UNIT], check=True)


def camera() -> bool:
    found = next((one for one in status()["outputs"] if one["kind"] == "virtual_camera"), None)
    return found is not None and found["state"] == "open" and found["frames"] > 3


def readings() -> int:
    return journal().count("are read again")


@pytest.fixture(scope="module")
def service(installed: Path) -> Iterator[str]:
    (FOLDER / "mappings").mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(GOOD)
    (FOLDER / "mappings" / "virmidi.toml").write_text(MAPPING % "reaction")
    environment = FOLDER / "environment"
    environment.touch(mode=0o600)
    environment.write_text("SCOPE_BRIDGE_SHOW__THEME=neon-foundry\n")
    print(sh(f"{installed} install-service --system"))
    until(lambda: show("ActiveState") == "active", lambda: f"active unit\n{journal()}")
    yield UNIT
    print(sh(f"{installed} install-service --system --uninstall"))
    assert not Path("/etc/systemd/system", UNIT).exists()
    sh(f"rm -r {FOLDER}")


def test_the_unit_is_sound_and_shut(service: str) -> None:
    assert sh(f"systemd-analyze verify /etc/systemd/system/{UNIT}") == ""
    table = sh(f"systemd-analyze security {UNIT} --no-pager")
    print(table)
    found = re.search(r"exposure level for \S+ ([\d.]+)", table)
    assert found is not None
    assert float(found[1]) <= EXPOSURE_LIMIT


def test_it_says_how_it_is_and_answers(service: str) -> None:
    assert status()["state"] == "degraded"
    assert "Scope" in until(lambda: show("StatusText"), "status text")


def test_it_runs_as_nobody_known_and_reads_its_environment_file(service: str) -> None:
    assert sh(f"ps -o user= -p {show('MainPID')}") not in ("", "root")
    assert status()["theme"] == "neon-foundry"


def test_camera_and_sequencer_are_open_inside_the_sandbox(service: str) -> None:
    until(camera, lambda: f"camera frames\n{journal()}")
    assert "output camera: 320x180 at 5 fps" in journal()
    until(lambda: "Scope Bridge" in sh("aconnect -l"), "our port in the ALSA sequencer")


def test_ndi_sends_inside_the_sandbox_and_every_line_reaches_the_journal(service: str) -> None:
    until(lambda: any(one["kind"] == "ndi" and one["frames"] > 1 for one in status()["outputs"]), journal)
    until(lambda: "output ndi: 320x180 at 5 fps" in journal(), journal)
    until(lambda: "VirMIDI 1-0 is open" in journal(), journal)


def test_sound_is_heard_inside_the_sandbox(service: str, tmp_path: Path) -> None:
    until(lambda: status()["audio"]["state"] == "running", lambda: f"capture\n{problems('audio')}\n{journal()}")
    write_wav(tmp_path / "demo.wav")
    player = subprocess.Popen(["aplay", "-q", "-D", "plughw:Loopback,0,0", str(tmp_path / "demo.wav")])
    try:
        until(lambda: status()["audio"]["energy"] > 0.2, lambda: f"energy\n{status()['audio']}")
    finally:
        player.kill()
        player.wait()


def test_a_knob_turns_inside_the_sandbox(service: str) -> None:
    until(lambda: any("VirMIDI" in p["port"] and p["state"] == "open" for p in status()["midi"]), "the port open")
    sh(f"amidi -p {raw_midi_port()} -S 'B0 07 00'")
    until(lambda: status()["macros"]["reaction"] == 0.0, "the knob's value")


def test_reload_and_saving_read_mappings_again(service: str) -> None:
    before = readings()
    subprocess.run(["systemctl", "reload", UNIT], check=True)
    until(lambda: readings() > before, "mappings read again on reload")
    (FOLDER / "mappings" / "virmidi.toml").write_text(MAPPING % "brightness")
    until(lambda: readings() > before + 1, "mappings read again when one is saved")
    sh(f"amidi -p {raw_midi_port()} -S 'B0 07 00'")
    until(lambda: status()["macros"]["brightness"] == 0.0, "the other mapping's value")
    assert show("ActiveState") == "active"


def test_a_broken_file_keeps_the_last_good_one_and_is_named(service: str) -> None:
    CONFIG.write_text(GOOD + "\n[program\n")
    restart()
    until(lambda: problems("config"), "the problem")
    assert (status()["program"]["width"], status()["audio"]["source"]) == (320, "live")
    CONFIG.write_text(GOOD)
    CONFIG.chmod(0o600)
    restart()
    assert "chmod 644" in until(lambda: problems("config"), "the problem of a file of root's own")[0]
    CONFIG.chmod(0o644)
    restart()
    until(lambda: not problems("config"), "healed")
    until(camera, lambda: f"camera frames after three restarts\n{journal()}")


def test_a_killed_daemon_comes_back_with_its_camera(service: str) -> None:
    before = show("MainPID")
    subprocess.run(["systemctl", "kill", "-s", "KILL", UNIT], check=True)
    until(lambda: show("MainPID") not in (before, "0") and show("ActiveState") == "active", "another process")
    until(camera, lambda: f"camera frames\n{journal()}")


def test_a_daemon_that_stands_still_is_restarted_by_the_watchdog(service: str) -> None:
    before = show("MainPID")
    subprocess.run(["systemctl", "kill", "-s", "STOP", UNIT], check=True)
    until(lambda: show("MainPID") not in (before, "0") and show("ActiveState") == "active", "another process", 240)
    assert "Watchdog timeout" in journal()
    until(camera, lambda: f"camera frames\n{journal()}")


def test_all_that_left_neither_tracebacks_nor_a_flood_nor_much_memory(service: str) -> None:
    time.sleep(10)
    told = journal()
    print(told)
    assert "Traceback" not in told
    assert len(told.splitlines()) < LINES_A_START * told.count("Starting scope-bridge")
    group = Path("/sys/fs/cgroup") / show("ControlGroup").lstrip("/")
    peak = int((group / "memory.peak").read_text()) / 1e6
    tasks = show("TasksCurrent")
    print(f"memory: peak {peak:.0f} MB, now {int(show('MemoryCurrent')) / 1e6:.0f} MB; {tasks} tasks")
    assert peak < MEMORY_LIMIT_MB
    assert "oom_kill 0" in (group / "memory.events").read_text()
