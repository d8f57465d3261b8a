"""Scenes of air and space: silk, cosmos, aurora."""

from __future__ import annotations

__all__ = ["aurora", "cosmos", "silk"]

import math
from functools import lru_cache

import numpy as np

from bridge.render.scenes.brush import Brush, Drawing
from bridge.render.studio import Array, smoothstep


def silk(b: Brush) -> Drawing:
    """Folded cloth of light: noise that is bent by noise, its ridges lit."""
    s, t = b.studio, b.t
    reach = 40.0 + 70.0 * b.chaos
    scale = b.of(3, 60, 110)
    bend_x, bend_y = s.swell(t * 0.55, 11), s.swell(t * 0.5, 12)
    u = s.x * scale + bend_x * reach + (1024 * b.chance(1) + t * 7)
    v = s.y * scale + bend_y * reach + 1024 * b.chance(2)
    first = s.noise(u * 0.5, v * 0.5)
    second = s.noise(u + first * (60 + 90 * b.chaos), v - first * 80 + t * 5)
    ridge = 1.0 - np.abs(second * 2.0 - 1.0)
    threads = 0.5 + 0.5 * np.sin(second * (18 + 26 * b.detail) + first * 6)
    tone = 0.06 + 0.55 * ridge**2.2 + 0.22 * first * ridge + 0.14 * threads * ridge * b.detail
    return Drawing(tone, np.clip(first * 0.9 + bend_x * 0.15, 0, 1))


def cosmos(b: Brush) -> Drawing:
    """Flight through a nebula: veils of gas, stars coming closer, a wireframe solid turning among them."""
    s, t = b.studio, b.t
    reach = 26.0 + 50.0 * b.chaos
    zoom = 1.0 + 0.06 * math.sin(t * 0.17)
    sway_x, sway_y = s.swell(t * 0.4, 21), s.swell(t * 0.36, 22)
    u = s.x * (54 * zoom) + sway_x * reach + (1024 * b.chance(1) + t * 4)
    v = s.y * (54 * zoom) + sway_y * reach + (1024 * b.chance(2) - t * 2)
    gas = s.noise(u, v)
    veil = s.noise(u * 1.9 + gas * 70, v * 1.9 - gas * 50 + t * 3)
    core = np.exp(-((s.x - b.of(4, -0.5, 0.5)) ** 2 + (s.y * 1.3 - b.of(5, -0.25, 0.25)) ** 2) * 1.1)
    dust = smoothstep(0.25, 0.85, gas * 0.6 + core * 0.55)
    tone = (
        0.03
        + dust * (0.16 + 0.5 * veil**1.6)
        + 0.14 * core * gas
        + 0.1 * b.detail * dust * (1 - np.abs(2 * veil - 1)) ** 5
    )
    _fly(b, tone, 150, 0.10 + 0.05 * b.pulse)
    _solid(b, tone)
    return Drawing(tone, np.clip(0.12 + 0.75 * gas - 0.2 * core + 0.25 * sway_y, 0, 1))


def _fly(b: Brush, tone: Array, count: int, pace: float) -> None:
    """Stars that come out of the middle, each drawn as a short streak."""
    s = b.studio
    x, y, z = b.randoms(3 * count, 1).reshape(3, count)
    depth = (z - b.t * pace) % 1.0
    near = depth * 1.6 + 0.06
    bright = np.clip(1.25 - depth, 0, 1) ** 1.5 * np.clip(depth * 12, 0, 1)
    for back in range(4):
        far = near + back * 0.006 * (1 + 4 * (1 - depth))
        s.sparkle(
            tone, (x * 2 - 1) * 1.4 * s.aspect / far * 0.6, (y * 2 - 1) * 1.4 / far * 0.6, bright * (1.1 - 0.25 * back)
        )


