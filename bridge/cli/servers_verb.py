"""The Scope servers of a running daemon: how they are, which one plays; pin one, or let it choose again.

examples:
  scope-bridge servers              list them
  scope-bridge servers 2            play on the second alone
  scope-bridge servers gpu.local    the same by host or address
  scope-bridge servers --auto       by preference again
"""

from __future__ import annotations

import argparse
import json

from bridge.cli.daemon import Daemon, add_daemon_arguments
from bridge.cli.exits import FINE, RUNTIME
from bridge.model.errors import ScopeBridgeError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    add_daemon_arguments(parser)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("server", nargs="?", help="number from 1, host or address of the server to play on")
    choice.add_argument("--auto", action="store_true", help="unpin: choose by preference")


def execute(given: argparse.Namespace) -> int:
    """Pin if asked to, then list; 1 when none plays."""
    daemon = Daemon(given)
    servers = daemon.get("/api/v1/status")["scope"]["servers"]
    if given.server is not None:
        _check(given.server, [server["url"] for server in servers])
    if given.auto or given.server is not None:
        daemon.post("/api/v1/targets", {"server": "auto" if given.auto else given.server})
        servers = daemon.get("/api/v1/status")["scope"]["servers"]
    if given.json:
        print(json.dumps(servers, indent=2))
    else:
        for place, server in enumerate(servers, 1):
            marks = f"{'*' if server['current'] else ' '}{'!' if server['pinned'] else ' '}"
            print(f"{marks}{place}  {server['state']:8} {server['url']}  {server['problem']}".rstrip())
        print("* in use   ! pinned" if servers else "No server is configured: set scope.urls.")
    return FINE if any(server["state"] == "live" for server in servers) else RUNTIME


def _check(server: str, known: list[str]) -> None:
    """The daemon takes a choice without an answer, so what it would refuse is refused here."""
    number = int(server) if server.isdecimal() else None
    if number in range(1, len(known) + 1) or (number is None and any(server in url for url in known)):
        return
    shown = ", ".join(f"{place} {url}" for place, url in enumerate(known, 1))
    raise ScopeBridgeError(
        f"The daemon knows no server {server}.", hint=f"Choose one of: {shown or 'none is configured'}."
    )
