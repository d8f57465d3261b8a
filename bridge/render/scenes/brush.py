"""What every scene is given."""

from __future__ import annotations

__all__ = ["Brush", "Drawing"]

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.render.studio import Array, Studio


class Drawing(NamedTuple):
    """A scene's result: ``tone`` dark 0 to light 1 (may go over), ``hue`` 0 first colour to 1 last colour."""

    tone: Array
    hue: Array


@dataclass(frozen=True, slots=True)
class Brush:
    """Where and when to draw, and the numbers that make one prompt's scene unlike another's.

    ``t`` picture seconds; ``vector`` from the prompts' words; ``composition`` from cuts; ``detail`` 0..1;
    ``chaos`` 0 smooth to 1 torn; ``pulse`` 0..1 on the beat.
    """

    studio: Studio
    t: float
    vector: npt.NDArray[np.float32]
    composition: int
    detail: float = 0.7
    chaos: float = 0.5
    pulse: float = 0.0

    def of(self, index: int, low: float, high: float) -> float:
        """A number from ``low`` to ``high`` that belongs to the prompt's words and, less so, to the composition."""
        swing = float(self.vector[index]) + 1.2 * (self.chance(index) - 0.5)
        return low + (high - low) / (1.0 + math.exp(-1.4 * swing))

    def chance(self, index: int) -> float:
        """0..1, another one after every cut."""
        return float(_chances(self.composition)[index])

    def randoms(self, count: int, salt: int) -> npt.NDArray[np.float32]:
        """``count`` numbers 0..1 that stay until the next cut. Read only."""
        return _randoms(self.composition, count, salt)


@lru_cache(maxsize=64)
def _chances(composition: int) -> npt.NDArray[np.float32]:
    return _randoms(composition, 32, 0)


@lru_cache(maxsize=128)
def _randoms(composition: int, count: int, salt: int) -> npt.NDArray[np.float32]:
    values = np.random.default_rng((abs(composition), salt)).random(count, dtype=np.float32)
    values.flags.writeable = False
    return values
