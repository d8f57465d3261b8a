"""Our own beat tracker: mel bands, a small net of causal dilated convolutions, a beat pointer, beats on schedule.

Figures beside aubio's: ``benchmarks/beats.py``; how its weights are made: ``training/README.md``.
"""

from __future__ import annotations

__all__ = ["ScopeTracker"]

import math
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.ears._keeper import BeatKeeper
from bridge.ears._mel import MelBands, Rise
from bridge.ears._net import BeatNet, load_weights
from bridge.ears._spectrum import Spectrum
from bridge.ears.tracker import NO_TRACK, Pause, Track


class ScopeTracker:
    """Beats by our own net; issue 4 part 1.

    Args:
        min_bpm, max_bpm: range of tempi.
        weights: another weights file than the shipped one.

    Raises:
        WeightsBroken: the weights cannot be used.
    """

    name: Final = "scope"

    def __init__(self, min_bpm: float = 80.0, max_bpm: float = 180.0, weights: Path | None = None) -> None:
        self._weights = load_weights(weights)
        self._range = (min_bpm, max_bpm)
        self._spectrum = Spectrum()
        self._bands = MelBands(self._spectrum.hertz)
        self._pause = Pause()
        self._begin_anew()

    def push(
        self, samples: npt.NDArray[np.float32], *, gated: bool, amplitudes: npt.NDArray[np.float32] | None = None
    ) -> Track:
        """Listen to 512 samples; times in the result count from their end."""
        if amplitudes is None:
            amplitudes = self._spectrum.push(samples)
        bands = self._bands.of(amplitudes)
        if not math.isfinite(float(bands.sum())):
            # Broken samples stay in the window for four hops; in the net's memory they would stay for 24 s.
            bands, amplitudes = np.zeros_like(bands), np.zeros_like(amplitudes)
        if self._pause.step(gated=gated):
            self._begin_anew()
        if self._pause.long:
            return NO_TRACK
        beat, downbeat = self._net.step(self._rise.step(bands))
        return self._keeper.step(beat, downbeat, amplitudes)

    def _begin_anew(self) -> None:
        self._rise = Rise()
        self._net = BeatNet(self._weights)
        self._keeper = BeatKeeper(*self._range)
