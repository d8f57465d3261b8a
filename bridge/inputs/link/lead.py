"""Link out: what to change about the session so that it beats as the clock does. Pure.

A Link session has no leader: whoever changes tempo or beat last changes it for all. So the bridge changes as little as
it can. The tempo is set where it differs by more than 0.02 BPM. A beat that is 3 to 60 ms off is drawn near by a tempo a
little aside, for four beats; only further off is it forced, which the others hear as a jump. A tempo that somebody else
sets stands for four beats; then the clock's is set again, since the clock is what the room hears.
"""

from __future__ import annotations

__all__ = ["Lead", "Wish"]

from dataclasses import dataclass
from typing import Final

from bridge.model.beatgrid import BeatGrid

_SAME_BPM: Final = 0.02
_NEAR_S: Final = 0.003
"""A beat this near is left alone."""
_MET_S: Final = 0.001
_FAR_S: Final = 0.060
_DRAW_BEATS: Final = 4.0
_YIELD_BEATS: Final = 4.0
_FORCE_BEATS: Final = 4.0
"""After a forced beat the others get so long to settle; a bar elsewhere must stay there for so long."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to set, None for what is right: the session's ``tempo``, and by how many beats its line is to move on."""

    tempo: float | None = None
    move: float | None = None


class Lead:
    """Compares the session with the grid, some times a second."""

    def __init__(self) -> None:
        self._set_bpm: float | None = None
        self._yield_until: float | None = None
        self._settled_at = 0.0
        self._elsewhere_since: float | None = None
        self._bend = 0.0
        self.yielded = 0
        """How often somebody else's tempo was left to stand."""
        self.forced = 0
        self.error_s: float | None = None
        """How much later the session's beat comes than the grid's; None while nothing is led."""

    def wish(self, grid: BeatGrid, session_bpm: float, session_beat: float, now: float) -> Wish:
        """What to change now; ``session_beat`` was read at ``now``, together with ``session_bpm``."""
        bpm = grid.bpm
        if bpm is None:
            self._set_bpm = self.error_s = self._yield_until = None
            return Wish()
        period = 60.0 / bpm
        off = self._beats_off(grid, session_beat, now)
        within = off - round(off)
        self.error_s = -within * period
        if self._yields(session_bpm, now, period):
            return Wish()
        if abs(within) * period > _FAR_S or self._bar_is_elsewhere(off, now, period):
            if now < self._settled_at:
                return self._at_tempo(bpm, session_bpm)
            self._settled_at = now + _FORCE_BEATS * period
            self._elsewhere_since = None
            self._bend = 0.0
            self.forced += 1
            return Wish(self._at_tempo(bpm, session_bpm).tempo, -off)
        self._draw(within, period)
        return self._at_tempo(bpm * (1.0 + self._bend), session_bpm)

    def _beats_off(self, grid: BeatGrid, session_beat: float, now: float) -> float:
        """How many beats the session's bar is ahead of the grid's, at most half a bar either way."""
        bar = grid.beats_per_bar
        return (session_beat - (grid.position_at(now) - grid.downbeat) + bar / 2) % bar - bar / 2

    def _yields(self, session_bpm: float, now: float, period: float) -> bool:
        """Whether somebody else's tempo stands for now."""
        if self._set_bpm is not None and abs(session_bpm - self._set_bpm) > _SAME_BPM:
            self._set_bpm = session_bpm
            self._yield_until = now + _YIELD_BEATS * period
            self.yielded += 1
        if self._yield_until is not None and now >= self._yield_until:
            self._yield_until = None
        return self._yield_until is not None

    def _bar_is_elsewhere(self, off: float, now: float, period: float) -> bool:
        if round(off) == 0:
            self._elsewhere_since = None
            return False
        if self._elsewhere_since is None:
            self._elsewhere_since = now
        return now - self._elsewhere_since >= _FORCE_BEATS * period

    def _draw(self, within: float, period: float) -> None:
        """Begin to bend the tempo when the beat is off, and end it when the beats have met: two changes, not a stream."""
        if abs(within) * period <= _MET_S or within * self._bend > 0:
            self._bend = 0.0
        if abs(within) * period > _NEAR_S and abs(within) > 1.5 * _DRAW_BEATS * abs(self._bend):
            self._bend = -within / _DRAW_BEATS

    def _at_tempo(self, bpm: float, session_bpm: float) -> Wish:
        if abs(bpm - session_bpm) <= _SAME_BPM:
            self._set_bpm = session_bpm
            return Wish()
        self._set_bpm = bpm
        return Wish(tempo=bpm)
