"""Where sounds start: spectral flux over an adaptive threshold, overall and in three bands."""

from __future__ import annotations

__all__ = ["Onsets"]

from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.ears._spectrum import Bands

_HISTORY: Final = 64
_REFRACTORY_HOPS: Final = 7
_LOUDNESS: Final = np.float32(100.0)
_SPREADS: Final = 3.5
# Least flux that can be a start, per detector (all, low, mid, high), as a mean rise of log amplitude per bin.
_LEAST: Final = np.array([0.015, 0.06, 0.02, 0.008], np.float32)


class Onsets:
    """Four detectors (all, low, mid, high), causal and without look-ahead: the hop that crosses is the start.

    Flux is the rise of log amplitude since the hop before, per bin. The threshold is the median of the last
    0.74 s plus ``3.5`` times the distance from it to the upper quartile, so that dense music and steady noise
    each set their own. After a start a detector rests 81 ms.
    """

    def __init__(self, bands: Bands) -> None:
        self._bands = bands
        first, low, high, end = bands.edges
        self._sizes = np.array([end - first, low - first, high - low, end - high], np.float32)
        self._before = np.zeros(len(bands.hertz), np.float32)
        self._history = np.zeros((4, _HISTORY), np.float32)
        self._at = 0
        self._rest = np.zeros(4, np.int64)
        self.flux = np.zeros(4, np.float32)

    def step(self, amplitudes: npt.NDArray[np.float32], gain: float, *, gated: bool) -> npt.NDArray[np.bool_]:
        """Which of the four start on this hop; ``gain`` makes quiet music count as loud."""
        now = np.log1p(amplitudes * (_LOUDNESS * np.float32(gain)))
        rise = np.maximum(now - self._before, 0)
        self._before = now
        bands = self._bands.sums(rise)
        self.flux[0] = bands.sum()
        self.flux[1:] = bands
        self.flux /= self._sizes
        if gated:
            self.flux[:] = 0
        ordered = np.sort(self._history, axis=1)
        middle = ordered[:, _HISTORY // 2]
        spread = ordered[:, _HISTORY * 3 // 4] - middle
        threshold = middle + np.maximum(_SPREADS * spread, _LEAST)
        starts: npt.NDArray[np.bool_] = (self.flux > threshold) & (self._rest == 0)
        self._history[:, self._at] = self.flux
        self._at = (self._at + 1) % _HISTORY
        self._rest = np.maximum(self._rest - 1, 0)
        self._rest[starts] = _REFRACTORY_HOPS
        return starts
