"""Scenes one flies through or looks into: tunnel, forge, crystal."""

from __future__ import annotations

__all__ = ["crystal", "forge", "tunnel"]

import math

import numpy as np

from bridge.render.scenes.brush import Brush, Drawing
from bridge.render.studio import PERIOD, smoothstep


def tunnel(b: Brush) -> Drawing:
    """Down a winding tube of light rings."""
    s, t = b.studio, b.t
    x = s.x - 0.32 * math.sin(t * 0.31) * (1.2 - np.clip(s.radius, 0, 1.2))
    y = s.y - 0.24 * math.cos(t * 0.27) * (1.2 - np.clip(s.radius, 0, 1.2))
    r = np.hypot(x, y) + 0.02
    angle = np.arctan2(y, x)
    depth = 0.42 / r
    twist = depth * 0.16 * math.sin(t * 0.2) + t * 0.06
    around = (angle / (2 * math.pi) + twist) * PERIOD
    wall = s.noise(around, depth * 60 + t * 55 + 1024 * b.chance(1))
    rough = s.noise(around * 2 + wall * (20 + 60 * b.chaos), depth * 110 + t * 55 + wall * 40)
    ring = 0.5 + 0.5 * np.cos((depth * 2.1 + t * 1.15 + 0.12 * wall) * 2 * math.pi)
    rays = 0.5 + 0.5 * np.cos((angle + twist * 2 * math.pi) * round(b.of(4, 5, 14)))
    fog = smoothstep(0.02, 0.55, r)
    rim = ring**10
    tone = fog * (0.08 + 0.3 * rough * wall + 0.16 * rays * wall * b.detail + rim * (0.5 + 0.35 * wall)) + 0.5 * np.exp(
        -r * 7.5
    )
    hue = np.clip(0.5 + 0.5 * np.sin(depth * 1.4 + t * 0.5) * 0.8 + 0.25 * (wall - 0.5), 0, 1)
    return Drawing(tone, hue)


def forge(b: Brush) -> Drawing:
    """A gothic hall: pointed arches receding over a river of molten metal, sparks rising."""
    s, t = b.studio, b.t
    x, y = s.x - 0.06 * math.sin(t * 0.3), s.y + 0.1
    arch = np.maximum(np.abs(x) * 1.05, np.hypot(np.abs(x) * 0.85 + 0.35, np.minimum(y, 0) * 0.95) - 0.3)
    arch = np.maximum(arch, y * 0.8) + 0.03
    depth = 0.5 / arch
    march = depth * 1.25 + t * 0.55
    phase = march - np.floor(march)
    rib = smoothstep(0.16, 0.0, np.abs(phase - 0.5) - 0.02)
    edge = np.exp(-(((phase - 0.32) * 16) ** 2)) + 0.6 * np.exp(-(((phase - 0.68) * 16) ** 2))
    fade = smoothstep(0.03, 0.5, arch)
    stone = s.noise(np.arctan2(y, np.abs(x)) * 190 + 1024 * b.chance(1), march * 130)
    heat = np.exp(-np.maximum(0.75 - y, 0) * 1.9) * np.exp(-np.abs(x) * 0.8)
    tone = (
        fade * (0.06 + 0.17 * stone * (0.4 + heat) + rib * stone * 0.24 * (0.4 + 1.7 * heat))
        + 0.36 * edge * fade * (0.25 + 0.75 * stone) * b.detail
    )
    hue = 0.95 - 0.45 * heat - 0.2 * stone
    tubes = np.exp(-(((np.abs(x) - 0.62 * arch / 0.62) * 26) ** 2)) * (y < 0.25) * (phase > 0.12) * (phase < 0.3)
    tone += 0.5 * tubes * fade

    below = np.maximum(s.rows - 0.16, 0.01)
    z = 0.5 / below
    flow = s.noise(x * z * 30 + s.swell(t * 0.6, 61) * 14, z * 38 + t * 34 + 1024 * b.chance(2))
    crust = s.noise(x * z * 62 + flow * (20 + 50 * b.chaos), z * 80 + t * 34)
    hot = smoothstep(0.35, 0.95, flow * 0.55 + (1 - np.abs(2 * crust - 1)) * 0.5)
    river = smoothstep(0.5, 0.34, np.abs(x) / (0.12 + below * 1.35)) * (s.rows > 0.16)
    molten = 0.14 + 0.82 * hot
    tone = tone * (1 - river) + river * molten
    hue = hue * (1 - river) + river * (0.42 - 0.4 * hot)
    tone += 0.34 * np.exp(-(x**2) * 5 - (s.y - 0.18) ** 2 * 14) + 0.1 * heat
    x0, y0, z0 = b.randoms(330, 5).reshape(3, 110)
    life = (y0 + t * (0.12 + 0.22 * z0)) % 1.0
    spark_x = (x0 * 2 - 1) * (0.35 + 0.9 * life) + 0.09 * np.sin(t * 2 + 30 * z0)
    for tail in range(3):
        s.sparkle(
            tone, spark_x, 0.85 - 1.9 * life + 0.02 * tail, (1 - life) * (0.95 - 0.28 * tail) * np.clip(life * 8, 0, 1)
        )
    return Drawing(tone, np.clip(hue, 0, 1))


