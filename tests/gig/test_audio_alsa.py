"""Sound through a real ALSA card (snd-aloop: what aplay plays on one side is captured on the other)."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.inputs.audio import write_wav
from tests_gig import running, sh, until

PLAYED_ON = "plughw:Loopback,0,0"
CAPTURED_FROM = "Loopback: PCM (hw:0,1)"


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("track") / "demo.wav"
    write_wav(path)
    return path


@contextlib.contextmanager
def playing(track: Path) -> Iterator[None]:
    player = subprocess.Popen(["aplay", "-q", "-D", PLAYED_ON, str(track)])
    try:
        yield
        assert player.poll() is None, "the track is long enough for the test"
    finally:
        player.kill()
        player.wait()


def test_devices_lists_what_is_really_there(installed: Path) -> None:
    found = json.loads(sh(f"{installed} devices --json 2>/dev/null"))
    assert any("VirMIDI" in port["name"] for port in found["MIDI inputs"])
    assert CAPTURED_FROM in [device["name"] for device in found["sound inputs"]]
    assert any("/dev/video10" in sink["name"] and sink["available"] for sink in found["outputs"])


def test_doctor_says_so_too(installed: Path) -> None:
    told = sh(f"{installed} -o audio.source=live -o 'audio.device=\"{CAPTURED_FROM}\"' doctor")
    print(told)
    for part, fact in (("midi", "VirMIDI"), ("audio", CAPTURED_FROM), ("virtual_camera", "/dev/video10")):
        assert any(line.startswith("ok ") and part in line and fact in line for line in told.splitlines()), part
    assert "Traceback" not in told
    vague = sh(f"{installed} -o audio.source=live -o audio.device=Loopback doctor")
    assert 'FAIL  audio      "Loopback" fits 2 sound devices' in vague


def test_played_sound_is_heard_and_silence_again(installed: Path, track: Path, tmp_path: Path) -> None:
    with running(installed, tmp_path, 9723, "audio.source=live", f'audio.device="{CAPTURED_FROM}"') as daemon:

        def audio() -> dict:
            return daemon.status()["audio"]

        until(lambda: audio()["state"] == "running", lambda: f"capture\n{audio()}\n{daemon.log}")
        assert audio()["energy"] < 0.05
        with playing(track):
            heard = until(
                lambda: (a := audio())["energy"] > 0.2 and (a["level_db"] or -99) > -40 and a,
                lambda: f"energy\n{audio()}",
            )
            assert heard["bands"]["low"] > 0
        until(lambda: audio()["energy"] < 0.05, lambda: f"silence\n{audio()}")
        assert audio()["state"] == "running"
        assert not daemon.problems("audio")


def test_a_card_that_is_not_there_is_named_and_never_replaced(installed: Path, tmp_path: Path) -> None:
    with running(installed, tmp_path, 9724, "audio.source=live", 'audio.device="Scarlett 2i2"') as daemon:
        until(lambda: "Scarlett 2i2" in " ".join(daemon.problems("audio")), "the problem")
        assert daemon.status()["audio"]["state"] == "waiting"
        uptime = daemon.status()["uptime_s"]
        until(lambda: daemon.status()["uptime_s"] > uptime + 20, "several tries")
        assert len(daemon.log.splitlines()) < 20, daemon.log


def test_a_card_that_is_pulled_and_plugged_again_goes_on(installed: Path, track: Path, tmp_path: Path) -> None:
    driver = Path("/sys/bus/platform/drivers/snd_aloop")
    with running(installed, tmp_path, 9725, "audio.source=live", f'audio.device="{CAPTURED_FROM}"') as daemon:

        def state() -> str:
            return str(daemon.status()["audio"]["state"])

        until(lambda: state() == "running", "capture")
        driver.joinpath("unbind").write_text("snd_aloop.0")
        try:
            until(lambda: state() == "waiting" and daemon.problems("audio"), "the card gone, and said so")
        finally:
            driver.joinpath("bind").write_text("snd_aloop.0")
        until(lambda: state() == "running" and not daemon.problems("audio"), lambda: f"it is back\n{daemon.log}")
        with playing(track):
            until(lambda: daemon.status()["audio"]["energy"] > 0.2, "sound after plugging in")
