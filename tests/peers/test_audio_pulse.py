"""Live capture from a real PulseAudio server, through PortAudio and ALSA's plug-in, by device name.

Needs ``pulseaudio pulseaudio-utils libasound2-plugins libportaudio2``; fails without them. ``paplay`` plays the demo
track into a null sink; the daemon's own input hears the sink's monitor in a process of its own, because PortAudio
reads its surroundings once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bridge.inputs.audio import DEMO_BPM
from tests.peers.sound import Listener, Pulse


def test_the_music_another_program_plays_is_heard(pulse: Pulse, listening: Callable[..., Listener], wav: Path) -> None:
    listener = listening(pulse.env, device="pulse", channels=[1, 2])
    assert "pulse" in listener.until(lambda line: "devices" in line)["devices"]
    listener.until(lambda line: line.get("state") == "running")
    player = pulse.play(wav)
    try:
        listener.until(lambda line: line.get("energy", 0) > 0.5)
        for _ in range(16):
            listener.until(lambda line: bool(line.get("beats")), seconds=40)
    finally:
        player.kill()
        player.wait()
    beats = [beat for line in listener.said for beat in line.get("beats", ())]
    assert np.median([beat["bpm"] for beat in beats]) == pytest.approx(DEMO_BPM, abs=1)
    gaps = np.diff([beat["t"] for beat in beats])
    assert np.median(gaps) == pytest.approx(60 / DEMO_BPM, rel=0.02)
    heard = [line for line in listener.said if "energy" in line]
    lag = np.array([line["now"] - line["t"] for line in heard[200:]])
    assert -0.02 < np.median(lag) < 0.5, "blocks are stamped with the time they sounded"
    listener.until(lambda line: line.get("gated") is True)


def test_a_server_that_dies_is_waited_for_and_taken_back(
    pulse: Pulse, listening: Callable[..., Listener], wav: Path
) -> None:
    listener = listening(pulse.env, device="pulse")
    listener.until(lambda line: line.get("state") == "running")
    player = pulse.play(wav)
    listener.until(lambda line: line.get("energy", 0) > 0.3)
    pulse.kill()
    player.wait()
    lost = listener.until(lambda line: line.get("state") == "waiting")
    assert lost["problems"]
    pulse.start()
    back = listener.until(lambda line: line.get("state") == "running" and not line["problems"])
    assert back["problems"] == []
    player = pulse.play(wav)
    try:
        listener.until(lambda line: line.get("energy", 0) > 0.3)
    finally:
        player.kill()
        player.wait()


def test_a_device_that_is_not_there_is_not_replaced(pulse: Pulse, listening: Callable[..., Listener]) -> None:
    listener = listening(pulse.env, device="Scarlett 2i2")
    waiting = listener.until(lambda line: line.get("state") == "waiting" and bool(line["problems"]))
    assert "Scarlett 2i2" in waiting["problems"][0]
    with pytest.raises(pytest.fail.Exception):
        listener.until(lambda line: line.get("state") == "running", seconds=5)
