"""The figure that stands for a reference picture: an emblem that belongs to its name, drawn in light."""

from __future__ import annotations

__all__ = ["figure_glow"]

import hashlib
import math
from functools import lru_cache

import numpy as np

from bridge.render.studio import Array, Studio


def figure_glow(studio: Studio, tone: Array, name: str, strength: float, t: float) -> Array:
    """``tone`` with the figure of ``name`` in it: dimmed around it, filled and outlined with ``strength`` 0..2."""
    distance = _distance(studio, name, round(math.sin(t * 0.4) * 6))
    inside = 1.0 / (1.0 + np.exp(np.clip(distance * 42, -30, 30)))
    outline = np.exp(-((distance * 30) ** 2)) + 0.45 * np.exp(-(((distance + 0.09) * 36) ** 2))
    halo = np.exp(-np.maximum(distance, 0) * 5)
    share = min(strength, 1.0)
    tone = tone * (1 - 0.35 * share * inside)
    return np.asarray(tone + strength * (0.5 * outline + 0.1 * inside + 0.12 * halo), dtype=np.float32)


@lru_cache(maxsize=64)
def _distance(studio: Studio, name: str, turn: int) -> Array:
    """About the signed distance to the emblem, negative inside: a many-lobed star around a smaller one."""
    seed = hashlib.blake2b(name.encode(), digest_size=4).digest()
    lobes = 3 + seed[0] % 5
    depth = 0.1 + 0.12 * seed[1] / 255
    second = lobes * (2 + seed[2] % 2)
    angle = studio.angle + turn * 0.012 + math.pi / 2
    edge = 0.5 + depth * np.cos(angle * lobes) + 0.04 * np.cos(angle * second)
    outer = (studio.radius - edge) * 0.8
    hole = (0.16 + 0.06 * np.cos(angle * lobes + math.pi) - studio.radius) * 0.8
    return np.asarray(np.maximum(outer, hole), dtype=np.float32)