def crystal(b: Brush) -> Drawing:
    """Facets folded into symmetry, light wandering over them."""
    s, t = b.studio, b.t
    x, y = np.abs(s.x), s.y * 0.95 + 0.1 * math.sin(t * 0.12)
    sway = s.swell(t * 0.3, 71)
    shift, turn = b.of(3, 0.42, 0.78), b.of(4, 0.5, 1.1) + 0.12 * math.sin(t * 0.16)
    scale = 1.0
    nearest = np.full_like(x, 9.0)
    code = np.zeros_like(x)
    light = np.zeros_like(x)
    x = x + 0.03 * b.chaos * sway
    for fold in range(4):
        x, y = np.abs(x) - shift * (1 + 0.06 * math.sin(t * 0.23 + fold)), np.abs(y) - 0.52 * shift
        c, k = math.cos(turn + 0.5 * fold + 0.06 * t), math.sin(turn + 0.5 * fold + 0.06 * t)
        x, y = x * c + y * k, y * c - x * k
        x, y, scale = x * 1.28, y * 1.28, scale * 1.28
        code += np.where(x > 0, 1.7 + fold, 0.0) + np.where(y > 0, 2.9 * (fold + 1), 0.0)
        edge = np.minimum(np.abs(x), np.abs(y)) / scale
        np.minimum(nearest, edge, out=nearest)
        light += np.abs(np.sin(x * 1.7 + t * 0.55 + fold)) * (0.3 - 0.035 * fold)
    facet = s.noise(x * 24 + 1024 * b.chance(1), y * 24 + t * 5)
    vault = np.exp(-(s.x**2 * 1.8 + (s.y + 0.22) ** 2 * 1.1))
    seam = np.exp(-((nearest * (95 + 60 * b.detail)) ** 2))
    sheen = 0.5 + 0.5 * np.sin(code * 2.3 + t * 0.5 + 1.5 * (x + y))
    tone = (
        0.07
        + (0.3 + 0.62 * vault) * light * (0.15 + 0.35 * facet + 0.95 * sheen)
        + (0.1 + 0.2 * vault) * seam
        + 0.22 * vault**2
    )
    count = 60
    px, py, pz = b.randoms(3 * count, 6).reshape(3, count)
    s.sparkle(
        tone,
        (px * 2 - 1) * s.aspect,
        ((py - t * 0.02 * (0.4 + pz)) % 1) * 2 - 1,
        np.clip(np.sin(t * 1.5 + 40 * pz), 0, 1) * 0.5,
    )
    hue = np.clip(0.9 * facet + 0.9 * (light - 0.55) + 0.35 * sway, 0, 1)
    return Drawing(tone, hue)