@lru_cache(maxsize=1)
def _octahedron() -> Array:
    corners = np.array([[1, 0, 0], [-1, 0, 0], [0, 1.35, 0], [0, -1.35, 0], [0, 0, 1], [0, 0, -1]], dtype=np.float32)
    edges = [(i, j) for i in range(6) for j in range(i + 1, 6) if i // 2 != j // 2]
    along = np.linspace(0, 1, 46, dtype=np.float32)[:, None]
    return np.concatenate([corners[i] + (corners[j] - corners[i]) * along for i, j in edges])


def _solid(b: Brush, tone: Array) -> None:
    s, t = b.studio, b.t
    points = _octahedron()
    for index in range(2):
        turn, tilt = t * (0.22 + 0.1 * index) + 6 * b.chance(8 + index), 0.5 + t * 0.11
        size = (0.34, 0.17)[index] * (1 + 0.08 * b.pulse)
        x = points[:, 0] * math.cos(turn) + points[:, 2] * math.sin(turn)
        z = points[:, 2] * math.cos(turn) - points[:, 0] * math.sin(turn)
        y, z = points[:, 1] * math.cos(tilt) - z * math.sin(tilt), z * math.cos(tilt) + points[:, 1] * math.sin(tilt)
        depth = 1.0 / (1.0 - 0.32 * z)
        at_x = (1.15 - 2.1 * index) * b.of(6 + index, 0.2, 0.75) + 0.07 * math.sin(t * 0.3 + index)
        at_y = (0.12, -0.3)[index] + 0.06 * math.sin(t * 0.23 + 2 * index)
        s.sparkle(tone, x * size * depth + at_x, y * size * depth + at_y, (0.3 + 0.2 * depth) * (0.35 + 0.5 * b.detail))


def aurora(b: Brush) -> Drawing:
    """Curtains of light over a dark ridge, with stars and their mirror in a lake."""
    s, t = b.studio, b.t
    shore = 0.5
    y = np.where(s.y > shore, 2 * shore - s.y - 0.12, s.y)
    sway = s.swell(t * 0.6, 31)
    tone = 0.05 + 0.07 * smoothstep(-1, 1, s.y)
    hue = np.full_like(tone, 0.15)
    for layer in range(3):
        drift = t * (9 + 5 * layer) * (1 if layer % 2 else -1)
        column = s.x * (34 + 16 * layer) + sway * (5 + 9 * b.chaos) + drift + 1024 * b.chance(layer)
        foot = (s.noise(column, np.full_like(column, 100.0 * layer + t * 2)) - 0.5) * 0.85 + 0.18 - 0.22 * layer
        height = foot - y
        rays = s.noise(column * (3.4 + 2 * b.detail), y * 9 + t * 6 + 300 * layer)
        light = np.where(height > 0, np.exp(-height * (1.9 + layer * 0.5)), np.exp(height * 14)) * (
            0.3 + 0.95 * rays * rays
        )
        fold = 0.35 + 0.65 * s.noise(column * 0.45, np.full_like(column, 40.0 * layer + 7 + t))
        light *= (0.55, 0.42, 0.3)[layer] * fold
        tone += light
        hue += light * np.clip(height * 2.4, -0.3, 1.6)
    hue = np.clip(hue, 0, 1)
    count = 90
    x, z, twinkle = b.randoms(3 * count, 2).reshape(3, count)
    s.sparkle(tone, (x * 2 - 1) * s.aspect, z * 1.3 - 1, 0.28 + 0.25 * np.sin(t * 2 + twinkle * 40))
    ridge = shore - 0.04 - 0.34 * s.noise(s.columns * 26 + 1024 * b.chance(5), np.full_like(s.columns, 9.0)) ** 2
    land = smoothstep(-0.015, 0.015, s.y - ridge) * (s.y < shore)
    tone = np.where(land > 0, tone * (1 - land) + 0.03 * land, tone)
    ripple = 0.55 + 0.3 * s.noise(s.x * 20 + sway * 8, s.y * 260 + t * 12)
    tone = np.where(s.y >= shore, tone * ripple * 0.8, tone)
    return Drawing(tone, hue)
