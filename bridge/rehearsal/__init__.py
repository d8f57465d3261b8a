"""A local server that behaves like Daydream Scope and draws on the CPU: for demo, rehearsal and tests."""

from __future__ import annotations

from bridge.rehearsal.server import Rehearsal, serve
from bridge.rehearsal.settings import RehearsalSettings

__all__ = ["Rehearsal", "RehearsalSettings", "serve"]
