"""The one clock, as an immutable value that any thread may ask."""

from __future__ import annotations

__all__ = ["NO_GRID", "BeatGrid", "Prediction", "TempoSource", "Uncertainty"]

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

_ANYWHERE: Final = 1.0 / math.sqrt(12.0)
"""Standard deviation of what is even over one."""

TempoSource = Literal["audio", "midi_clock", "link", "osc", "os2l", "tap", "none"]


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How well beats are known: to ``sd_s`` seconds (one standard deviation) at monotonic time ``at``.

    Away from ``at`` every second adds ``drift`` seconds (the relative standard deviation of the tempo), in squares.
    """

    at: float = 0.0
    sd_s: float = 0.0
    drift: float = 0.0

    def sd_at(self, t: float) -> float:
        """Standard deviation in seconds of a beat at monotonic time ``t``."""
        return math.hypot(self.sd_s, self.drift * (t - self.at))


@dataclass(frozen=True, slots=True)
class Prediction:
    """A beat to come: its monotonic ``time``, and the standard deviation ``sd_s`` of that in seconds."""

    time: float
    sd_s: float


@dataclass(frozen=True, slots=True)
class BeatGrid:
    """Where the beats are: past, present and predicted.

    ``anchor`` is the monotonic time of beat ``anchor_beat`` (an integer count from 0), ``bpm`` the tempo
    from there on; ``bpm`` None means there is no tempo. A grid that is on its way to a source has its anchor ahead
    and runs at ``approach_bpm`` up to there. ``downbeat`` is the count of any beat that opens
    a bar. ``confidence`` is 0..1, and so is ``bar_confidence``: how sure it is where bars open.
    """

    bpm: float | None = None
    anchor: float = 0.0
    anchor_beat: int = 0
    beats_per_bar: int = 4
    downbeat: int = 0
    confidence: float = 0.0
    source: TempoSource = "none"
    approach_bpm: float | None = None
    uncertainty: Uncertainty = Uncertainty()
    bar_confidence: float = 0.0

    @property
    def period(self) -> float | None:
        """Seconds per beat, or None without a tempo."""
        return None if self.bpm is None else 60.0 / self.bpm

    def position_at(self, t: float) -> float:
        """Beats since beat 0 at time ``t``, with fraction; 0.0 without a tempo."""
        if self.bpm is None:
            return 0.0
        bpm = self.approach_bpm if self.approach_bpm is not None and t < self.anchor else self.bpm
        return self.anchor_beat + (t - self.anchor) * bpm / 60.0

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
        bpm = self.approach_bpm if self.approach_bpm is not None and beat < self.anchor_beat else self.bpm
        return self.anchor + (beat - self.anchor_beat) * 60.0 / bpm

    def next_beat(self, t: float, n: int = 1) -> float | None:
        """Time of the ``n``-th beat strictly after ``t`` (n at least 1), or None without a tempo."""
        return self.time_of(self.beat_at(t) + n)

    def predict(self, t: float, n: int = 1) -> Prediction | None:
        """The ``n``-th beat strictly after ``t`` with its uncertainty, or None without a tempo.

        Two of three beats of the music fall within one ``sd_s``, as long as it keeps its tempo. A beat of which
        nothing is known lies anywhere: that is the most it can be.
        """
        time, period = self.next_beat(t, n), self.period
        if time is None or period is None:
            return None
        return Prediction(time, min(self.uncertainty.sd_at(time), period * _ANYWHERE))

    def shifted(self, later_s: float) -> BeatGrid:
        """The same beats ``later_s`` later (sooner where negative), for an output with an offset of its own."""
        if not later_s:
            return self
        known = replace(self.uncertainty, at=self.uncertainty.at + later_s)
        return replace(self, anchor=self.anchor + later_s, uncertainty=known)


NO_GRID = BeatGrid()
