"""What the ears say about the music, once a hop (512 samples, 86 a second at 44.1 kHz)."""

from __future__ import annotations

__all__ = ["HOP", "SAMPLE_RATE", "SILENCE", "AudioBlock", "Features", "signals_of"]

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

SAMPLE_RATE: Final = 44100
HOP: Final = 512


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """``HOP`` mono float32 samples in -1..1; ``t`` is the monotonic time of the block's end."""

    t: float
    samples: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """One hop's features. All are 0..1 unless said otherwise (soundscape section 3).

    ``level_db`` is dBFS of the raw input (-120 when silent). ``low``, ``mid`` and ``high`` are normalised band
    energies; ``onset`` is true on the hop where a sound starts, ``onset_*`` the same per band.
    ``energy_rise`` is the change of energy since the hop before, -1..1. ``gated`` is true under the noise gate.
    """

    t: float
    level_db: float = -120.0
    energy: float = 0.0
    brightness: float = 0.0
    texture: float = 0.0
    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    onset: bool = False
    onset_low: bool = False
    onset_mid: bool = False
    onset_high: bool = False
    energy_rise: float = 0.0
    clipping: bool = False
    gated: bool = True


SILENCE: Final = Features(t=0.0)


def signals_of(features: Features) -> dict[str, float]:
    """The features as the named signals that mappings use: ``audio.energy``, ``audio.low``, ..."""
    names: tuple[Any, ...] = ("energy", "brightness", "texture", "low", "mid", "high", "energy_rise")
    out = {f"audio.{name}": float(getattr(features, name)) for name in names}
    for name in ("onset", "onset_low", "onset_mid", "onset_high"):
        out[f"audio.{name}"] = 1.0 if getattr(features, name) else 0.0
    return out
