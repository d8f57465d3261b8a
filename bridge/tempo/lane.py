"""The beats as one consumer wants them: each once, in order, moved by its own offset (issue 4 part 5)."""

from __future__ import annotations

__all__ = ["BeatLane"]

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from bridge.model.events import BeatEvent
from bridge.tempo.clock import TempoClock

_MAX_WAITING: Final = 16
"""More than fit into the largest offset (half a second) at the fastest tempo (400 BPM)."""


class BeatLane:
    """Hands out each beat of a clock ``later_s`` after the clock's own time, or before it where that is negative.

    A beat is told ``ahead_s`` before it acts, with the time it acts at as its ``t``: for those who schedule. A lane
    that lies before the clock tells beats as predicted. A beat told stays told: when the clock moves, the lane goes
    on with the next.

    Args:
        later_s: seconds, either sign.
        ahead_s: seconds, at least 0.
    """

    def __init__(self, later_s: float = 0.0, ahead_s: float = 0.0) -> None:
        self._later_s = later_s
        self._told_after_s = later_s - ahead_s
        self._waiting: deque[BeatEvent] = deque(maxlen=_MAX_WAITING)
        self._beat = -1
        self._bar = -1

    def take(self, clock: TempoClock, given: Sequence[BeatEvent], now: float) -> tuple[BeatEvent, ...]:
        """What is to be told at ``now``; ``given`` is what ``clock.advance(now)`` gave."""
        if self._told_after_s < 0.0:
            return tuple(self._predict(clock, clock.beat if given else clock.beat + 1, now))
        self._waiting.extend(given)
        due = []
        while self._waiting and self._waiting[0].t + self._told_after_s <= now:
            beat = self._waiting.popleft()
            due.append(replace(beat, t=beat.t + self._later_s))
        return tuple(due)

    def _predict(self, clock: TempoClock, first: int, now: float) -> Iterator[BeatEvent]:
        """Beats from ``first`` on that are due; several where the tempo was doubled under a lane far ahead."""
        for count in range(max(first, self._beat + 1), clock.grid.beat_at(now - self._told_after_s) + 1):
            beat = clock.expected(count)
            if beat is not None:
                bar = max(beat.bar, self._bar + 1 if beat.in_bar == 0 else self._bar)
                self._beat, self._bar = count, bar
                yield replace(beat, t=beat.t + self._later_s, bar=bar)

    def next_due(self, clock: TempoClock) -> float | None:
        """When ``take`` has something to tell next; None where only a new beat of the clock can tell."""
        if self._told_after_s < 0.0:
            at = clock.grid.time_of(max(self._beat, clock.beat) + 1)
        else:
            at = self._waiting[0].t if self._waiting else math.nan
        return None if at is None or math.isnan(at) else at + self._told_after_s
