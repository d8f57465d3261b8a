"""Bands with hysteresis: what the music is like, in words (soundscape section 7)."""

from __future__ import annotations

__all__ = ["BRIGHTNESS", "INTENSITY", "TEMPO", "TEMPO_CONFIDENCE", "TEXTURE", "Bands", "BandsSeen", "Ladder"]

import math
from dataclasses import dataclass, replace
from typing import Final

from bridge.model.beatgrid import BeatGrid

TEMPO_CONFIDENCE: Final = 0.45
SLOW_S: Final = 1.0
"""Bands follow a passage, not a kick drum: time constant of what they look at."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Ordered bands: ``enter[i]`` leads up into band ``i + 1``, below ``leave[i]`` leads back down out of it."""

    names: tuple[str, ...]
    enter: tuple[float, ...]
    leave: tuple[float, ...]

    def step(self, current: str, value: float) -> str:
        """The band for ``value``, given the band we are in; NaN changes nothing."""
        if not math.isfinite(value):
            return current
        index = self.names.index(current)
        while index < len(self.enter) and value >= self.enter[index]:
            index += 1
        while index > 0 and value < self.leave[index - 1]:
            index -= 1
        return self.names[index]


INTENSITY: Final = Ladder(("low", "medium", "high", "peak"), (0.30, 0.55, 0.80), (0.20, 0.45, 0.70))
BRIGHTNESS: Final = Ladder(("dark", "balanced", "radiant"), (0.30, 0.75), (0.20, 0.65))
TEXTURE: Final = Ladder(("smooth", "granular", "crystalline"), (0.38, 0.77), (0.28, 0.67))
TEMPO: Final = Ladder(("drift", "drive", "blitz"), (100.0, 146.0), (92.0, 136.0))


@dataclass(frozen=True, slots=True)
class Bands:
    """One band per signal; ``tempo`` is empty until a tempo was ever trusted."""

    intensity: str = "low"
    brightness: str = "balanced"
    texture: str = "smooth"
    tempo: str = ""


class BandsSeen:
    """Follows the signals slowly and keeps the band of each."""

    def __init__(self, *, tempo_gain: float = 1.0) -> None:
        self.bands = Bands()
        self._tempo_gain = tempo_gain
        self._slow = [0.0, 0.5, 0.0]

    def follow(self, energy: float, brightness: float, texture: float, grid: BeatGrid, gated: bool, dt: float) -> Bands:
        """Take newer signals (0..1) and return the bands, the same object while none changes.

        In silence only the intensity falls: brightness and texture of nothing mean nothing. The tempo band
        stays when confidence is lost, so that a doubtful tracker does not rewrite the prompt.
        """
        share = 1.0 - math.exp(-dt / SLOW_S)
        slow, now = self._slow, self.bands
        slow[0] += (energy - slow[0]) * share
        intensity = INTENSITY.step(now.intensity, slow[0])
        shade, grain, tempo = now.brightness, now.texture, now.tempo
        if not gated:
            slow[1] += (brightness - slow[1]) * share
            slow[2] += (texture - slow[2]) * share
            shade = BRIGHTNESS.step(shade, slow[1])
            grain = TEXTURE.step(grain, slow[2])
        if grid.bpm is not None and grid.confidence > TEMPO_CONFIDENCE:
            tempo = TEMPO.step(tempo or TEMPO.names[0], grid.bpm * self._tempo_gain)
        if (intensity, shade, grain, tempo) != (now.intensity, now.brightness, now.texture, now.tempo):
            self.bands = replace(now, intensity=intensity, brightness=shade, texture=grain, tempo=tempo)
        return self.bands
