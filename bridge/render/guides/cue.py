"""Everything a guide's picture depends on, as one frozen value."""

from __future__ import annotations

__all__ = ["Cue"]

import math
from dataclasses import dataclass
from typing import Final

from bridge.model.guide import GuideName

_DECAY: Final = 5.0


@dataclass(frozen=True, slots=True)
class Cue:
    """One frame's music.

    Attributes:
        guide: which one to draw.
        words: the prompt that gives the colours; empty is indigo and teal.
        t: the picture's own time in seconds.
        beat: beats since the first with fraction, None without a tempo (then ``t`` moves the picture alone).
        energy, low, mid, high, brightness: 0..1, as the ears say.
        intensity: 0 still, 1 as it is, 2 wild: how far music moves the picture.
    """

    guide: GuideName = "tunnel"
    words: str = ""
    t: float = 0.0
    beat: float | None = None
    energy: float = 0.0
    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    brightness: float = 0.0
    intensity: float = 1.0

    @property
    def position(self) -> float:
        """Beats, or half seconds where there is no tempo."""
        return self.t * 2.0 if self.beat is None else self.beat

    @property
    def kick(self) -> float:
        """1 on the beat and decaying after it, times the intensity; the low band where there is no tempo."""
        if self.beat is None:
            return self.low * self.intensity
        return math.exp(-_DECAY * (self.beat % 1.0)) * self.intensity

    @property
    def stride(self) -> float:
        """Beats that hurry right after each beat and rest before the next: motion that is on the beat."""
        whole = math.floor(self.position)
        phase = self.position - whole
        eased = 1.0 - (1.0 - phase) ** 3
        share = min(self.intensity, 1.0) * 0.75
        return whole + phase * (1.0 - share) + eased * share
