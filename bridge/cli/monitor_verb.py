"""What arrives at a running daemon, and what it does: a line for each OSC and MIDI message and each click on the page.

Move a knob to learn its name, fire a clip to see what it is going to trigger. MIDI clock ticks are left out, and what
comes faster than 200 lines a second is counted instead of shown.

examples:
  scope-bridge monitor                 until Ctrl-C
  scope-bridge monitor --seconds 10    end by itself
  scope-bridge monitor --json          a JSON object a line, for scripts
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import time
from typing import Any, Final

from bridge.cli.daemon import Daemon, add_daemon_arguments
from bridge.cli.durations import seconds
from bridge.cli.exits import FINE

LONGEST_VALUE: Final = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    add_daemon_arguments(parser)
    parser.add_argument("--seconds", type=seconds, metavar="N", help="end by itself after N seconds")


def execute(given: argparse.Namespace) -> int:
    """Print what the daemon observes."""
    end = time.monotonic() + (math.inf if given.seconds is None else given.seconds)
    begun = False
    with contextlib.suppress(KeyboardInterrupt):  # how one leaves
        for message in Daemon(given).stream("/api/v1/monitor"):
            if not begun and not given.json:
                print("Watching; move a control or send a message.", flush=True)
            begun = True
            if message is not None:
                print(json.dumps(message) if given.json else line_of(message), flush=True)
            if time.monotonic() >= end:
                break
    return FINE


def line_of(message: dict[str, Any]) -> str:
    """A message of the monitor as a line for people."""
    if message["type"] == "left_out":
        return f"              {message['count']} more came too fast to be shown"
    seconds = message["time"]
    clock = time.strftime("%H:%M:%S", time.localtime(seconds)) + f".{int(seconds * 1000) % 1000:03}"
    sender = f" from {message['sender']}" if message["sender"] else ""
    return _printable(f"{clock}  {message['source']}{sender}  {message['what']}  {_outcome(message)}")


def _outcome(message: dict[str, Any]) -> str:
    through = f"[{'; '.join(message['matches'])}] " if message["matches"] else ""
    if message["refused"]:
        return f"{through}-> refused: {'; '.join(message['refused'])}"
    if message["intents"]:
        return f"{through}-> {', '.join(map(_asked, message['intents']))}"
    if message["taken_by"]:
        return f"-> {message['taken_by']}"
    if message["matches"]:
        # A knob that has not met its value yet, a button's release, a mapping of a layer that is off.
        return f"{through}-> nothing now"
    return "-> no mapping listens to it"


def _asked(intent: dict[str, Any]) -> str:
    if intent["kind"] != "set":
        return f"{intent['target']} {intent['kind']}"
    value = intent["value"]
    return f"{intent['target']} = {f'{value:.4g}' if isinstance(value, float) else str(value)[:LONGEST_VALUE]}"


def _printable(text: str) -> str:
    """What the network sent, with nothing in it that a terminal would obey."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
