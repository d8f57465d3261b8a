"""The guides themselves. Each moves with the beat first, with the bands second, and is never quite still."""

from __future__ import annotations

__all__ = ["DRAWERS"]

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

from bridge.model.guide import GuideName
from bridge.render.guides.bench import Bench, Drawing
from bridge.render.guides.body import body
from bridge.render.guides.cue import Cue
from bridge.render.studio import Array

_ORBS: Final = 22


def tunnel(b: Bench, cue: Cue) -> Drawing:
    """Flight down a ribbed tube: a rib passes with every beat, the ribs twist with the mids, the end glows."""
    far = b.steps
    ribs = _wave(far * 7.0 - cue.stride) ** (3.0 - 2.0 * min(cue.high, 1.0))
    spokes = _wave((b.around / math.tau) * 8.0 + cue.position / 8.0 + 0.2 * cue.mid)
    end = np.exp(-(((1.0 - far) * (7.0 - 3.5 * cue.kick)) ** 2))
    shade = 0.12 + 0.5 * far + 0.3 * cue.energy * cue.intensity + 0.35 * cue.kick
    lit = (ribs * shade).take(b.depth)
    lit *= (0.45 + 0.55 * spokes).take(b.angle)
    lit += ((0.55 + 0.6 * cue.kick) * end + 0.05).take(b.depth)
    hue = (0.85 * (1.0 - far) + 0.15 * ribs).take(b.depth)
    return Drawing(lit, hue)


def pulse(b: Bench, cue: Cue) -> Drawing:
    """A flower that throws off a ring with every beat; the rings travel outwards and fade."""
    r = b.steps * b.reach
    age = cue.position % 1.0
    wave = np.zeros_like(r)
    for back in range(3):
        front = 0.25 + 0.62 * (back + 1.0 - (1.0 - age) ** 2)
        width = 0.05 + 0.05 * (back + age)
        wave += np.exp(-(((r - front) / width) ** 2)) * (0.95 - 0.28 * (back + age))
    heart = 0.22 + 0.12 * cue.kick + 0.12 * cue.low * cue.intensity
    core = 1.0 / (1.0 + np.exp(np.clip((r - heart) * 26.0, -30, 30)))
    rays = _wave((b.around / math.tau) * 12.0 - cue.t * 0.12) ** 2 * (0.16 + 0.5 * cue.high * cue.intensity)
    level = (0.75 + 0.5 * cue.intensity * cue.energy) * wave + core * (0.7 + 0.4 * cue.kick)
    lit = level.take(b.flower)
    lit += rays.take(b.plain_angle) * np.exp(-1.1 * r).take(b.radius) + np.float32(0.05)
    hue = np.clip(0.95 - r / b.reach * 1.1 + 0.2 * wave, 0, 1).take(b.flower)
    return Drawing(lit, hue)


def bars(b: Bench, cue: Cue) -> Drawing:
    """Columns of light mirrored in a horizon: lows in the middle, highs outside, a wave runs out on the beat."""
    side = np.abs(b.columns[0]) / b.aspect
    bands = np.interp(side, [0.0, 0.15, 0.5, 0.85, 1.0], [cue.low, cue.low, cue.mid, cue.high, cue.high])
    pitch = 13.0
    cell = np.floor(side * pitch) / pitch
    ripple = np.exp(-(((cell - 1.25 * (cue.position % 1.0)) * 5.0) ** 2)) * cue.intensity
    own = 0.5 + 0.5 * np.sin(cell * 37.0 + cue.position * math.tau / 4.0)
    height = 0.1 + 0.1 * own + cue.intensity * 0.5 * bands * (0.6 + 0.4 * own) + 0.32 * ripple
    gap = _step(np.abs((side * pitch) % 1.0 - 0.5), 0.44, 0.36)
    over = (height[None, :] - np.abs(b.rows)) * np.float32(b.height / 6.0)
    np.clip(over, 0.0, 1.0, out=over)
    level = ((0.5 + 0.3 * ripple + 0.3 * cue.kick) * gap)[None, :]
    fade = np.where(b.rows > 0, 0.55, 1.0) * (0.65 + 0.6 * np.abs(b.rows))
    lit = np.asarray(over * level * fade, dtype=np.float32)
    lit += np.asarray(np.exp(-((b.rows * 9.0) ** 2)) * (0.16 + 0.3 * cue.kick) + 0.05, dtype=np.float32)
    hue = np.broadcast_to(np.abs(b.rows) * 0.8 + 0.2 * side[None, :], lit.shape)
    return Drawing(lit, np.clip(hue, 0, 1))


