"""MIDI clock ticks to a tempo and a smooth phase: least squares first, then a delay-locked loop.

The loop is the second-order one of F. Adriaensen, "Using a DLL to filter time" (2005). A loop narrow enough to
be smooth needs seconds to settle, so the first eight beats, and those after a change of tempo, are a straight
line through the ticks; the loop starts where that line ends (figures: ``benchmarks/midi_clock.py``).
"""

from __future__ import annotations

__all__ = ["PPQN", "DelayLockedLoop", "TickFilter"]

import math
from collections import deque
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.model.beatgrid import Uncertainty
from bridge.tempo.spread import Spread

PPQN: Final = 24
"""MIDI clocks per beat."""

_BANDWIDTH_HZ: Final = 0.2
_SHORT: Final = 48
"""Ticks in the line that watches for a change of tempo."""
_LONG: Final = 192
"""Ticks in the line before the loop takes over."""
_STEP_BPM: Final = 1.5
_STEP_TICKS: Final = 12
_HICCUP_S: Final = 0.008
_HICCUP_SHARE: Final = 0.6
_STEADY_TICKS: Final = 24
_STEADY_RMS_S: Final = 0.012
_BIAS_S: Final = 0.0002
_BIAS_DRIFT: Final = 5e-5
"""What drivers and two computers' clocks add, however regular the ticks."""


@lru_cache(maxsize=256)
def _slope_weights(count: int) -> npt.NDArray[np.float64]:
    index = np.arange(count, dtype=np.float64) - (count - 1) / 2
    weights: npt.NDArray[np.float64] = index / float(index @ index)
    return weights


def fit_line(times: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Least squares through evenly counted ticks (at least 2): (seconds per tick, time of the last one)."""
    period = float(_slope_weights(len(times)) @ times)
    return period, float(times.mean()) + period * (len(times) - 1) / 2


class DelayLockedLoop:
    """Second-order delay-locked loop over evenly spaced events."""

    def __init__(self, t: float, period: float, bandwidth_hz: float = _BANDWIDTH_HZ) -> None:
        self._bandwidth_hz = bandwidth_hz
        self.t = t
        self.period = period
        self.spread = Spread.of_line(_LONG)

    def feed(self, t: float) -> None:
        """Take the next event's measured time; ``t`` becomes its smooth time, ``period`` the smooth spacing."""
        omega = 2 * math.pi * self._bandwidth_hz * self.period
        predicted = self.t + self.period
        error = t - predicted
        self.t = predicted + math.sqrt(2) * omega * error
        self.period += omega * omega * error
        self.spread = self.spread.looped(1.0, math.sqrt(2) * omega, omega * omega)


class TickFilter:
    """Smooth time and spacing of MIDI clock ticks, following steps of tempo within a few beats."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_LONG)
        self._loop: DelayLockedLoop | None = None
        self._apart = 0
        self._rms: float | None = None
        self.steps = 0
        self.ticks = 0
        self.t = 0.0
        self.period: float | None = None

    @property
    def steady(self) -> bool:
        """Whether a beat or more of ticks lies close to a line."""
        return self.ticks >= _STEADY_TICKS and self.rms <= _STEADY_RMS_S

    @property
    def rms(self) -> float:
        """Root mean square distance in seconds of the newest ticks from their line."""
        if self._rms is None:
            self._rms = self._measure_rms()
        return self._rms

    @property
    def uncertainty(self) -> Uncertainty:
        """How well ``t`` and ``period`` are known, from how far the newest ticks lie from their line; not at all before a beat."""
        count = len(self._times)
        if self.period is None or self.ticks < _STEADY_TICKS:
            return Uncertainty(self.t, math.inf, math.inf)
        fitted = min(count, _SHORT)
        noise = self.rms * math.sqrt(fitted / (fitted - 2))
        spread = Spread.of_line(count) if self._loop is None else self._loop.spread
        return spread.uncertainty(self.t, self.period, noise, _BIAS_S, _BIAS_DRIFT)

    def _measure_rms(self) -> float:
        if len(self._times) < 3:
            return math.inf
        times = self._newest(_SHORT)
        period, last = fit_line(times)
        residual = times - (last - period * np.arange(len(times) - 1, -1, -1.0))
        return float(np.sqrt(np.mean(residual * residual)))

    def feed(self, t: float) -> None:
        """Take the time of the next tick (times never decrease)."""
        self._times.append(t)
        self.ticks += 1
        self._rms = None
        if len(self._times) < 2:
            self.t, self.period = t, None
            return
        if self._loop is None:
            self.period, self.t = fit_line(self._newest(_LONG))
            if len(self._times) == _LONG and self.period > 0:
                self._loop = DelayLockedLoop(self.t, self.period)
        else:
            self._loop.feed(t)
            self.period, self.t = self._loop.period, self._loop.t
        self._watch_for_step()
        if self.period <= 0:
            self.period = None

    def _watch_for_step(self) -> None:
        if self.period is None or self.period <= 0 or len(self._times) <= _SHORT:
            return
        short, _ = fit_line(self._newest(_SHORT))
        apart = short <= 0 or abs(_bpm(short) - _bpm(self.period)) > _STEP_BPM
        self._apart = self._apart + 1 if apart else 0
        if self._apart < _STEP_TICKS:
            return
        self._apart = 0
        if not self._absorb_hiccup(self.period):
            self._restart()

    def _absorb_hiccup(self, period: float) -> bool:
        """Tell a sender that stalled once (one long gap, same tempo) from a new tempo (many small changes)."""
        times = self._newest(_LONG)
        excess = np.diff(times[-_SHORT:]) - period
        at = int(np.argmax(np.abs(excess)))
        jump = float(excess[at])
        if abs(jump) < _HICCUP_S or abs(jump) < _HICCUP_SHARE * abs(float(excess.sum())):
            return False
        times[: len(times) - _SHORT + at + 1] += jump
        self._times = deque(times.tolist(), maxlen=_LONG)
        self.period, self.t = fit_line(times)
        if self._loop is not None:
            self._loop = DelayLockedLoop(self.t, self.period)
        return True

    def _restart(self) -> None:
        newest = self._newest(_STEP_TICKS)
        self._times = deque(newest.tolist(), maxlen=_LONG)
        self._loop = None
        self.steps += 1
        self.period, self.t = fit_line(newest)

    def _newest(self, count: int) -> npt.NDArray[np.float64]:
        times = np.fromiter(self._times, np.float64, len(self._times))
        return times[-count:]


def _bpm(tick_period: float) -> float:
    return 60.0 / (PPQN * tick_period)
