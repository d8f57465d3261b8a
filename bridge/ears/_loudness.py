"""Loudness over longer times: the peak of the last tenth of a second, the place within the last minutes."""

from __future__ import annotations

__all__ = ["LoudnessRange", "RecentPeak"]

from typing import Final

import numpy as np

from bridge.ears._dynamics import per_hop

_PEAK_HOPS: Final = 10
_SHORT_TERM_S: Final = 1.5
_MINUTES_S: Final = 120.0
_QUIETEST_DB: Final = -70.0
_STEP_DB: Final = 0.5
_QUIET, _LOUD = 0.05, 0.95
# A steadier programme than this has no quiet and no loud part.
_LEAST_RANGE_DB: Final = 6.0
_EVERY_HOPS: Final = 8


class RecentPeak:
    """The highest of the last ten values (soundscape section 3)."""

    def __init__(self) -> None:
        self._recent = [0.0] * _PEAK_HOPS
        self._at = 0

    def step(self, value: float) -> float:
        """The highest, this value included."""
        self._recent[self._at] = value
        self._at = (self._at + 1) % _PEAK_HOPS
        return max(self._recent)


class LoudnessRange:
    """Where the loudness of the last seconds lies within that of the last minutes: 0 quietest part, 1 loudest.

    Loudness is the mean power over 1.5 s; the range runs from its 5th to its 95th percentile, older loudness
    counting less (37 % after two minutes), and is never narrower than 6 dB: steady music lies in its middle. Under
    the gate the range is frozen while the loudness falls out of it.
    """

    def __init__(self) -> None:
        self._short = per_hop(_SHORT_TERM_S)
        self._keep = per_hop(_MINUTES_S) ** _EVERY_HOPS
        self._power = 0.0
        self._heard = np.zeros(round(-_QUIETEST_DB / _STEP_DB) + 1)
        self._hops = 0
        self._bottom = self._span = 0.0

    def step(self, rms: float, *, resting: bool) -> float:
        """0..1; 0 before anything was heard."""
        if self._span == 0.0 and not resting:
            self._power = rms * rms
        self._power += (1 - self._short) * (rms * rms - self._power)
        loudness = 10 * float(np.log10(max(self._power, 1e-12)))
        if not resting:
            self._learn(loudness)
        return min(max((loudness - self._bottom) / self._span, 0.0), 1.0) if self._span else 0.0

    def _learn(self, loudness: float) -> None:
        self._heard[min(max(round((loudness - _QUIETEST_DB) / _STEP_DB), 0), len(self._heard) - 1)] += 1
        self._hops += 1
        if self._hops % _EVERY_HOPS != 1:
            return
        self._heard *= self._keep
        sums = np.cumsum(self._heard)
        quiet, loud = (np.searchsorted(sums, (_QUIET * sums[-1], _LOUD * sums[-1])) * _STEP_DB + _QUIETEST_DB).tolist()
        spare = max(_LEAST_RANGE_DB - (loud - quiet), 0.0)
        self._bottom, self._span = quiet - spare / 2, loud - quiet + spare
