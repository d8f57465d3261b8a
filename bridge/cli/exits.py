"""Exit codes of every verb."""

from __future__ import annotations

__all__ = ["BAD_CONFIGURATION", "FINE", "NO_DAEMON", "RUNTIME", "STOP_NOT_CONFIRMED", "USAGE"]

from typing import Final

FINE: Final = 0
RUNTIME: Final = 1
USAGE: Final = 2
NO_DAEMON: Final = 3
STOP_NOT_CONFIRMED: Final = 4
BAD_CONFIGURATION: Final = 78
