"""A local Scope-compatible server that draws on the CPU: for rehearsing a show, and for tests.

examples:
  scope-bridge rehearse                          on http://127.0.0.1:8000, as a Scope would be
  scope-bridge rehearse --port 8001 --fps 8      slower, like a small GPU
  scope-bridge rehearse --help                   faults and versions it can play
"""

from __future__ import annotations

import argparse

from bridge.rehearsal.__main__ import add_rehearsal_arguments, serve_from_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb: those of ``python -m bridge.rehearsal``."""
    add_rehearsal_arguments(parser)


def execute(given: argparse.Namespace) -> int:
    """Serve until a signal."""
    return serve_from_arguments(given)
