"""The whole chain on this machine: rehearsal server, demo track, status page. No hardware, no account.

examples:
  scope-bridge demo                       open the printed address; Ctrl-C ends it
  scope-bridge demo --seconds 20          end by itself and print a summary
  scope-bridge -o show.theme=neon-foundry demo
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

from bridge.app import App
from bridge.cli.durations import seconds
from bridge.cli.exits import FINE, RUNTIME
from bridge.cli.logs import set_up_logging
from bridge.cli.run_verb import run_until_signal
from bridge.config import Loaded, load
from bridge.model.errors import ScopeBridgeError
from bridge.settings import LogSettings, Settings

START_LIMIT_S: Final = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument("--seconds", type=seconds, metavar="N", help="end by itself after N seconds, with a summary")
    parser.add_argument("--url", metavar="URL", help="use this Scope server instead of the rehearsal server")


def execute(given: argparse.Namespace) -> int:
    """Start the rehearsal server and the daemon; print where to look; sum up at the end."""
    set_up_logging(LogSettings(level="warning"), given)
    server = None if given.url else _start_rehearsal()
    try:
        app = App(_demo_settings(given, given.url or _url_of(server)))
        app.on_ready(lambda: _greet(app))
        run_until_signal(app, given.seconds)
        print(_summary(app))
        heard_nothing = given.seconds is not None and app.last_status["scope"]["video"]["frames"] == 0
        return RUNTIME if heard_nothing else FINE
    finally:
        if server is not None:
            server.terminate()
            server.wait(10)


def _demo_settings(given: argparse.Namespace, url: str) -> Loaded[Settings]:
    """Demo settings: the user's own files play no part, so that the demo is the same everywhere."""
    overrides = [
        f'scope.urls=["{url}"]',
        "audio.source=demo",
        # Ableton answers on one port only, which another program may well have: no reason to look degraded here.
        'mapping.files=["auto", "-abletonosc"]',
        f"web.port={_free(9720, socket.SOCK_STREAM)}",
        f"osc.listen=[{{port={_free(9700, socket.SOCK_DGRAM)}}}]",
    ]
    files = [given.config] if given.config else []
    return load(Settings, files=files, environ=os.environ, overrides=[*overrides, *given.option])


def _free(port: int, kind: socket.SocketKind) -> int:
    """``port``, or a free one when somebody has it."""
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start_rehearsal() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bridge.rehearsal", "--port", "0", "--json", "--parent-pid", str(os.getpid())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=Path.cwd())  # noqa: S603 - our own


def _url_of(server: subprocess.Popen[bytes] | None) -> str:
    """The address the server prints when it is ready."""
    if server is None or server.stdout is None:
        raise ScopeBridgeError("The rehearsal server has no output.")
    readable, _, _ = select.select([server.stdout], [], [], START_LIMIT_S)
    line = server.stdout.readline() if readable else b""
    if not line:
        server.kill()
        raise ScopeBridgeError("The rehearsal server did not start.", hint="Try it alone: scope-bridge rehearse")
    return str(json.loads(line)["url"])


def _greet(app: App) -> None:
    page = app.web.url or "(no page)"
    osc = ", ".join(listener["address"] for listener in app.status()["osc"])
    print(f"Scope Bridge demo: the picture, the beat and the meters are at {page}")
    print(f"  OSC is heard at {osc}; try: /bridge/theme/neon-foundry, /bridge/param/noise_scale 0.7")
    print("  Ctrl-C ends it.", flush=True)


def _summary(app: App) -> str:
    status = app.last_status
    scope = status["scope"]
    lines = [
        f"demo: {status['uptime_s']:.0f} s",
        f"  beats            {app.conductor.beats} ({status['tempo']['bpm'] or 0:.1f} BPM from {status['tempo']['source']})",
        f"  parameters sent  {scope['params']['sent']} messages ({scope['params']['coalesced']} changes merged)",
        f"  frames received  {scope['video']['frames']} ({scope['video']['fps']:.1f} fps)",
    ]
    lines += [f"  frames to        {output['name']}: {output['frames']}" for output in status["outputs"]]
    lines += [f"  problem          {p['part']}: {p['message']} {p['hint']}" for p in status["problems"]]
    return "\n".join(lines)
