"""The whole house for benchmarks of endurance: a rehearsal server that can be killed, and a daemon on it, a process each."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from pythonosc.udp_client import SimpleUDPClient

from benchmarks.processes import free_port, get_json, quietly, running_daemon, start_rehearsal, until
from bridge.rehearsal.stamp import read_stamp

SIZE: Final = (256, 144)
"""Of the picture: the shape of the canvas, so that a stamp fills its width."""


class Stage:
    """A rehearsal server on a port of its own that it keeps when it is killed and started again."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.process = self._start()

    def kill(self) -> None:
        """End the server as a power cut would."""
        self.process.kill()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def start(self) -> None:
        """Start it again, once killed; it has forgotten everything."""
        self.process = self._start()

    def fault(self, kind: str, **options: Any) -> None:
        """Make something go wrong (``scope-bridge rehearse --help`` lists what)."""
        self._post("/rehearsal/fault", {"kind": kind, **options})

    def heal(self) -> None:
        """All faults off."""
        self._post("/rehearsal/heal", {})

    def load(self, pipeline: str) -> None:
        """What another client does when it loads a pipeline of its own."""
        self._post("/api/v1/pipeline/load", {"pipeline_ids": [pipeline], "load_params": {}})

    def journal(self) -> dict[str, Any]:
        """What was received and applied, the counts and the state."""
        return get_json(f"{self.url}/rehearsal/journal?since={time.monotonic() - 5.0!r}")

    def loaded(self) -> bool:
        """Whether a pipeline is loaded now."""
        return bool(get_json(f"{self.url}/api/v1/pipeline/status")["status"] == "loaded")

    def _start(self) -> subprocess.Popen[str]:
        return start_rehearsal("--stamp", "--load-seconds", "0.5", "--no-label", port=self._port)[0]

    def _post(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10):
            return


class Daemon:
    """A running daemon, seen from outside."""

    def __init__(self, process: subprocess.Popen[bytes], web: int, osc: SimpleUDPClient, home: Path) -> None:
        self.pid = process.pid
        self.process = process
        self.web = web
        self.osc = osc
        self.home = home
        self._url = f"http://127.0.0.1:{web}"

    def status(self) -> dict[str, Any]:
        """``/api/v1/status``."""
        return get_json(f"{self._url}/api/v1/status")

    def is_live(self) -> bool:
        """Whether the picture moves."""
        scope = self.status()["scope"]
        return bool(scope["state"] == "live" and scope["video"]["age_ms"] < 1000)

    def age_of_picture(self) -> float | None:
        """Seconds from the server's stamp to the canvas, read in the preview; None without a readable one."""
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/preview.jpg", timeout=5) as answer:
                jpeg = answer.read()
        except urllib.error.HTTPError:
            return None
        now = time.monotonic()
        with av.open(io.BytesIO(jpeg), format="mjpeg") as container:
            (picture, *_) = container.decode(video=0)
        plane = picture.planes[0]
        luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        micros = read_stamp(luma, picture.width)
        return None if micros is None else now - micros / 1e6


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """A server that is ended at the end, whatever became of it."""
    server = Stage()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


@contextlib.contextmanager
def daemon(server: Stage, *options: str) -> Iterator[Daemon]:
    """The daemon with the demo track as its music, files of its own, and no local effects that move the picture."""
    osc, web = free_port(socket.SOCK_DGRAM), free_port()
    settings = [
        f'scope.urls=["{server.url}"]',
        f"scope.load_params={{width={SIZE[0]}, height={SIZE[1]}, vace_enabled=true}}",
        f"osc.listen=[{{port={osc}}}]",
        f"web.port={web}",
        'mapping.files=["auto", "-abletonosc"]',
        "audio.source=demo",
        "outputs.preview.fps=30",
        *options,
    ]
    with running_daemon(*settings) as (process, home), SimpleUDPClient("127.0.0.1", osc) as client:
        running = Daemon(process, web, client, home)
        until(lambda: quietly(running.is_live), "the daemon's picture")
        client.send_message("/bridge/macro/reaction", 0.0)
        yield running
