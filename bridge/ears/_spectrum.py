"""Spectra, one per hop."""

from __future__ import annotations

__all__ = ["Bands", "Spectrum", "feature_bands"]

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bridge.model.features import BAND_EDGES_HZ, HOP, SAMPLE_RATE


class Spectrum:
    """Slides a window over the stream. ``push`` returns amplitudes: a full-scale sine peaks near 1.

    The window rises over its oldest ``rise`` samples and falls over its newest ``fall``, each half a Hann. For
    features it is 1536 and 512: 2048 samples tell a kick from the bass around it (on the demo track's drops 88 %
    of the kicks start a low onset, against 50 % with a Hann window of 1024, whose low bins flutter with the
    bass's own cycle), while the steep newest edge hears it 6 ms sooner than a Hann window of 2048.

    Args:
        rise, fall: samples; their sum is the window, an even number of at least 512.
    """

    def __init__(self, rise: int = 1536, fall: int = 512) -> None:
        window = np.concatenate((np.hanning(2 * rise + 1)[:rise], np.hanning(2 * fall + 1)[fall:-1]))
        self._window = window.astype(np.float32)
        self._scale = np.float32(2.0 / self._window.sum())
        # What a sine's squared amplitudes add up to over its neighbouring bins, from the window's own shape.
        self.spread = float(len(window) * (window**2).sum() / window.sum() ** 2)
        self._recent = np.zeros(len(window), np.float32)
        self.hertz = np.fft.rfftfreq(len(window), 1 / SAMPLE_RATE).astype(np.float32)

    def push(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Amplitude of each bin after these 512 samples."""
        self._recent[:-HOP] = self._recent[HOP:]
        self._recent[-HOP:] = samples
        bins = np.fft.rfft(self._recent * self._window)
        return np.asarray(np.abs(bins) * self._scale, dtype=np.float32)


class Bands:
    """Bands of a spectrum, each from one frequency to another; they may overlap. None is narrower than one bin.

    Args:
        hertz: of the spectrum's bins.
        ranges: (from, to) in hertz for each band, all below the highest bin.
    """

    def __init__(self, hertz: npt.NDArray[np.float32], ranges: Sequence[tuple[float, float]]) -> None:
        edges = np.searchsorted(hertz, np.array(ranges)).astype(np.int64)
        edges[:, 1] = np.maximum(edges[:, 1], edges[:, 0] + 1)
        self.edges = edges
        """First bin and the bin after the last, by band: shape (bands, 2)."""
        self.widths = (edges[:, 1] - edges[:, 0]).astype(np.float32)
        self.bins = int(edges.max()) + 1
        """How many bins ``sums`` looks at."""
        # Every second sum runs from a band's end to the next one's beginning: not asked for, and thrown away.
        self._cuts = edges.ravel()

    def sums(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Sum of ``values`` (one per bin, at least ``bins`` of them) over each band."""
        return np.add.reduceat(values[: self.bins], self._cuts)[::2]


def feature_bands(hertz: npt.NDArray[np.float32], low_hz: float, high_hz: float) -> Bands:
    """The low, mid and high band (20 Hz to 16 kHz), then the eight of ``BAND_EDGES_HZ``."""
    lowest, highest = BAND_EDGES_HZ[0], BAND_EDGES_HZ[-1]
    return Bands(hertz, [(lowest, low_hz), (low_hz, high_hz), (high_hz, highest), *pairwise(BAND_EDGES_HZ)])
