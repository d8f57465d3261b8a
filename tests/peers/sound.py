"""Sound servers of our own, and a listener: the audio input and the ears in a process of their own."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.peers.stage import ROOT, program, until

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
    s = audio.status()
    # Not the losses of a busy machine: JACK tells of each.
    now = s.state, s.overflows, [p.message for p in board.problems if p.code != "audio_overflow"], s.rate, s.channels
    if now != before:
        say(state=s.state, overflows=s.overflows, problems=now[2], rate=s.rate, channels=s.channels)
        before = now
    time.sleep(0.05)
"""


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
        until(lambda: self.control("info").returncode == 0, what="an answer of pulseaudio")

    def control(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program("pactl"), *words], env=self.env, capture_output=True, text=True, check=False)

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def play(self, wav: Path, sink: str = "gig") -> subprocess.Popen[bytes]:
        return subprocess.Popen([program("paplay"), "--latency-msec=100", f"--device={sink}", str(wav)], env=self.env)

    def null_sink(self, name: str, description: str, *more: str) -> str:
        """Make another output; returns the number to unload it by."""
        told = f'sink_properties=device.description="{description}"'
        return self.control("load-module", "module-null-sink", f"sink_name={name}", told, *more).stdout.strip()


class PipeWire(Pulse):
    """PipeWire with its session manager and its PulseAudio server, and one null sink."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._parts: list[subprocess.Popen[bytes]] = []
        self.env |= {
            "PULSE_SERVER": f"unix:{folder}/pulse/native",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus",
            "HOME": str(folder),
        }

    def start(self) -> None:
        bus = ("dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address=unix:path={self._folder}/bus")
        for command, made in (
            (bus, "bus"),
            (("pipewire",), "pipewire-0"),
            (("wireplumber",), None),
            (("pipewire-pulse",), "pulse/native"),
        ):
            ends_with_us = (program("setpriv"), "--pdeathsig", "TERM", program(command[0]), *command[1:])
            self._parts.append(
                subprocess.Popen(ends_with_us, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            if made is not None:
                until((self._folder / made).exists, what=f"{command[0]}'s {made}")
        until(lambda: self.control("info").returncode == 0, what="an answer of pipewire-pulse")
        self.null_sink("gig", "Booth", "rate=48000")
        until(lambda: "gig.monitor" in self.control("list", "short", "sources").stdout, what="the sink")

    def kill(self) -> None:
        for part in reversed(self._parts):
            part.kill()
            part.wait()
        self._parts.clear()
