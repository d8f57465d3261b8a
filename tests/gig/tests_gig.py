"""Helpers for the tests on a machine with real devices: patient, because it may be an emulated one."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE_S = 120.0
SMALL = ("program.width=320", "program.height=180", "program.fps=5", "outputs.ndi.enabled=false")
"""An emulated processor cannot keep the usual size and rate."""


def until(condition: Callable[[], T], what: str | Callable[[], str], patience: float = PATIENCE_S) -> T:
    """The first true value of ``condition``, polled; fails naming ``what`` when it never comes."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.25)
    raise AssertionError(f"never came: {what if isinstance(what, str) else what()}")


def status_of(port: int = 9720) -> dict[str, Any] | None:
    """The daemon's status, or None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/status", timeout=20) as answer:
            document: dict[str, Any] = json.load(answer)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return None
    return document


def sh(command: str) -> str:
    """What a shell command prints, both streams."""
    done = subprocess.run(command, shell=True, text=True, capture_output=True, check=False)
    return (done.stdout + done.stderr).strip()


def raw_midi_port() -> str:
    """ALSA's name of the first virtual MIDI card's raw port, to send bytes to with amidi."""
    listed = [line.split() for line in sh("amidi -l").splitlines()]
    return next(words[1] for words in listed if len(words) > 1 and words[1].startswith("hw:"))


class Daemon:
    """A daemon of our own, with a configuration folder of its own; the machine's configuration is not there."""

    def __init__(self, command: Path, folder: Path, port: int, options: Sequence[str]) -> None:
        self.port = port
        self.log_path = folder / "daemon.log"
        settings = (*SMALL, f"web.port={port}", "osc.listen=[]", *options)
        arguments = [part for setting in settings for part in ("-o", setting)]
        environment = {
            "PATH": "/usr/bin:/usr/sbin",
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [command, *arguments, "run"], env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.log_path.read_text(errors="replace")

    def status(self) -> dict[str, Any]:
        """Its status; waits until it answers."""
        return until(lambda: status_of(self.port), lambda: f"status\n{self.log}")

    def problems(self, part: str) -> list[str]:
        """Messages of the problems of a part."""
        return [problem["message"] for problem in self.status()["problems"] if problem["part"] == part]


@contextlib.contextmanager
def running(command: Path, folder: Path, port: int, *options: str) -> Iterator[Daemon]:
    """A daemon until the end of the block; it must end by itself, without a traceback on the way."""
    daemon = Daemon(command, folder, port, options)
    try:
        daemon.status()
        yield daemon
        daemon.process.terminate()
        assert daemon.process.wait(60) == 0, daemon.log
        assert "Traceback" not in daemon.log, daemon.log
    finally:
        daemon.process.kill()
        daemon.process.wait()
        print(daemon.log)
