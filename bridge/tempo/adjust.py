"""What a performer changed by hand about a source: octave, nudge and downbeat."""

from __future__ import annotations

__all__ = ["Adjustment"]

from dataclasses import dataclass, replace
from typing import Final

from bridge.tempo.reading import MAX_BPM, MIN_BPM, Reading

_NUDGE_S: Final = 0.010
_MAX_OCTAVES: Final = 3
_SLACK: Final = 1.1
"""A tempo that was chosen at the edge may move over it by this factor."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Applied to one source's readings: tempo times 2 ** ``octave``, beats ``later_s`` later.

    ``bar_shift`` is added to the beat numbers so that a bar opens where the performer said; ``bars`` is True
    once they said it. ``version`` grows with every change.
    """

    octave: int = 0
    later_s: float = 0.0
    bar_shift: int = 0
    bars: bool = False
    version: int = 0

    def apply(self, reading: Reading) -> Reading:
        """The reading as the performer wants it."""
        period, beat_time, number = reading.period, reading.beat_time, reading.number
        octave = self._octave_of(reading)
        if octave > 0:
            period /= 2**octave
            number *= 2**octave
        elif octave < 0:
            number, extra = divmod(number, 2**-octave)
            beat_time -= extra * period
            period *= 2**-octave
        return replace(
            reading,
            period=period,
            beat_time=beat_time + self.later_s,
            number=number + self.bar_shift,
            has_bars=reading.has_bars or self.bars,
            bar_confidence=1.0 if self.bars else reading.bar_confidence,
        )

    def _octave_of(self, reading: Reading) -> int:
        """The octave, less where the source has moved so far that it would be no tempo any more."""
        octave = self.octave
        while octave and not MIN_BPM / _SLACK <= reading.bpm * 2.0**octave <= MAX_BPM * _SLACK:
            octave -= 1 if octave > 0 else -1
        return octave

    def octave_up(self, reading: Reading) -> Adjustment:
        """Twice the tempo, as long as it stays a tempo."""
        return self._shifted(reading, 1)

    def octave_down(self, reading: Reading) -> Adjustment:
        """Half the tempo, as long as it stays a tempo."""
        return self._shifted(reading, -1)

    def _shifted(self, reading: Reading, step: int) -> Adjustment:
        octave = self.octave + step
        bpm = reading.bpm * 2.0**octave
        if abs(octave) > _MAX_OCTAVES or not MIN_BPM <= bpm <= MAX_BPM:
            return self
        return replace(self, octave=octave, bar_shift=0, version=self.version + 1)

    def nudged(self, reading: Reading, steps: int) -> Adjustment:
        """Beats 10 ms later per step (earlier for negative steps), wrapping around at a beat."""
        period = self.apply(reading).period
        later = (self.later_s + steps * _NUDGE_S + period / 2) % period - period / 2
        return replace(self, later_s=later, version=self.version + 1)

    def resynced(self, reading: Reading, now: float) -> Adjustment:
        """``now`` is a beat and opens a bar."""
        plain = replace(self, later_s=0.0, bar_shift=0, bars=True, version=self.version + 1)
        target = plain.apply(reading)
        nearest = round((now - target.beat_time) / target.period)
        later = now - (target.beat_time + nearest * target.period)
        return replace(plain, later_s=later, bar_shift=-(target.number + nearest))

    def with_bar_of(self, reading: Reading, other: Reading) -> Adjustment:
        """Bars open where ``other`` has them, on the same beats."""
        plain = replace(self, bar_shift=0, bars=True, version=self.version + 1)
        target = plain.apply(reading)
        later = round((target.beat_time - other.beat_time) / other.period)
        return replace(plain, bar_shift=other.number + later - target.number)

    def without_bar(self) -> Adjustment:
        """Bars open where the source has them."""
        return replace(self, bar_shift=0, bars=False, version=self.version + 1)
