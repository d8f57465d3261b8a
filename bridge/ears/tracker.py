"""What a beat tracker is to the ears."""

from __future__ import annotations

__all__ = ["NO_TRACK", "Beat", "Pause", "Track", "Tracker"]

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from bridge.ears._dynamics import HOP_S

_LONG_HOPS: Final = round(1.0 / HOP_S)


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


class Pause:
    """How long there has been no music. After a second of that (``long``) a tracker says nothing and starts anew."""

    def __init__(self) -> None:
        self._hops = 0

    @property
    def long(self) -> bool:
        """More than a second has passed without music."""
        return self._hops > _LONG_HOPS

    def step(self, *, gated: bool) -> bool:
        """Take in a hop; True when it ends a long pause."""
        ended = self.long and not gated
        self._hops = self._hops + 1 if gated else 0
        return ended


class Tracker(Protocol):
    """Finds beats as the music comes, never looking ahead; the same samples always give the same beats."""

    @property
    def name(self) -> str:
        """Name for status and settings."""

    def push(
        self, samples: npt.NDArray[np.float32], *, gated: bool, amplitudes: npt.NDArray[np.float32] | None = None
    ) -> Track:
        """Listen to the next 512 samples at 44.1 kHz (finite, -1..1); ``gated`` says that they are no music.

        ``amplitudes`` is what ``Spectrum()`` gives after these samples, from whoever has it already: in every hop
        or in none.
        """
