"""What one hop is like: measured from its spectrum, then brought to 0..1 and smoothed (soundscape section 3)."""

from __future__ import annotations

__all__ = ["Measure", "Normal", "Shape"]

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.ears._dynamics import BandLevels, Ceiling, Smoother
from bridge.ears._loudness import LoudnessRange, RecentPeak
from bridge.ears._spectrum import Bands
from bridge.ears.settings import EarsSettings
from bridge.model.features import BANDS, RawFeatures

_SILENCE: Final = RawFeatures()
# Sum of amplitudes far under any converter's own noise: such a spectrum has no shape.
_NOTHING: Final = 1e-5
_TINY: Final = np.float32(1e-9)


class Measure:
    """Amplitudes of a hop's spectrum to what is measured of it.

    Args:
        hertz: of the spectrum's bins; the first (0 Hz) is left out.
        bands: those of ``feature_bands``.
        spread: what a sine's squared amplitudes add up to (``Spectrum.spread``).
    """

    def __init__(self, hertz: npt.NDArray[np.float32], bands: Bands, spread: float) -> None:
        self._hertz = hertz[1:]
        self._bands = bands
        self._power = np.float32(1 / (2 * spread))

    def step(self, amplitudes: npt.NDArray[np.float32], rms: float) -> RawFeatures:
        """``rms`` is that of the same hop."""
        bins = amplitudes[1:] + _TINY
        total = float(bins.sum())
        if total < _NOTHING:
            return _SILENCE
        flatness = math.exp(float(np.log(bins).mean())) / (total / len(bins))
        # A full-scale sound that lost a large offset can reach beyond full scale.
        levels = np.minimum(np.sqrt(self._bands.sums(amplitudes * amplitudes) * self._power), 1.0).tolist()
        low, mid, high = levels[:3]
        return RawFeatures(
            min(rms, 1.0), float(self._hertz @ bins) / total, flatness, low, mid, high, tuple(levels[3:])
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """The smoothed features of one hop, each 0..1 but ``energy_rise`` (-1..1)."""

    energy: float
    energy_rise: float
    energy_peak: float
    energy_long: float
    brightness: float
    texture: float
    low: float
    mid: float
    high: float
    bands: tuple[float, ...]


class Normal:
    """Brings what was measured to 0..1 and smooths it; everything sinks to 0 while the gate rests."""

    def __init__(self, settings: EarsSettings) -> None:
        self._settings = settings
        self._ceiling = Ceiling(settings.energy_ceiling)
        self._levels = BandLevels(3 + BANDS, settings.energy_ceiling, settings.max_gain_db)
        self._smoother = Smoother(6 + BANDS, settings.attack_ms / 1000, settings.release_ms / 1000)
        self._peak = RecentPeak()
        self._range = LoudnessRange()

    def step(self, raw: RawFeatures, gain: float, *, resting: bool) -> Shape:
        """``gain`` is the automatic one; while ``resting`` nothing is learned of the music."""
        before = self._smoother.values[0]
        wanted = [0.0] * (6 + BANDS) if resting else self._wanted(raw, raw.rms * gain)
        energy, brightness, texture, low, mid, high, *bands = self._smoother.step(wanted)
        return Shape(
            energy=energy,
            energy_rise=energy - before,
            energy_peak=self._peak.step(energy),
            energy_long=self._range.step(raw.rms, resting=resting),
            brightness=brightness,
            texture=texture,
            low=low,
            mid=mid,
            high=high,
            bands=tuple(bands),
        )

    def _wanted(self, raw: RawFeatures, loudness: float) -> list[float]:
        settings = self._settings
        span = settings.brightness_max_hz - settings.brightness_min_hz
        levels = self._levels.step(np.array((raw.low, raw.mid, raw.high, *raw.bands)))
        return [
            _unit(loudness / self._ceiling.step(loudness)),
            _unit((raw.centroid_hz - settings.brightness_min_hz) / span),
            _unit(raw.flatness / settings.texture_ceiling),
            *levels.tolist(),
        ]


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
