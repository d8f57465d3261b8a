"""Named characters of the show: how nervous it is, how fast it moves, how many denoising steps (soundscape section 8)."""

from __future__ import annotations

__all__ = ["DENOISING", "PACE", "REACTIVITY", "Pace", "PaceName", "Reactivity", "ReactivityName"]

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bridge.model.features import HOP, SAMPLE_RATE

ReactivityName: TypeAlias = Literal["cinematic", "balanced", "kinetic"]
PaceName: TypeAlias = Literal["stable", "balanced", "dynamic"]


@dataclass(frozen=True, slots=True)
class Reactivity:
    """``smoothing`` is the share of a new value taken per hop of 512 samples, ``beat`` scales beat actions.

    ``spike_threshold`` is the rise of energy that counts as a spike.
    """

    smoothing: float
    beat: float
    spike_threshold: float

    @property
    def time_constant(self) -> float:
        """The smoothing as seconds, so that it is the same at any tick rate."""
        return -(HOP / SAMPLE_RATE) / math.log(1.0 - self.smoothing)


@dataclass(frozen=True, slots=True)
class Pace:
    """``beat`` and ``spike`` scale what beats and spikes do; ``dwell_s`` is how long a prompt stands at least."""

    beat: float
    spike: float
    dwell_s: float


REACTIVITY: Final[dict[ReactivityName, Reactivity]] = {
    "cinematic": Reactivity(smoothing=0.06, beat=0.7, spike_threshold=0.14),
    "balanced": Reactivity(smoothing=0.12, beat=0.85, spike_threshold=0.11),
    "kinetic": Reactivity(smoothing=0.2, beat=1.05, spike_threshold=0.09),
}

PACE: Final[dict[PaceName, Pace]] = {
    "stable": Pace(beat=0.8, spike=0.85, dwell_s=10.0),
    "balanced": Pace(beat=1.0, spike=1.0, dwell_s=6.0),
    "dynamic": Pace(beat=1.15, spike=1.1, dwell_s=4.0),
}

DENOISING: Final[dict[str, tuple[int, ...]]] = {
    "speed": (1000, 500, 250),
    "balanced": (1000, 750, 500, 250),
    "quality": (1000, 850, 700, 550, 400, 250),
}
