"""A dancer as a chain of soft blobs: where every limb is at a moment of the beat."""

from __future__ import annotations

__all__ = ["body"]

import math
from typing import Final

import numpy as np

from bridge.render.studio import Array

_PER_LIMB: Final = 7
_ALONG: Final = np.linspace(0, 1, _PER_LIMB, dtype=np.float32)

Point = tuple[float, float]


def body(beats: float, arms: float, energy: float) -> tuple[Array, Array, Array, Array]:
    """x, y, size and level of the blobs of a dancer about 1.4 high, feet at y 0.8.

    Args:
        beats: the position in beats; weight goes from one foot to the other and back in two.
        arms, energy: 0..1, how high the arms go and how deep the knees bend.
    """
    swing = math.sin(beats * math.pi)
    bounce = abs(math.cos(beats * math.pi))
    dip = 0.03 + 0.09 * energy * bounce
    hips = (0.13 * swing, 0.16 + dip)
    chest = (hips[0] - 0.1 * swing, hips[1] - 0.36)
    head = (chest[0] - 0.05 * swing, chest[1] - 0.27 + 0.03 * bounce)
    limbs = [_limb(hips, chest, chest, 0.13, 0.15), _limb(head, head, head, 0.115, 0.115)]
    for side in (-1.0, 1.0):
        lift = min(1.0, 0.25 + 0.75 * arms + 0.35 * side * swing)
        shoulder = (chest[0] + 0.17 * side, chest[1] - 0.08)
        elbow = (shoulder[0] + 0.2 * side, shoulder[1] + 0.2 - 0.34 * lift)
        hand = (elbow[0] + side * (0.04 + 0.14 * (1 - lift)), elbow[1] + 0.2 - 0.48 * lift)
        limbs.append(_limb(shoulder, elbow, hand, 0.075, 0.055))
        foot = (0.2 * side + 0.04 * swing, 0.8 - 0.06 * max(0.0, -side * swing) * energy)
        knee = ((hips[0] + foot[0]) / 2 + side * (0.06 + dip), (hips[1] + foot[1]) / 2)
        limbs.append(_limb((hips[0] + 0.07 * side, hips[1]), knee, foot, 0.1, 0.06))
    x, y, size = np.concatenate(limbs, axis=1)
    return x, y, size, np.full_like(x, 0.62)


def _limb(start: Point, joint: Point, end: Point, thick: float, thin: float) -> Array:
    """x, y and size of blobs from ``start`` over ``joint`` to ``end``."""
    at = _ALONG * 2.0
    first, second = np.clip(1.0 - at, 0, 1), np.clip(at - 1.0, 0, 1)
    middle = 1.0 - first - second
    x = first * start[0] + middle * joint[0] + second * end[0]
    y = first * start[1] + middle * joint[1] + second * end[1]
    return np.stack([x, y, thick + (thin - thick) * _ALONG]).astype(np.float32)
