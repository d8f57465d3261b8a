"""What a beat tracker is to the ears."""

from __future__ import annotations

__all__ = ["NO_TRACK", "Beat", "Track", "Tracker"]

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat. ``offset`` is seconds from the end of the hop that announces it: below 0 it has sounded already,
    above 0 it is scheduled. ``downbeat`` is None when the tracker does not know; ``bar_confidence`` is how sure it is
    of the bar, 0..1, and ``metre`` how many beats it hears in one."""

    offset: float
    downbeat: bool | None = None
    bar_confidence: float = 0.0
    metre: int | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """What a tracker says after one hop: beats announced now, its tempo (None while unknown), its confidence and
    how strongly this moment looks like a beat (``activation``), both 0..1."""

    beats: tuple[Beat, ...] = ()
    bpm: float | None = None
    confidence: float = 0.0
    activation: float = 0.0


NO_TRACK: Final = Track()


class Tracker(Protocol):
    """Finds beats as the music comes, never looking ahead; the same samples always give the same beats."""

    @property
    def name(self) -> str:
        """Name for status and settings."""

    def push(self, samples: npt.NDArray[np.float32], *, gated: bool) -> Track:
        """Listen to the next 512 samples at 44.1 kHz (finite, -1..1); ``gated`` says that they are no music."""
