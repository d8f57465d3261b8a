"""Where sounds start: spectral flux over an adaptive threshold, overall, in three bands and in eight."""

from __future__ import annotations

__all__ = ["Onsets"]

from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.ears._spectrum import Bands

_HISTORY: Final = 64
_REFRACTORY_HOPS: Final = 7
_SPREADS: Final = 4.0
# How far amplitudes are compressed (log of 1 + this times amplitude). Little in the low band, where a kick has to
# stand out from a bass that never stops; more above, where sounds are smaller.
_COMPRESSION: Final = (2.0, 20.0, 60.0)
# Least mean rise per bin that can be a start in the low, mid and high band and in each of the eight: just over what
# steady noise does. Flux is counted in these, so that each band has the same say in the overall detector.
_LEAST: Final = np.array([0.04, 0.018, 0.016, *(0.11, 0.06, 0.09, 0.045, 0.022, 0.03, 0.034, 0.022)], np.float32)
_LEAST_OVERALL: Final = 0.4


class Onsets:
    """Twelve detectors (all, low, mid, high, the eight), causal and without look-ahead: the hop that crosses is the start.

    Flux is the mean rise of log amplitude since the hop before. The threshold is the median of the last
    0.74 s plus four times the distance from it to the upper quartile, so that dense music and steady noise
    each set their own. After a start a detector rests 81 ms.

    Args:
        bands: those of ``feature_bands``.
    """

    def __init__(self, bands: Bands) -> None:
        self._bands = bands
        self._units = bands.widths * _LEAST
        size = 1 + len(self._units)
        self._least = np.array([_LEAST_OVERALL] + [1.0] * len(self._units), np.float32)
        (_, low), (_, high), _ = bands.edges[:3].tolist()
        self._compression = np.repeat(np.array(_COMPRESSION, np.float32), (low, high - low, bands.bins - high))
        self._before = np.zeros(bands.bins, np.float32)
        self._history = np.zeros((size, _HISTORY), np.float32)
        self._at = 0
        self._rest = np.zeros(size, np.int64)
        self._flux = np.zeros(size, np.float32)

    def step(self, amplitudes: npt.NDArray[np.float32], gain: float, *, gated: bool) -> npt.NDArray[np.bool_]:
        """Which of the twelve start on this hop; ``gain`` makes quiet music count as loud."""
        now = np.log1p(amplitudes[: len(self._before)] * (self._compression * np.float32(gain)))
        rise = np.maximum(now - self._before, 0)
        self._before = now
        flux = self._flux
        flux[1:] = self._bands.sums(rise) / self._units
        flux[0] = flux[1:4].mean()
        if gated:
            flux[:] = 0
        ordered = np.sort(self._history, axis=1)
        middle = ordered[:, _HISTORY // 2]
        spread = ordered[:, _HISTORY * 3 // 4] - middle
        threshold = middle + np.maximum(_SPREADS * spread, self._least)
        starts: npt.NDArray[np.bool_] = (flux > threshold) & (self._rest == 0)
        self._history[:, self._at] = flux
        self._at = (self._at + 1) % _HISTORY
        self._rest = np.maximum(self._rest - 1, 0)
        self._rest[starts] = _REFRACTORY_HOPS
        return starts
