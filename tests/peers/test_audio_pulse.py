"""Live capture from a real PulseAudio server, through PortAudio and ALSA's plug-in, by device name.

Needs ``pulseaudio pulseaudio-utils libasound2-plugins libportaudio2``; fails without them. ``paplay`` plays the demo
track into a null sink; the daemon's own input hears the sink's monitor in a process of its own, because PortAudio
reads its surroundings once.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.inputs.audio import DEMO_BPM, write_wav

ROOT = Path(__file__).parents[2]

LISTEN = """
import dataclasses, json, sys, time
from bridge.ears import EarsSettings, EarsThread, make_ears
from bridge.inputs.audio import AudioInput, AudioSettings, list_devices
from bridge.model.board import ProblemBoard

def say(**what):
    print(json.dumps(what), flush=True)

def on_heard(heard):
    f = heard.features
    say(t=f.t, now=time.monotonic(), energy=f.energy, gated=f.gated, beats=[dataclasses.asdict(b) for b in heard.beats])

say(devices=[device.name for device in list_devices()])
board = ProblemBoard()
ears = EarsThread(make_ears(EarsSettings(), board), on_heard=on_heard, board=board)
audio = AudioInput(AudioSettings(source="live", **json.loads(sys.argv[1])), on_block=ears.feed, board=board)
ears.start()
audio.start()
say(ready=True)
before = None
while True:
    now = audio.status().state, audio.status().overflows, [p.message for p in board.problems]
    if now != before:
        say(state=now[0], overflows=now[1], problems=now[2])
        before = now
    time.sleep(0.05)
"""


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing: run tests/peers/install.sh"
    return found


class Listener:
    """The input and the ears in a process; what they say, line by line."""

    def __init__(self, env: dict[str, str], **settings: Any) -> None:
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self.said: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", LISTEN, json.dumps(settings)], env=env, stdout=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):  # the last one is cut when the process is killed
                    self._lines.put(json.loads(line))

    def until(self, condition: Callable[[dict[str, Any]], bool], seconds: float = 30.0) -> dict[str, Any]:
        """The next line that fits; fails when none comes in time."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                tail = [said for said in self.said if "state" in said or "devices" in said][-5:]
                pytest.fail(f"nothing fitting in {seconds} s; last said: {tail}")
            self.said.append(line)
            if condition(line):
                return line

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()


class Pulse:
    """A PulseAudio server of our own with one null sink."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("PULSE")} | {
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{folder}/native",
            "PULSE_SINK": "gig",
            "PULSE_SOURCE": "gig.monitor",
            "PYTHONPATH": str(ROOT),
        }

    def start(self) -> None:
        socket = self._folder / "native"
        socket.unlink(missing_ok=True)
        self._server = subprocess.Popen(
            [
                *(program("pulseaudio"), "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                *("-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"),
                *("-L", "module-null-sink sink_name=gig rate=48000"),
            ],
            env=self.env,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            answer = subprocess.run([program("pactl"), "info"], env=self.env, capture_output=True, check=False)
            if answer.returncode == 0:
                return
            time.sleep(0.05)
        pytest.fail("pulseaudio does not answer")

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def play(self, wav: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([program("paplay"), "--latency-msec=100", str(wav)], env=self.env)


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[Pulse]:
    server = Pulse(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def listening(pulse: Pulse) -> Iterator[Callable[..., Listener]]:
    running: list[Listener] = []

    def start(**settings: Any) -> Listener:
        running.append(Listener(pulse.env, **settings))
        return running[-1]

    yield start
    for listener in running:
        listener.stop()


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("music") / "demo.wav"
    write_wav(path)
    return path


def test_the_music_another_program_plays_is_heard(pulse: Pulse, listening: Callable[..., Listener], wav: Path) -> None:
    listener = listening(device="pulse", channels=[1, 2])
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
    listener = listening(device="pulse")
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


def test_a_device_that_is_not_there_is_not_replaced(listening: Callable[..., Listener]) -> None:
    listener = listening(device="Scarlett 2i2")
    waiting = listener.until(lambda line: line.get("state") == "waiting" and bool(line["problems"]))
    assert "Scarlett 2i2" in waiting["problems"][0]
    with pytest.raises(pytest.fail.Exception):
        listener.until(lambda line: line.get("state") == "running", seconds=5)
