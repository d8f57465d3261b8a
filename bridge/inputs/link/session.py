"""The edge to the ``aalink`` package."""

from __future__ import annotations

__all__ = ["LinkSession", "join"]

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol

from bridge.model.errors import DependencyMissing


class LinkSession(Protocol):
    """What is used of ``aalink.Link``. Setting ``tempo`` or forcing a beat changes it for the whole session."""

    enabled: bool
    tempo: float
    quantum: float
    playing: bool
    start_stop_sync_enabled: bool

    @property
    def num_peers(self) -> int:
        """Other programs in the session."""

    @property
    def beat(self) -> float:
        """Beats of the session's line now, with fraction."""

    def sync(self, beat: float) -> Awaitable[float]:
        """Wake on the next multiple of ``beat``; gives its number."""

    def force_beat(self, beat: float) -> None:
        """Let now be ``beat``, for everybody, at once."""


def join(bpm: float) -> Any:
    """A Link session of the ``aalink`` package. Raises DependencyMissing where it is not installed."""
    try:
        import aalink
    except ImportError as error:
        raise DependencyMissing(
            "Ableton Link is switched on, but its package is not installed.",
            hint='Run: pip install "scope-bridge[link]".',
        ) from error
    asyncio.get_running_loop()  # aalink takes the running loop; without one it would fail later and elsewhere
    return aalink.Link(bpm)
