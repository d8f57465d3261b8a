"""Decides which source leads: priority, patience before a take-over, and holding on through silence."""

from __future__ import annotations

__all__ = ["Leader", "Led"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.model.beatgrid import TempoSource
from bridge.tempo.reading import Reading
from bridge.tempo.settings import TempoSettings

_SURE_S: Final = 0.05
"""A leader that was silent is believed again when its beat is known to this (one standard deviation)."""


@dataclass(frozen=True, slots=True)
class Led:
    """The leading source and its newest reading; ``silent_s`` is how long it has said nothing."""

    source: TempoSource
    reading: Reading
    silent_s: float = 0.0


class Leader:
    """Remembers who leads and since when the others could.

    A more trusted source takes over once it was steady for ``takeover_beats``; a less trusted one only after
    the leader was silent for ``fallback_s``, or at once when the leader said by itself that it stopped. With
    nobody to follow, the last reading is held for ``hold_s``; a leader that comes back is followed once it says where its beats are.
    """

    def __init__(self, settings: TempoSettings) -> None:
        self._settings = settings
        self._rank = {source: rank for rank, source in enumerate(settings.priority)}
        self._steady_since: dict[TempoSource, float] = {}
        self._led: Led | None = None
        self._heard_at = 0.0

    def choose(
        self, readings: Mapping[TempoSource, Reading | None], stopped: Mapping[TempoSource, bool], now: float
    ) -> Led | None:
        """Who leads at ``now``; None when there is no tempo at all."""
        self._note_steady(readings, now)
        leader = self._led.source if self._led else None
        current = readings.get(leader) if leader else None
        if current and self._led and self._led.silent_s > 0.0 and current.uncertainty.sd_at(now) > _SURE_S:
            current = None
        if leader and current:
            self._led = Led(leader, current)
            self._heard_at = now
        challenger = self._challenger(readings, leader)
        if challenger and self._may_take_over(*challenger, current, stopped, now):
            self._led = Led(*challenger)
            self._heard_at = now
        elif self._led and not current:
            self._led = self._held(self._led, stopped[self._led.source], now)
        return self._led

    def _note_steady(self, readings: Mapping[TempoSource, Reading | None], now: float) -> None:
        for source, reading in readings.items():
            if reading is not None and reading.steady:
                self._steady_since.setdefault(source, now)
            else:
                self._steady_since.pop(source, None)

    def _order(self, source: TempoSource, reading: Reading) -> tuple[bool, int]:
        return reading.weak, self._rank[source]

    def _challenger(
        self, readings: Mapping[TempoSource, Reading | None], leader: TempoSource | None
    ) -> tuple[TempoSource, Reading] | None:
        steady = [
            (source, reading)
            for source, reading in readings.items()
            if reading is not None and reading.steady and source != leader and source in self._rank
        ]
        return min(steady, key=lambda one: self._order(*one), default=None)

    def _may_take_over(
        self,
        source: TempoSource,
        reading: Reading,
        current: Reading | None,
        stopped: Mapping[TempoSource, bool],
        now: float,
    ) -> bool:
        if self._led is None:
            return True
        outranks = self._order(source, reading) < self._order(self._led.source, self._led.reading)
        if current is None:
            return outranks or stopped[self._led.source] or now - self._heard_at >= self._settings.fallback_s
        patience = 0.0 if reading.by_hand else self._settings.takeover_beats * reading.period
        return outranks and now - self._steady_since[source] >= patience

    def _held(self, led: Led, stopped: bool, now: float) -> Led | None:
        silent = now - self._heard_at
        return None if stopped or silent > self._settings.hold_s else Led(led.source, led.reading, silent)
