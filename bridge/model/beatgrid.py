"""The one clock, as an immutable value that any thread may ask."""

from __future__ import annotations

__all__ = ["NO_GRID", "BeatGrid", "TempoSource"]

import math
from dataclasses import dataclass
from typing import Literal

TempoSource = Literal["audio", "midi_clock", "link", "osc", "os2l", "tap", "none"]


@dataclass(frozen=True, slots=True)
class BeatGrid:
    """Where the beats are: past, present and predicted.

    ``anchor`` is the monotonic time of beat ``anchor_beat`` (an integer count from 0), ``bpm`` the tempo
    from there on; ``bpm`` None means there is no tempo. ``downbeat`` is the count of any beat that opens
    a bar. ``confidence`` is 0..1, and so is ``bar_confidence``: how sure it is where bars open.
    """

    bpm: float | None = None
    anchor: float = 0.0
    anchor_beat: int = 0
    beats_per_bar: int = 4
    downbeat: int = 0
    confidence: float = 0.0
    source: TempoSource = "none"
    bar_confidence: float = 0.0

    @property
    def period(self) -> float | None:
        """Seconds per beat, or None without a tempo."""
        return None if self.bpm is None else 60.0 / self.bpm

    def position_at(self, t: float) -> float:
        """Beats since beat 0 at time ``t``, with fraction; 0.0 without a tempo."""
        if self.bpm is None:
            return 0.0
        return self.anchor_beat + (t - self.anchor) * self.bpm / 60.0

    def phase_at(self, t: float) -> float:
        """Position within the beat at ``t``: 0 on the beat, just under 1 before the next."""
        return self.position_at(t) % 1.0

    def beat_at(self, t: float) -> int:
        """Count of the beat that ``t`` lies in."""
        return math.floor(self.position_at(t) + 1e-9)

    def bar_at(self, t: float) -> int:
        """Count of the bar that ``t`` lies in."""
        return (self.beat_at(t) - self.downbeat) // self.beats_per_bar

    def in_bar_at(self, t: float) -> int:
        """Beat within the bar at ``t``: 0 on the downbeat."""
        return (self.beat_at(t) - self.downbeat) % self.beats_per_bar

    def time_of(self, beat: float) -> float | None:
        """Monotonic time of a beat count, or None without a tempo."""
        if self.bpm is None:
            return None
        return self.anchor + (beat - self.anchor_beat) * 60.0 / self.bpm

    def next_beat(self, t: float, n: int = 1) -> float | None:
        """Time of the ``n``-th beat strictly after ``t`` (n at least 1), or None without a tempo."""
        return self.time_of(self.beat_at(t) + n)


NO_GRID = BeatGrid()
