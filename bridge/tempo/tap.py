"""Tap tempo: a line through at least three taps, the first is the downbeat."""

from __future__ import annotations

__all__ = ["TapFollower"]

import math
import statistics
from dataclasses import replace
from typing import Final

from bridge.model.beatgrid import Uncertainty
from bridge.model.events import TapEvent
from bridge.tempo.reading import MAX_BPM, MIN_BPM, Reading, typed
from bridge.tempo.spread import Spread

_MIN_TAPS: Final = 3
_KEEP_TAPS: Final = 16
_OFF: Final = 0.35
"""A tap further than this share from the expected interval starts a new series."""
_USUAL_S: Final = 0.015
"""How far people tap from the beat (standard deviation)."""
_USUAL_TAPS: Final = 4
"""How many taps that knowledge counts for."""
_BIAS_S: Final = 0.003
_BIAS_DRIFT: Final = 5e-4
_BOUNCE_S: Final = 0.06
"""A contact that bounces is not a tap."""


class TapFollower:
    """The series of taps a person gives, and the tempo it holds for a while afterwards."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._taps: list[float] = []
        self._numbers: list[int] = []
        self._held: Reading | None = None
        self._since = 0.0
        self._series = 0

    def feed(self, event: TapEvent) -> None:
        """Take a tap; one that does not fit the series starts a new one, a missed one is bridged."""
        if self._taps and event.t - self._taps[-1] < _BOUNCE_S:
            return
        beats = self._beats_since_last(event.t)
        if beats == 0:
            self._taps, self._numbers = [event.t], [0]
            self._series += 1
            return
        self._taps.append(event.t)
        self._numbers.append(self._numbers[-1] + beats)
        del self._taps[:-_KEEP_TAPS], self._numbers[:-_KEEP_TAPS]
        if len(self._taps) >= _MIN_TAPS:
            self._hold()

    def _beats_since_last(self, t: float) -> int:
        """How many beats after the last tap this one is: 1, 2 where one was missed, 0 for a new series."""
        if not self._taps or t - self._taps[-1] > 60.0 / MIN_BPM:
            return 0
        if len(self._taps) < 2:
            return 1
        ratio = (t - self._taps[-1]) / self._median_interval()
        nearest = round(ratio)
        limit = 1 if len(self._taps) < _MIN_TAPS else 2
        return nearest if 1 <= nearest <= limit and abs(ratio - nearest) <= _OFF else 0

    def _median_interval(self) -> float:
        spans = zip(self._taps, self._taps[1:], self._numbers, self._numbers[1:], strict=False)
        return statistics.median((after - before) / (n - m) for before, after, m, n in spans)

    def _hold(self) -> None:
        period = statistics.linear_regression(self._numbers, self._taps).slope
        if not MIN_BPM <= 60.0 / period <= MAX_BPM:
            return
        number = self._numbers[-1]
        late = statistics.fmean(t - (n - number) * period for t, n in zip(self._taps, self._numbers, strict=True))
        off = [(t - late) - (n - number) * period for t, n in zip(self._taps, self._numbers, strict=True)]
        spread = statistics.pstdev(off)
        self._since = self._taps[-1]
        self._held = Reading(
            period=period,
            beat_time=late,
            number=number,
            confidence=max(0.3, 0.9 - 2.0 * spread / period),
            has_bars=True,
            steady=True,
            by_hand=True,
            jumped=self._series,
            uncertainty=self._uncertainty(off, late, period),
        )

    def _uncertainty(self, off: list[float], late: float, period: float) -> Uncertainty:
        """From how evenly the person taps, told from few taps with the help of how people usually do."""
        squares = sum(one * one for one in off) + _USUAL_TAPS * _USUAL_S**2
        noise = math.sqrt(squares / (len(off) - 2 + _USUAL_TAPS))
        return Spread.of_line(len(off)).uncertainty(late, period, noise, _BIAS_S, _BIAS_DRIFT)

    def type_in(self, bpm: float, t: float, beat_time: float) -> None:
        """Hold a tempo typed at ``t``, with a beat at ``beat_time``. One outside 20..400 BPM is left out."""
        if MIN_BPM <= bpm <= MAX_BPM:
            self._series += 1
            self._taps, self._numbers = [], []
            self._since = t
            self._held = Reading(
                period=60.0 / bpm,
                beat_time=beat_time,
                confidence=0.7,
                steady=True,
                by_hand=True,
                jumped=self._series,
                uncertainty=typed(t),
            )

    def let_go(self) -> None:
        """Forget the held tempo; a series that goes on may hold it again."""
        self._held = None

    def reading(self, now: float) -> Reading | None:
        """The tapped grid; after ``hold_s`` it leads only where nothing else does."""
        if self._held is not None and now - self._since > self._hold_s:
            return replace(self._held, weak=True)
        return self._held

    def stopped(self) -> bool:
        """A tempo that was let go leaves no beat behind to coast on."""
        return self._held is None
