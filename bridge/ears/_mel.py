"""What the beat net sees: 32 mel bands, loudness-free, and how each rose since the hop before."""

from __future__ import annotations

__all__ = ["BANDS", "INPUTS", "MelBands", "Rise", "filters", "levelled"]

from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.ears._dynamics import Reference

BANDS: Final = 32
INPUTS: Final = 2 * BANDS
_LOWEST_HZ: Final = 20.0
_HIGHEST_HZ: Final = 16000.0
_COMPRESSION: Final = 100.0
_SCALE: Final = 0.25
_RISE_SCALE: Final = 0.6


def filters(hertz: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Triangles of equal width in mel, 20 Hz to 16 kHz: shape (32, bins)."""
    lowest, highest = (2595 * np.log10(1 + f / 700) for f in (_LOWEST_HZ, _HIGHEST_HZ))
    corners = 700 * (10 ** (np.linspace(lowest, highest, BANDS + 2) / 2595) - 1)
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    up, down = (hertz - left) / (middle - left), (right - hertz) / (right - middle)
    return np.maximum(np.minimum(up, down), 0).astype(np.float32)


class MelBands:
    """Amplitude in each of 32 bands: the root of the power that falls into each triangle."""

    def __init__(self, hertz: npt.NDArray[np.float32]) -> None:
        self._filters = filters(hertz)

    def of(self, amplitudes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The bands of a spectrum, (32,)."""
        return np.sqrt(self._filters @ (amplitudes * amplitudes))


class Rise:
    """Makes the net's input from band amplitudes: levels against the recent loudest, and their change."""

    def __init__(self) -> None:
        self._reference = Reference()
        self._before = np.zeros(BANDS, np.float32)
        self._input = np.zeros(INPUTS, np.float32)

    def step(self, bands: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """64 numbers, mostly 0..1; the array is used again by the next step."""
        loudness = float(np.sqrt(np.dot(bands, bands)))
        scale = np.float32(_COMPRESSION / self._reference.step(loudness))
        now, before = np.log1p(bands * scale), np.log1p(self._before * scale)
        self._input[:BANDS] = now * np.float32(_SCALE)
        self._input[BANDS:] = (now - before) * np.float32(_RISE_SCALE)
        self._before = bands
        return self._input


def levelled(bands: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The same for a whole recording at once: (hops, 32) to (hops, 64)."""
    loudness = np.maximum(np.sqrt((bands * bands).sum(axis=1)), Reference.FLOOR)
    sunk = np.arange(len(bands)) * np.log(Reference.SINK)
    reference = np.maximum(np.exp(np.maximum.accumulate(np.log(loudness) - sunk) + sunk), Reference.FLOOR)
    scale = (_COMPRESSION / reference)[:, None].astype(np.float32)
    before = np.concatenate((np.zeros((1, BANDS), np.float32), bands[:-1]))
    now, then = np.log1p(bands * scale), np.log1p(before * scale)
    return np.concatenate((now * _SCALE, (now - then) * _RISE_SCALE), axis=1).astype(np.float32)
