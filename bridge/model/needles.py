"""What meters show of values that last one hop: a peak that is held, lamps that fade."""

from __future__ import annotations

__all__ = ["Needles", "NeedlesAt"]

import math
from dataclasses import dataclass
from typing import Final

from bridge.model.features import Features

_HOLD_S: Final = 1.5
_FALL_DB_S: Final = 20.0
_FADE_S: Final = 0.1
_SILENT_DB: Final = -120.0


@dataclass(frozen=True, slots=True)
class NeedlesAt:
    """Where the needles stand at ``t``.

    ``peak_db`` is the highest sample in dBFS, held for 1.5 s and falling by 20 dB a second after; the others are
    likelihoods, 0..1, that fade to 37 % in 0.1 s.
    """

    t: float = 0.0
    peak_db: float = _SILENT_DB
    peak_at: float = 0.0
    kick: float = 0.0
    snare: float = 0.0
    hat: float = 0.0
    harmonic_change: float = 0.0


class Needles:
    """Steps once a hop; another thread may read ``now`` at any time."""

    def __init__(self) -> None:
        self.now = NeedlesAt()

    def put(self, features: Features) -> None:
        """The next hop."""
        was, t = self.now, features.t
        passed = max(t - was.t, 0.0)
        left = math.exp(-passed / _FADE_S)
        fallen = was.peak_db - _FALL_DB_S * min(max(t - was.peak_at - _HOLD_S, 0.0), passed)
        peak_db, peak_at = fallen, was.peak_at
        if features.peak_db >= fallen:
            peak_db, peak_at = features.peak_db, t
        self.now = NeedlesAt(
            t,
            max(peak_db, _SILENT_DB),
            peak_at,
            max(features.kick, left * was.kick),
            max(features.snare, left * was.snare),
            max(features.hat, left * was.hat),
            max(features.harmonic_change, left * was.harmonic_change),
        )