def orbit(b: Bench, cue: Cue) -> Drawing:
    """Lights on tilted paths around a core: they leap ahead on every beat and open out when it gets loud."""
    seeds = _seeds()
    turn = seeds[0] * math.tau + cue.stride * math.tau / 16.0 * (0.5 + seeds[1]) + cue.t * 0.08
    wide = 0.3 + 0.62 * seeds[2] + 0.22 * cue.intensity * cue.energy + 0.1 * cue.kick * seeds[1]
    tilt = 1.7 * seeds[1] - 0.85 + 0.25 * math.sin(cue.position / 16.0 * math.tau)
    x, y = wide * np.cos(turn) * min(b.aspect, 1.4), wide * np.sin(turn) * tilt + 0.25 * wide * np.cos(turn + 1.0)
    near = 1.0 + 0.45 * np.sin(turn)
    size = (0.035 + 0.05 * seeds[1] + 0.03 * cue.low * cue.intensity) * near
    lights = b.blobs(x, y, size, 0.75 * near)
    # The tails lie a moment behind, where the lights come from.
    lag = 0.2 + 0.12 * cue.energy
    tails = b.blobs(
        wide * np.cos(turn - lag) * min(b.aspect, 1.4),
        wide * np.sin(turn - lag) * tilt + 0.25 * wide * np.cos(turn - lag + 1.0),
        size * 1.5,
        0.3 * near,
    )
    r = b.steps * b.reach
    core = np.exp(-((r / (0.16 + 0.14 * cue.kick)) ** 2)) * (0.8 + 0.5 * cue.kick) + 0.16 * np.exp(-1.8 * r)
    lights += tails
    lit = lights + (core + 0.04).take(b.radius)
    hue = (0.9 - 0.75 * b.steps).take(b.radius)
    hue -= 0.35 * np.minimum(lights, 1.0)
    return Drawing(lit, np.clip(hue, 0, 1))


def silhouette(b: Bench, cue: Cue) -> Drawing:
    """A dancer against a rising light: steps from side to side by beats, arms with the mids, the light with lows."""
    r = b.steps * b.reach
    sun = 1.0 / (1.0 + np.exp(np.clip((r - 0.62 - 0.1 * cue.kick) * 14.0, -30, 30)))
    level = sun * (0.55 + 0.3 * cue.low * cue.intensity + 0.25 * cue.kick) + 0.3 * np.exp(-1.5 * r)
    beams = _wave((b.around / math.tau) * 9.0 + cue.t * 0.05) * (0.15 + 0.45 * cue.high * cue.intensity)
    lit = level.take(b.radius)
    lit += beams.take(b.plain_angle) * np.exp(-0.9 * r).take(b.radius)
    field = b.blobs(*body(cue.stride, cue.mid * cue.intensity, cue.energy * cue.intensity))
    inside = np.clip((field - 0.42) * np.float32(7.0), 0.0, 1.0)
    rim = np.clip(1.0 - np.abs(field - 0.4) * np.float32(5.0), 0.0, 1.0)
    floor = _step(b.rows, 0.8, 0.86)
    lit *= 1.0 - 0.93 * inside
    lit += rim * np.float32(0.25 + 0.3 * cue.kick)
    lit *= 1.0 - 0.8 * floor
    hue = np.clip(1.0 - r / b.reach, 0, 1).take(b.radius)
    return Drawing(lit + np.float32(0.04), np.asarray(hue, dtype=np.float32))


DRAWERS: Final[Mapping[GuideName, Callable[[Bench, Cue], Drawing]]] = MappingProxyType(
    {"tunnel": tunnel, "pulse": pulse, "bars": bars, "orbit": orbit, "silhouette": silhouette}
)


def _wave(turns: Array) -> Array:
    """0..1, a full wave for every whole number."""
    return np.asarray(0.5 + 0.5 * np.cos(turns * math.tau), dtype=np.float32)


def _step(value: Array, low: float, high: float) -> Array:
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), dtype=np.float32)


@lru_cache(maxsize=1)
def _seeds() -> Array:
    return np.random.default_rng(17).random((3, _ORBS), dtype=np.float32)
