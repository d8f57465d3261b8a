"""One spectrum per hop, shared by everything that looks at frequencies."""

from __future__ import annotations

__all__ = ["WINDOW", "Bands", "Spectrum"]

from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.model.features import HOP, SAMPLE_RATE

WINDOW: Final = 1024
"""Samples per spectrum: two hops. Against 2048 it sees a kick 12 ms sooner and costs half, and 43 Hz a bin still
put four bins below 200 Hz; features need no finer pitch than that."""

_LOWEST_HZ: Final = 20.0


class Spectrum:
    """Slides a Hann window over the stream. ``push`` returns amplitudes: a full-scale sine peaks at 1."""

    hertz: Final[npt.NDArray[np.float32]] = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE).astype(np.float32)

    def __init__(self) -> None:
        self._window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        self._scale = np.float32(2.0 / self._window.sum())
        self._recent = np.zeros(WINDOW, np.float32)

    def push(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Amplitude of each of the 513 bins after these 512 samples."""
        self._recent[:-HOP] = self._recent[HOP:]
        self._recent[-HOP:] = samples
        bins = np.fft.rfft(self._recent * self._window)
        return np.asarray(np.abs(bins) * self._scale, dtype=np.float32)


class Bands:
    """Edges of the low, mid and high band as bin numbers, 20 Hz to 16 kHz."""

    def __init__(self, low_hz: float, high_hz: float) -> None:
        edges = np.searchsorted(Spectrum.hertz, (_LOWEST_HZ, low_hz, high_hz, 16000.0))
        self.edges: tuple[int, int, int, int] = tuple(int(edge) for edge in edges)  # type: ignore[assignment]

    @property
    def hertz(self) -> npt.NDArray[np.float32]:
        """Frequency of each bin."""
        return Spectrum.hertz

    def sums(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Sum of ``values`` (one per bin) over each of the three bands."""
        first, low, high, end = self.edges
        return np.add.reduceat(values[:end], (first, low, high))
