"""Ableton Link: tempo and beat of the session on the local network, for the one clock.

Link speaks multicast on every interface, so it is off until the user says so. The bridge listens: it never changes the
session's tempo. Link lets whoever comes later adopt the tempo it finds, so while nobody else is there the bridge
keeps its own end at the tempo it hears, not at an arbitrary 120.
"""

from __future__ import annotations

__all__ = ["LinkInput", "LinkSettings"]

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from pydantic import Field

from bridge.model.board import ProblemBoard
from bridge.model.document import PartSettings
from bridge.model.errors import DependencyMissing
from bridge.model.events import BpmReport

PART: Final = "link"
IDLE_BPM: Final = 120.0


class LinkSettings(PartSettings):
    """Ableton Link on the local network."""

    enabled: bool = Field(
        False, description='Follow the Link session. Needs the extra: pip install "scope-bridge[link]".'
    )


class LinkSession(Protocol):
    """What is used of ``aalink.Link``."""

    enabled: bool
    tempo: float

    @property
    def num_peers(self) -> int:
        """Other programs in the session."""

    def sync(self, beat: float) -> Awaitable[float]:
        """Wake on the next multiple of ``beat``; gives its number."""


class LinkInput:
    """Reports every beat of the session while somebody else is in it.

    Args:
        on_event: takes the reports, on the control loop.
        bpm: the clock's tempo now, None without one.
        make: makes the session; :func:`join` but in tests.
    """

    def __init__(
        self,
        settings: LinkSettings,
        *,
        on_event: Callable[[BpmReport], None],
        bpm: Callable[[], float | None],
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
        make: Callable[[float], LinkSession] | None = None,
    ) -> None:
        self._settings = settings
        self._on_event = on_event
        self._bpm = bpm
        self._board = board
        self._clock = clock
        self._make = make or join
        self._session: LinkSession | None = None
        self.peers = 0

    async def run(self) -> None:
        """Follow the session until cancelled; returns at once where Link is off or not installed."""
        if not self._settings.enabled:
            return
        try:
            self._session = session = self._make(self._bpm() or IDLE_BPM)
        except DependencyMissing as error:
            self._board.pin(PART, "missing", error.message, error.hint)
            return
        session.enabled = True
        try:
            while True:
                beat = await session.sync(1)
                self._report(session, beat, self._clock())
        finally:
            session.enabled = False

    def _report(self, session: LinkSession, beat: float, now: float) -> None:
        self.peers = session.num_peers
        if self.peers:
            self._on_event(BpmReport(now, bpm=session.tempo, beat=round(beat), source="link"))
            return
        heard = self._bpm()
        if heard is not None and abs(heard - session.tempo) > 0.01:
            session.tempo = heard


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
