"""What guides draw with: coordinates as indices, so that a frame costs a few look-ups instead of sines per pixel.

A guide computes its curves on ``STEPS`` samples and lays them over the picture by an index that never changes.
"""

from __future__ import annotations

__all__ = ["STEPS", "Bench", "Drawing", "Indices"]

import math
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.render.studio import Array

STEPS: Final = 1024
Indices: TypeAlias = npt.NDArray[np.intp]

_NEAREST: Final = 0.02
_TWIST: Final = 0.55
_PETALS: Final = 6


class Drawing(NamedTuple):
    """``tone`` dark 0 to light 1 (may go over) and ``hue`` first colour 0 to last colour 1, both (height, width)."""

    tone: Array
    hue: Array


class Bench:
    """Indices and axes of one size.

    Attributes:
        rows, columns: y -1 at the top to 1 at the bottom as (height, 1), x in the same unit as (1, width).
        reach: distance of the corners from the centre.
        radius, depth, angle, flower: of each pixel, 0..STEPS-1. ``depth`` is how far down a tunnel; ``angle`` turns
            with depth; ``flower`` is the radius with petals.
        steps: 0..1 in STEPS samples, ``around`` the same as radians.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        aspect = width / height
        self.aspect = aspect
        self.rows: Array = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        self.columns: Array = np.linspace(-aspect, aspect, width, dtype=np.float32)[None, :]
        radius = np.hypot(self.columns, self.rows)
        angle = np.arctan2(self.rows, self.columns)
        self.reach = math.hypot(aspect, 1.0)
        near = np.log(np.maximum(radius, _NEAREST) / self.reach) / math.log(_NEAREST / self.reach)
        self.radius = _indices(radius / self.reach)
        self.depth = _indices(near)
        self.angle = _indices((angle / math.tau + _TWIST * near) % 1.0)
        self.plain_angle = _indices((angle / math.tau) % 1.0)
        self.flower = _indices(radius / (1.0 + 0.16 * np.cos(angle * _PETALS)) / self.reach)
        self.steps: Array = np.linspace(0, 1, STEPS, dtype=np.float32)
        self.around: Array = np.linspace(0, math.tau, STEPS, endpoint=False, dtype=np.float32)

    def blobs(self, x: Array, y: Array, size: Array, level: Array) -> Array:
        """Soft round lights at (x, y) of ``size`` and ``level``, added up; all of shape (count,)."""
        across = np.exp(-(((self.columns - x[:, None]) / size[:, None]) ** 2))
        down = np.exp(-(((self.rows - y[None, :]) / size[None, :]) ** 2)) * level[None, :]
        return np.asarray(down @ across, dtype=np.float32)


def _indices(share: npt.NDArray[np.floating]) -> Indices:
    return np.asarray(np.clip(share * STEPS, 0, STEPS - 1), dtype=np.intp)
