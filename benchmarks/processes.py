"""Processes that benchmarks watch from outside: a rehearsal server and the daemon, on free ports, with folders of their own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

T = TypeVar("T")

PATIENCE_S: Final = 60.0
POLL_S: Final = 0.02


def start_rehearsal(*options: str, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    """A rehearsal server and its address, once it answers; it ends with this process."""
    command = [
        sys.executable,
        "-m",
        "bridge.rehearsal",
        "--port",
        str(port),
        "--json",
        "--parent-pid",
        str(os.getpid()),
    ]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["url"]


@contextlib.contextmanager
def running_daemon(*options: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """``scope-bridge run`` with these settings and nothing of the user's; the process, and its home."""
    command = [sys.executable, "-m", "bridge", "-q", *(part for option in options for part in ("-o", option)), "run"]
    with tempfile.TemporaryDirectory() as folder:
        homes = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), folder)
        process = subprocess.Popen(command, env={**os.environ, **homes}, stderr=subprocess.DEVNULL)
        try:
            yield process, Path(folder)
        finally:
            process.terminate()
            process.wait(15)


def until(condition: Callable[[], T], what: str, patience: float = PATIENCE_S) -> T:
    """Wait until ``condition`` is true; what it said."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(POLL_S)
    raise SystemExit(f"gave up waiting for {what}")


def moment_of(condition: Callable[[], object], what: str) -> float:
    """Wait until ``condition`` is true; the monotonic time at which it was seen to be."""
    until(condition, what)
    return time.monotonic()


def quietly(look: Callable[[], T]) -> T | None:
    """What is seen, or None where nothing answers."""
    try:
        return look()
    except OSError:
        return None


def get_json(url: str) -> dict[str, Any]:
    """A JSON document over HTTP."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        document: dict[str, Any] = json.load(answer)
        return document


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nobody has."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
