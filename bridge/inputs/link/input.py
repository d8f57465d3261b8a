"""Ableton Link: tempo and beat of the session on the local network, for the one clock, or from it.

Link speaks multicast on every interface, so it is off until the user says so. In mode "follow" the bridge listens and
never changes a session with others in it. Link lets whoever comes later adopt the tempo it finds, so while nobody else is
there the bridge keeps its own end at the tempo it hears, not at an arbitrary 120. In mode "lead" it never follows.
"""

from __future__ import annotations

__all__ = ["LinkInput"]

import asyncio
import time
from collections.abc import Callable
from typing import Final

from bridge.inputs.link.lead import Lead
from bridge.inputs.link.session import LinkSession, join
from bridge.inputs.link.settings import LinkSettings
from bridge.model.beatgrid import BeatGrid
from bridge.model.board import ProblemBoard
from bridge.model.errors import DependencyMissing
from bridge.model.events import BpmReport
from bridge.model.status import LinkStatus

PART: Final = "link"
IDLE_BPM: Final = 120.0
LEAD_S: Final = 0.125
"""Between two looks at the session in mode lead; it is changed at most so often."""


class LinkInput:
    """Reports every beat of the session while somebody else is in it, or leads the session.

    Args:
        on_event: takes the reports, on the control loop.
        grid: the clock's grid now, shifted by this output's offset.
        make: makes the session; :func:`~bridge.inputs.link.session.join` but in tests.
    """

    def __init__(
        self,
        settings: LinkSettings,
        *,
        on_event: Callable[[BpmReport], None],
        grid: Callable[[], BeatGrid],
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
        make: Callable[[float], LinkSession] | None = None,
    ) -> None:
        self._settings = settings
        self._on_event = on_event
        self._grid = grid
        self._board = board
        self._clock = clock
        self._make = make or join
        self._session: LinkSession | None = None
        self._lead = Lead()
        self._said = (False, 0)

    async def run(self) -> None:
        """Be in the session until cancelled; returns at once where Link is off or not installed."""
        if not self._settings.enabled:
            return
        try:
            session = self._make(self._grid().bpm or IDLE_BPM)
        except DependencyMissing as error:
            self._board.pin(PART, "missing", error.message, error.hint)
            return
        session.enabled = True
        self._said = (False, 0)
        self._session = session
        try:
            if self._settings.mode == "lead":
                session.quantum = float(self._grid().beats_per_bar)
                session.start_stop_sync_enabled = self._settings.start_stop
                while True:
                    self._guide(session)
                    await asyncio.sleep(LEAD_S)
            while True:
                beat = await session.sync(1)
                self._report(session, beat, self._clock())
        finally:
            self._session = None
            session.enabled = False

    def status(self) -> LinkStatus | None:
        """None where Link is off or not installed."""
        session = self._session
        if session is None:
            return None
        error = self._lead.error_s
        return LinkStatus(
            mode=self._settings.mode,
            peers=session.num_peers,
            bpm=round(session.tempo, 2),
            error_ms=None if error is None else round(error * 1000, 2),
            forced=self._lead.forced,
            yielded=self._lead.yielded,
        )

    def _report(self, session: LinkSession, beat: float, now: float) -> None:
        if session.num_peers:
            self._on_event(BpmReport(now, bpm=session.tempo, beat=round(beat), source="link"))
            return
        heard = self._grid().bpm
        if heard is not None and abs(heard - session.tempo) > 0.01:
            session.tempo = heard

    def _guide(self, session: LinkSession) -> None:
        grid = self._grid()
        now, beat = self._clock(), session.beat
        wish = self._lead.wish(grid, session.tempo, beat, now)
        if wish.tempo is not None:
            session.tempo = wish.tempo
        if wish.move is not None:
            session.force_beat(session.beat + wish.move)
        # Said again to whoever comes later: Link tells newcomers the tempo, but not that it plays. Others may stop it.
        said = (grid.bpm is not None, session.num_peers)
        if self._settings.start_stop and said != self._said:
            session.playing, self._said = said[0], said
