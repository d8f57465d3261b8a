"""Effects, stories and automation off, back to the theme's base; the picture keeps running.

examples:
  scope-bridge panic             now; again to undo
  scope-bridge panic --release   undo
"""

from __future__ import annotations

import argparse

from bridge.cli.daemon import Daemon, add_daemon_arguments
from bridge.cli.exits import FINE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    add_daemon_arguments(parser)
    parser.add_argument("--release", action="store_true", help="undo")


def execute(given: argparse.Namespace) -> int:
    """Post the action."""
    Daemon(given).post("/api/v1/actions/panic", {"value": not given.release})
    print("Panic released." if given.release else "Panic: effects and automation are off, the picture keeps running.")
    return FINE
