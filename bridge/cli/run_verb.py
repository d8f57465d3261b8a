"""The daemon, with your configuration.

It always starts: a missing controller, sound card, server or library is a named problem that heals by itself. A broken
configuration file is reported, and the last good one is used; --strict refuses instead (exit 78).

examples:
  scope-bridge run
  scope-bridge run --strict --config show.toml
  scope-bridge -o audio.source=live -o 'audio.device="Scarlett"' run
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from bridge.app import App
from bridge.cli.configuration import load_settings, load_settings_for_run
from bridge.cli.durations import seconds
from bridge.cli.exits import FINE
from bridge.cli.logs import set_up_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument("--strict", action="store_true", help="refuse to start on a broken configuration (exit 78)")
    parser.add_argument("--seconds", type=seconds, metavar="N", help="end by itself after N seconds")


def execute(given: argparse.Namespace) -> int:
    """Run until a signal or the given time."""
    loaded = load_settings(given) if getattr(given, "strict", False) else load_settings_for_run(given)
    set_up_logging(loaded.settings.log, given)
    app = App(loaded)
    run_until_signal(app, getattr(given, "seconds", None))
    return FINE


def run_until_signal(app: App, seconds: float | None) -> None:
    """Run the app on its control loop until SIGINT, SIGTERM or for ``seconds``; SIGHUP reloads mappings and themes."""
    # The default of 5 ms lets one busy thread keep the control loop waiting; pictures and sound share this process.
    sys.setswitchinterval(0.001)

    async def body() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on the loop; Ctrl-C works there
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
            loop.add_signal_handler(signal.SIGHUP, app.reload)
        if seconds is not None:
            loop.call_later(seconds, stop.set)
        await app.run(stop)

    # OSC sockets are read with add_reader, which Windows' default loop lacks.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(body())
