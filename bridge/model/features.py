"""What the ears say about the music, once a hop (512 samples, 86 a second at 44.1 kHz)."""

from __future__ import annotations

__all__ = [
    "BANDS",
    "BAND_EDGES_HZ",
    "HOP",
    "SAMPLE_RATE",
    "SILENCE",
    "AudioBlock",
    "Features",
    "InputState",
    "RawFeatures",
    "Section",
    "signals_of",
]

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

SAMPLE_RATE: Final = 44100
HOP: Final = 512
BAND_EDGES_HZ: Final = (20.0, 60.0, 150.0, 400.0, 1000.0, 2500.0, 5000.0, 9000.0, 16000.0)
"""Where the eight bands begin and end: sub, bass, low mid, mid, upper mid, presence, brilliance, air."""
BANDS: Final = len(BAND_EDGES_HZ) - 1

Section = Literal["none", "steady", "build_up", "drop", "breakdown"]
"""What part of a track is playing: none while nothing is known."""
InputState = Literal["sound", "quiet", "silent", "clipping", "offset", "broken"]
"""How the input is: ``quiet`` under the noise gate, ``silent`` without even noise; the last three are faults."""


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """``HOP`` mono float32 samples in -1..1; ``t`` is the monotonic time of the block's end."""

    t: float
    samples: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RawFeatures:
    """What was measured in one hop, before any gain, normalisation or smoothing.

    ``rms``, ``low``, ``mid``, ``high`` and ``bands`` (eight, see ``BAND_EDGES_HZ``) are RMS amplitudes, 0..1 of
    full scale; ``centroid_hz`` is the spectral centroid and ``flatness`` the spectral flatness, 0..1.
    """

    rms: float = 0.0
    centroid_hz: float = 0.0
    flatness: float = 0.0
    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    bands: tuple[float, ...] = (0.0,) * BANDS


@dataclass(frozen=True, slots=True)
class Features:
    """One hop's features. All are 0..1 unless said otherwise (soundscape section 3).

    ``level_db`` is dBFS of the raw input (-120 when silent). ``low``, ``mid`` and ``high`` are normalised band
    energies; ``onset`` is true on the hop where a sound starts, ``onset_*`` the same per band.
    ``energy_rise`` is the change of energy since the hop before, -1..1. ``gated`` is true under the noise gate.

    ``bands`` and ``onset_bands`` are the same for eight bands (``BAND_EDGES_HZ``). ``energy_peak`` is the highest
    energy of the last ten hops, ``energy_long`` the loudness within the range of the last minutes. ``kick``,
    ``snare`` and ``hat`` are how likely one was struck on this hop, ``harmonic_change`` how far the harmony moved.
    ``section`` is the part of the track, ``build_up`` how far a build-up seems under way. ``peak_db`` is the highest
    sample in dBFS. ``raw`` holds the measured values, ``input_state`` names what is wrong with the input, if anything.
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
    peak_db: float = -120.0
    energy_peak: float = 0.0
    energy_long: float = 0.0
    bands: tuple[float, ...] = (0.0,) * BANDS
    onset_bands: tuple[bool, ...] = (False,) * BANDS
    kick: float = 0.0
    snare: float = 0.0
    hat: float = 0.0
    harmonic_change: float = 0.0
    section: Section = "none"
    build_up: float = 0.0
    raw: RawFeatures = RawFeatures()
    input_state: InputState = "quiet"


SILENCE: Final = Features(t=0.0)


_SIGNALS: Final = (
    *("energy", "energy_peak", "energy_long", "energy_rise", "brightness", "texture", "low", "mid", "high"),
    *("kick", "snare", "hat", "harmonic_change", "build_up"),
)
_ONSETS: Final = ("onset", "onset_low", "onset_mid", "onset_high")
_RAW: Final = ("rms", "centroid_hz", "flatness", "low", "mid", "high")


def signals_of(features: Features) -> dict[str, float]:
    """The features as the named signals that mappings use: ``audio.energy``, ``audio.band_1``, ``audio.raw.rms``, ..."""
    values: Any = features
    out = {f"audio.{name}": float(getattr(values, name)) for name in _SIGNALS}
    out |= {f"audio.{name}": 1.0 if getattr(values, name) else 0.0 for name in _ONSETS}
    out |= {f"audio.band_{number}": value for number, value in enumerate(features.bands, 1)}
    out |= {f"audio.onset_{number}": 1.0 if value else 0.0 for number, value in enumerate(features.onset_bands, 1)}
    raw: Any = features.raw
    out |= {f"audio.raw.{name}": float(getattr(raw, name)) for name in _RAW}
    out |= {f"audio.raw.band_{number}": value for number, value in enumerate(features.raw.bands, 1)}
    return out
