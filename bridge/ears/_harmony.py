"""How far the harmony moves: the tonal centroid of what sounds now against that of a moment before."""

from __future__ import annotations

__all__ = ["Harmony"]

from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.model.features import HOP, SAMPLE_RATE

_EVERY_HOPS: Final = 4
_WINDOW: Final = 8192
_LOWEST_HZ: Final = 100.0
_HIGHEST_HZ: Final = 2000.0
# Bins on either side of one, about 40 Hz: what stands out from their mean is a tone, what does not is noise.
_AROUND: Final = 8
_STANDS_OUT: Final = 1.7
# Frames of 46 ms: how much of what sounds now and of what sounded before are compared.
_NOW: Final = 5
_BEFORE: Final = 8
# A change this far counts as full: triads a fifth apart lie 1.2 apart, with two common tones 0.8; overtones bring them
# nearer.
_FULL: Final = 0.7
# From this share of tones in all that sounds a change counts fully. Drums have under a tenth of it.
_TONAL: Final = 0.04
_TINY: Final = np.float32(1e-3)


class Harmony:
    """Harmonic change after Harte, Sandler and Gasser, "Detecting harmonic change in musical audio" (2006).

    Every fourth hop a spectrum of 8192 samples (186 ms) is folded into the twelve pitch classes, of which the circles
    of fifths, minor thirds and major thirds make a point in six dimensions. Only bins that stand out from their
    neighbours count as tones; where there are hardly any, as in drums and noise, there is no harmony and no change. The
    change is the distance between the point of the last 0.23 s and that of the 0.37 s before: it peaks 0.2 to 0.35 s
    after a chord changed, and is over 0.6 s after it.
    """

    def __init__(self) -> None:
        self._recent = np.zeros(_WINDOW, np.float32)
        self._window = np.hanning(_WINDOW).astype(np.float32)
        hertz = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
        first, end = np.searchsorted(hertz, (_LOWEST_HZ, _HIGHEST_HZ)).tolist()
        self._bins = slice(first - _AROUND - 1, end + _AROUND)
        self._fold = _centroids(hertz[first:end])
        self._frames = np.zeros((_NOW + _BEFORE, 8), np.float32)
        self._hops = 0
        self._value = 0.0

    def step(self, samples: npt.NDArray[np.float32], *, resting: bool) -> float:
        """0..1 for this hop. A rest is no harmony: what comes after it is compared with what was before."""
        self._recent[:-HOP] = self._recent[HOP:]
        self._recent[-HOP:] = samples
        self._hops += 1
        if resting:
            self._value = 0.0
        elif self._hops % _EVERY_HOPS == 0:
            self._value = self._change()
        return self._value

    def _frame(self) -> npt.NDArray[np.float32]:
        """Tones on the circles (6), their sum, and the sum of all that sounds: shape (8,)."""
        bins = np.sqrt(np.abs(np.fft.rfft(self._recent * self._window)[self._bins]))
        sums = np.cumsum(bins)
        around = (sums[2 * _AROUND + 1 :] - sums[: -2 * _AROUND - 1]) / (2 * _AROUND + 1)
        middle = bins[_AROUND + 1 : -_AROUND]
        tones = np.maximum(middle - _STANDS_OUT * around, 0)
        return np.asarray((*(self._fold @ tones), tones.sum(), middle.sum()), np.float32)

    def _change(self) -> float:
        self._frames[:-1] = self._frames[1:]
        self._frames[-1] = self._frame()
        before, now = self._frames[:_BEFORE].sum(axis=0), self._frames[-_NOW:].sum(axis=0)
        moved = now[:6] / (now[6] + _TINY) - before[:6] / (before[6] + _TINY)
        tonal = min(float(min(now[6] / (now[7] + _TINY), before[6] / (before[7] + _TINY))) / _TONAL, 1.0)
        return min(tonal * float(np.sqrt(moved @ moved)) / _FULL, 1.0)


def _centroids(hertz: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Where each bin's pitch lies on the three circles: shape (6, bins)."""
    pitch = 12 * np.log2(hertz / 440.0)
    near = np.cos(np.pi * (pitch - np.round(pitch))) ** 2
    rows = [
        radius * turn(2 * np.pi * steps * np.round(pitch) / 12)
        for steps, radius in ((7, 1.0), (3, 1.0), (4, 0.5))
        for turn in (np.sin, np.cos)
    ]
    return np.asarray(np.array(rows) * near, np.float32)
