"""Follows the beats that the ears hear: a phase-locked loop that shrugs off a missed or a false beat."""

from __future__ import annotations

__all__ = ["HeardFollower", "fold"]

import math
from collections import deque
from typing import Final

from bridge.model.events import TrackedBeat
from bridge.tempo.bars import BarVotes
from bridge.tempo.reading import MAX_BPM, MIN_BPM, Reading
from bridge.tempo.spread import Spread

_NEAR: Final = 0.17
"""Share of a beat within which a heard beat belongs to the grid."""
_PHASE_GAIN: Final = 0.25
_PERIOD_GAIN: Final = 0.06
_STEADY_HITS: Final = 6
_STRAYS_BEFORE_RESTART: Final = 4
_TEMPO_OFF: Final = 0.04
_SILENT_BEATS: Final = 4.0
_SILENT_S: Final = 2.0
_NOISE_S: Final = 0.015
_NOISE_SHARE: Final = 0.1
_AT_FIRST: Final = Spread(1.0, 0.0, 0.1)
"""One beat, as noisy as any, and a tempo known to about a hundredth."""
_BIAS_S: Final = 0.007
_BIAS_DRIFT: Final = 5e-4
"""What a tracker is beside the beat for a whole passage, and its tempo: no scatter shows it (measured on foreign music)."""
_MAX_BEATS_APART: Final = 64.0


def fold(bpm: float, low: float, high: float, near: float | None = None) -> float:
    """Move a tempo by octaves into ``low``..``high``, or as close to ``near`` as octaves allow.

    A range narrower than an octave may have no octave inside: then the one nearest its middle is taken.
    """
    if near is None:
        folded = bpm * 2.0 ** math.ceil(math.log2(low / bpm)) if bpm < low else bpm
        folded = folded / 2.0 ** math.ceil(math.log2(folded / high)) if folded > high else folded
        if low <= folded <= high:
            return folded
        near = math.sqrt(low * high)
    return bpm * 2.0 ** round(math.log2(near / bpm))


class HeardFollower:
    """The heard beats as a grid; ``hint_bpm`` (a tapped tempo) decides between octaves."""

    def __init__(self, bpm_min: float, bpm_max: float, min_confidence: float, beats_per_bar: int = 4) -> None:
        self._range = (bpm_min, bpm_max)
        self._min_confidence = min_confidence
        self.hint_bpm: float | None = None
        self._period = 0.0
        self._tracker_period = 0.0
        self._anchor = 0.0
        self._number = 0
        self._last = -math.inf
        self._hits: deque[bool] = deque(maxlen=16)
        self._strays: list[TrackedBeat] = []
        self._tempo_off = 0
        self._spread = 0.0
        self._noise_var = _NOISE_S**2
        self._doubt = _AT_FIRST
        self._confidence = 0.0
        self.bars = BarVotes(beats_per_bar)
        """Where the heard bars open."""
        self._jumps = 0

    def feed(self, beat: TrackedBeat) -> None:
        """Take a heard beat; those without confidence or with an impossible tempo are ignored."""
        if beat.confidence < self._min_confidence or not MIN_BPM <= beat.bpm <= MAX_BPM or beat.t <= self._last:
            return
        period = 60.0 / fold(beat.bpm, *self._range, near=self.hint_bpm)
        silent_since = self._last
        self._last = beat.t
        if not self._period or beat.t - silent_since > max(_SILENT_S, _SILENT_BEATS * self._period):
            self._restart(beat, period)
            return
        self._tracker_period = 60.0 / beat.bpm
        self._watch_tempo(period)
        beats = (beat.t - self._anchor) / self._period
        error = beats - round(beats)
        if abs(error) <= _NEAR and beats <= _MAX_BEATS_APART:
            self._hit(beat, round(beats), error)
        elif not self._is_off_beat(error):
            self._stray(beat, period)

    def _is_off_beat(self, error: float) -> bool:
        """A tracker at twice our tempo also reports every half beat: neither a hit nor a stray."""
        return self._tracker_period < 0.75 * self._period and abs(error) >= 0.5 - _NEAR

    def _hit(self, beat: TrackedBeat, beats: int, error: float) -> None:
        self._learn_noise(beats, error * self._period)
        self._anchor += beats * self._period + _PHASE_GAIN * error * self._period
        self._period *= 1.0 + _PERIOD_GAIN * error / max(1, beats)
        self._number += beats
        self._hits.append(True)
        self._strays.clear()
        self._spread += 0.2 * (abs(error) - self._spread)
        self._confidence += 0.25 * (beat.confidence - self._confidence)
        if beat.downbeat:
            self.bars.vote(self._number, beat.bar_confidence, beat.metre)

    def _learn_noise(self, beats: int, error_s: float) -> None:
        measured = error_s * error_s / (1.0 + self._doubt.ahead(beats))
        self._noise_var += max(_NOISE_SHARE, 1.0 / (len(self._hits) + 4)) * (measured - self._noise_var)
        self._doubt = self._doubt.looped(beats, _PHASE_GAIN, _PERIOD_GAIN / max(1, beats))

    def _stray(self, beat: TrackedBeat, period: float) -> None:
        """A beat off the grid; several in a row that agree with each other are a new grid."""
        self._hits.append(False)
        self._strays.append(beat)
        if len(self._strays) < _STRAYS_BEFORE_RESTART:
            return
        offsets = [(stray.t - beat.t) / period for stray in self._strays]
        if all(abs(offset - round(offset)) <= _NEAR for offset in offsets):
            self._restart(beat, period)
        else:
            self._strays.pop(0)

    def _watch_tempo(self, period: float) -> None:
        off = abs(period / self._period - 1.0) > _TEMPO_OFF
        self._tempo_off = self._tempo_off + 1 if off else 0
        if self._tempo_off >= _STRAYS_BEFORE_RESTART:
            self._period = period
            self._doubt = _AT_FIRST
            self._tempo_off = 0
            self._jumps += 1

    def _restart(self, beat: TrackedBeat, period: float) -> None:
        self._period, self._anchor = period, beat.t
        self._number += 1
        self._hits.clear()
        self._hits.append(True)
        self._strays.clear()
        self.bars.forget()
        self._tempo_off = 0
        self._spread = 0.0
        self._noise_var = _NOISE_S**2
        self._doubt = _AT_FIRST
        self._confidence = beat.confidence
        self._jumps += 1

    def reading(self, now: float) -> Reading | None:
        """The heard grid; None after 2 seconds or 4 beats without a beat."""
        if not self._period or now - self._last > max(_SILENT_S, _SILENT_BEATS * self._period):
            return None
        hits = sum(self._hits)
        steady = hits >= _STEADY_HITS and hits >= 0.6 * len(self._hits) and self._spread < 0.1
        return Reading(
            period=self._period,
            beat_time=self._anchor,
            number=self._number - (self.bars.place or 0),
            has_bars=self.bars.place is not None,
            bar_confidence=self.bars.confidence,
            confidence=max(0.0, min(1.0, self._confidence * (1.0 - 3.0 * self._spread))),
            steady=steady,
            jumped=self._jumps,
            uncertainty=self._doubt.uncertainty(
                self._anchor, self._period, math.sqrt(self._noise_var), _BIAS_S, _BIAS_DRIFT
            ),
        )

    def stopped(self) -> bool:
        """Music never says that it stops; it falls silent."""
        return False
