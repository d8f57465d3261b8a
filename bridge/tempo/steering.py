"""Steers the grid onto its source without a beat doubled, missed or counted twice.

The grid's position is a continuous line that only ever rises. While it agrees with its source within 20 ms,
each beat is moved by at most ``max_slew_ms``; otherwise the tempo is bent so that the second beat from now
lands on the source's beat, with no interval shorter than two thirds of a beat or longer than five thirds.
"""

from __future__ import annotations

__all__ = ["Steering"]

import math
from dataclasses import dataclass, replace
from typing import Final

from bridge.model.beatgrid import BeatGrid, TempoSource, Uncertainty
from bridge.tempo.reading import Reading

_AGREES_S: Final = 0.020
_JUST_NOW_S: Final = 0.060
"""A first beat this little in the past still sounds."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the line goes: to ``beat`` in ``in_s`` seconds, then still ``off`` seconds beside the source.

    ``number`` is the source's own number of the beat that is coming.
    """

    beat: int
    in_s: float
    off: float
    number: int


class Steering:
    """Owns the grid; told where the source's beats are, and which beats were given out."""

    def __init__(self, beats_per_bar: int, max_slew_s: float) -> None:
        self._max_slew_s = max_slew_s
        self._land_by: int | None = None
        self._given_at = -math.inf
        self._passed: tuple[int, float] | None = None  # a beat that fell due before the line was planned anew, and when
        self.grid = BeatGrid(beats_per_bar=beats_per_bar)
        self.beat = -1
        """The last beat given out, -1 before the first."""
        self.bar = -1

    def stop(self) -> None:
        """No tempo from here on; the count of beats is kept."""
        self._land_by = None
        if self.grid.bpm is not None:
            self.grid = replace(self.grid, bpm=None, confidence=0.0, bar_confidence=0.0, source="none")

    def begin(self, target: Reading, source: TempoSource, confidence: float, now: float) -> None:
        """Start from rest: the next beat counted is the source's next one."""
        since = (now - target.beat_time) % target.period
        anchor = now - since
        is_new = since <= _JUST_NOW_S and anchor > self._given_at + target.period / 2
        count = self.beat + 1 if is_new else self.beat
        self._land_by = None
        self.grid = replace(
            self.grid,
            bpm=60.0 / target.period,
            anchor=anchor,
            anchor_beat=count,
            approach_bpm=None,
            confidence=confidence,
            source=source,
            uncertainty=target.uncertainty,
        )
        number = target.number + round((anchor - target.beat_time) / target.period)
        self._set_bar(target, count, number)

    def follow(self, target: Reading, source: TempoSource, confidence: float, at: float, *, jumped: bool) -> None:
        """Plan the line from time ``at`` on; ``jumped`` when the source itself or its place has changed."""
        position = self.grid.position_at(at)
        coming = math.floor(position + 1e-9) + 1
        passed = self.grid.time_of(coming - 1)
        if coming - 1 > self.beat and passed is not None and (self._passed or (-1,))[0] != coming - 1:
            self._passed = (coming - 1, passed)
        if jumped:
            self._land_by = None
        plan = self._plan(target, at, position, coming)
        self.grid = replace(
            self.grid,
            bpm=target.bpm,
            anchor=at + plan.in_s,
            anchor_beat=plan.beat,
            approach_bpm=60.0 * (plan.beat - position) / plan.in_s,
            confidence=confidence,
            source=source,
            uncertainty=_widened(target.uncertainty, plan.off),
        )
        self._set_bar(target, coming, plan.number)

    def _plan(self, target: Reading, at: float, position: float, coming: int) -> _Plan:
        period, rest = target.period, coming - position
        free = at + rest * period
        nearest = round((free - target.beat_time) / period)
        error = target.beat_time + nearest * period - free
        if abs(error) <= _AGREES_S and self._land_by is None:
            slew = max(-self._max_slew_s, min(self._max_slew_s, error)) * rest
            return _Plan(coming, rest * period + slew, error - slew, target.number + nearest)
        if error < -period / 3:
            error += period
            nearest += 1
        if self._land_by is None or self._land_by <= position:
            self._land_by = coming + 1
        land = self._land_by
        if land == coming:
            self._land_by = None
        return _Plan(land, (land - position) * period + error, 0.0, target.number + nearest)

    def _set_bar(self, target: Reading, count: int, number: int) -> None:
        """Let the beats that open the source's bars open ours; bars given out are never given out again."""
        if not target.has_bars:
            self.grid = replace(self.grid, bar_confidence=0.0)
            return
        per_bar = self.grid.beats_per_bar
        downbeat = (count - number) % per_bar - per_bar
        following = self.beat + 1
        least = self.bar + (1 if (following - downbeat) % per_bar == 0 else 0)
        short = least - (following - downbeat) // per_bar
        self.grid = replace(
            self.grid, downbeat=downbeat - max(0, short) * per_bar, bar_confidence=target.bar_confidence
        )

    def take_due(self, now: float) -> tuple[int, float, int] | None:
        """The newest beat due at ``now`` as (count, time, beats skipped before it), each beat once."""
        if self.grid.bpm is None:
            return None
        due = self.grid.beat_at(now)
        if due <= self.beat:
            return None
        skipped = due - self.beat - 1
        self.beat = due
        self.bar = (due - self.grid.downbeat) // self.grid.beats_per_bar
        if self._passed is not None and self._passed[0] == due:
            self._given_at = self._passed[1]
        else:
            self._given_at = self.grid.time_of(due) or now
        return due, self._given_at, skipped


def _widened(known: Uncertainty, off_s: float) -> Uncertainty:
    """What is known of the source's beats, for a grid that still lies ``off_s`` beside them."""
    return replace(known, sd_s=math.hypot(known.sd_s, off_s)) if off_s else known
