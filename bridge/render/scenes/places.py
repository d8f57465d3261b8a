"""Scenes that one stands in: grid, forest, ocean."""

from __future__ import annotations

__all__ = ["forest", "grid", "ocean"]

import math

import numpy as np

from bridge.render.scenes.brush import Brush, Drawing
from bridge.render.studio import Array, smoothstep


def grid(b: Brush) -> Drawing:
    """A neon grid rushing towards a banded sun, wire mountains on both sides."""
    s, t = b.studio, b.t
    horizon = 0.06 + 0.05 * math.sin(t * 0.13)
    lean = 0.18 * math.sin(t * 0.21) + b.of(3, -0.15, 0.15)
    below = np.maximum(s.rows - horizon, 0.004)
    z = 0.55 / below
    fade = np.exp(-z * 0.055)
    bent = (s.x - lean * 0.35) * z - lean * 0.02 * z * z
    width_z = 0.02 + 0.011 * z
    across = _line(bent * 1.4, width_z * 1.3)
    along = _line(z * 0.8 + t * 2.2, width_z * 0.8)
    road = np.exp(-((bent * 0.8) ** 4))
    floor = np.maximum(across * (1 - 0.75 * road), along * (1 - 0.45 * road)) * fade
    dash = np.exp(-((bent * 7.5) ** 2)) * (np.sin(z * 1.7 + t * 7) > 0.1) * fade
    sheen = np.exp(-(((s.x - lean * 0.4) * 1.5) ** 2)) * np.exp(-below * 1.6)
    wet = s.noise(s.x * 24 + 1024 * b.chance(2), z * 40 + t * 60)
    ground = 0.045 + 0.8 * floor + 0.75 * dash + sheen * (0.16 + 0.34 * wet * b.detail)

    sun_y = horizon - 0.33 - 0.04 * b.pulse
    distance = np.hypot(s.x - lean * 0.4, s.y - sun_y)
    radius = 0.42 + 0.03 * b.pulse
    disc = smoothstep(radius + 0.012, radius - 0.012, distance)
    low = (s.rows - sun_y) / radius
    bands = smoothstep(-0.25, 0.25, np.sin((s.rows - t * 0.03) * 42) + 1.05 - np.clip(low + 0.25, 0, 2) * 1.25)
    halo = np.exp(-np.maximum(distance - radius, 0) * 2.6)
    peaks = _peaks(b, lean)
    rise = horizon - s.y
    mountain = smoothstep(0.0, 0.02, peaks - rise) * (rise > 0)
    edge = np.exp(-(((peaks - rise) * 46) ** 2)) + 0.55 * _line((rise / (peaks + 0.02)) * 3, 0.06) * mountain
    sky = (
        0.05
        + 0.34 * halo * (1 - 0.25 * disc)
        + disc * bands * (0.62 + 0.25 * np.clip(-low, -1, 1))
        + 0.1 * np.exp(-rise * 3.2)
    )
    sky = sky * (1 - mountain) + mountain * 0.05 + 0.5 * edge * (rise > 0)
    tone = np.where(s.rows > horizon, ground, sky)
    haze = np.exp(-(((s.rows - horizon) * 9) ** 2))
    tone = tone + 0.3 * haze
    x, y = b.randoms(160, 3).reshape(2, 80)
    s.sparkle(tone, (x * 2 - 1) * s.aspect, y * 0.85 - 1, 0.3 + 0.2 * np.sin(t * 3 + 50 * x))
    sky_hue = np.clip(1.0 - 0.8 * np.sqrt(halo) - disc + 0.5 * mountain * edge, 0, 1)
    hue = np.where(s.rows > horizon, 0.95 - 0.9 * road, sky_hue)
    return Drawing(tone, np.clip(hue * (1 - 0.8 * haze), 0, 1))


def _line(value: Array, width: Array | float) -> Array:
    """1 on whole numbers, falling off within ``width``."""
    d = np.abs(value - np.rint(value))
    return np.asarray(np.exp(-((d / width) ** 2)), dtype=np.float32)


def _peaks(b: Brush, lean: float) -> Array:
    """Height of the mountains over each column, low where the road runs."""
    s = b.studio
    at = (s.columns - lean * 0.2) * 30 + 1024 * b.chance(6)
    rough = s.noise(at, np.full_like(at, 77.0)) * 0.6 + s.noise(at * 3.1, np.full_like(at, 33.0)) * 0.25
    side = np.clip(np.abs(s.columns - lean * 0.4) / s.aspect - 0.22, 0, 1)
    return np.asarray(rough * side * 0.95, dtype=np.float32)


def forest(b: Brush) -> Drawing:
    """Walking between glowing trunks: layers of bark, mist, light that runs in the roots, fireflies."""
    s, t = b.studio, b.t
    sway = s.swell(t * 0.35, 41)
    mist = s.noise(s.x * 26 + t * 5 + sway * 10, s.y * 38 + 1024 * b.chance(1))
    glow = np.exp(-((s.x - 0.25 * math.sin(t * 0.1)) ** 2 * 0.9 + (s.y + 0.12) ** 2 * 1.4))
    shafts = s.noise((s.x + s.y * 0.42) * 30 + 1024 * b.chance(2) + t * 1.5, np.full_like(s.x, 5.0) + t * 2)
    tone = (
        0.06
        + 0.42 * glow * (0.45 + 0.55 * mist)
        + 0.24 * smoothstep(0.55, 0.95, shafts) * glow * smoothstep(0.9, -1, s.y)
    )
    hue = 0.05 + 0.2 * mist + 0.15 * glow
    for layer in range(4):
        near = (layer + 1) / 4
        count = 9 - 2 * layer
        trunk, bark = _trunks(b, layer, count, near, sway)
        running = s.noise(
            bark * (60 + 60 * near) + 60 * layer, s.y * (60 + 50 * near) - t * (26 + 20 * near) + 500 * layer
        )
        vein = smoothstep(0.8, 0.97, running) * trunk * (1 - np.abs(bark))
        dark = (
            (0.75 + 0.5 * s.noise(bark * 90 + 99 * layer, s.y * 22 + 50 * layer))
            * 0.26
            * (1 - near) ** 1.3
            * (0.35 + 0.65 * glow)
            + 0.025
            + 0.05 * (1 - np.abs(bark)) * near
        )
        tone = tone * (1 - trunk) + trunk * dark + vein * (0.28 + 0.5 * near) * (0.4 + 0.6 * b.detail)
        hue = hue * (1 - trunk) + trunk * (0.1 + 0.9 * vein)
    leaves = s.noise(s.x * 170 + sway * 10 + t * 6 + 1024 * b.chance(3), s.y * 200 + sway * 8)
    crown = smoothstep(0.35, -0.75, s.y + 0.55 * (s.noise(s.x * 30 + t * 6, s.y * 20 + 333) - 0.5) * 2)
    canopy = crown * smoothstep(0.25, 0.6, leaves)
    glimmer = canopy * smoothstep(0.8, 0.98, leaves) * (0.5 + 0.5 * np.sin(t * 1.1 + mist * 20))
    tone = tone * (1 - 0.85 * canopy) + 0.4 * glimmer + 0.03 * canopy
    hue = hue * (1 - canopy) + canopy * (0.05 + 0.95 * glimmer)
    under = s.noise(s.x * 210 + sway * 12 + t * 9, s.y * 260 + 200)
    moss = smoothstep(0.42, 1.05, s.y + 0.35 * s.noise(s.x * 34 + t * 9, np.full_like(s.x, 12.0)))
    bloom = smoothstep(0.72, 0.97, under) * (0.55 + 0.45 * np.sin(t * 1.3 + mist * 12))
    tone = tone * (1 - 0.75 * moss) + moss * (0.05 + 0.62 * bloom)
    hue = hue * (1 - moss) + moss * (0.15 + 0.85 * bloom)
    x, y, z = b.randoms(210, 4).reshape(3, 70)
    fly_x = ((x * 2 - 1) * 1.2 + 0.12 * np.sin(t * (0.4 + z) + 9 * y)) * s.aspect
    fly_y = y * 1.5 - 0.6 + 0.1 * np.sin(t * (0.5 + x) + 20 * z) - 0.2 * ((t * 0.1 * z) % 1)
    flash = np.clip(np.sin(t * (0.8 + z) + 30 * x), 0, 1) ** 2
    for spread in (0.0, 0.008):
        s.sparkle(tone, fly_x + spread, fly_y + spread, flash * (0.85 - 40 * spread))
    return Drawing(tone * 1.2, np.clip(hue, 0, 1))


def _trunks(b: Brush, layer: int, count: int, near: float, sway: Array) -> tuple[Array, Array]:
    """Coverage 0..1 of one layer of trunks, and the position across each, -1..1."""
    s = b.studio
    spacing = 2 * s.aspect / count * 1.35
    lean = 0.018 * near * sway * (0.5 + b.chaos) + 0.015 * np.sin(s.rows * 3 + layer * 2) * near
    at = (s.x + lean + b.t * 0.05 * near**2 + 7.3 * layer + 10 * b.chance(10 + layer)) / spacing
    cell = np.floor(at)
    jitter = np.modf(np.sin(cell * 12.9898 + layer * 78.2 + 1.0) * 43.7)[0] * 0.28
    girth = 0.65 + 0.7 * np.abs(np.modf(np.sin(cell * 39.3 + layer * 11.1) * 91.7)[0])
    thick = girth * (0.04 + 0.12 * near**1.8) / spacing * (1.0 + 0.35 * s.rows**2 + 0.3 * np.clip(s.rows - 0.5, 0, 1))
    across = (at - cell - 0.5 - jitter) / thick
    cover = smoothstep(1.06, 0.94, np.abs(across))
    return cover, np.clip(across, -1, 1).astype(np.float32)


def ocean(b: Brush) -> Drawing:
    """Open water under a low light, swell rolling in."""
    s, t = b.studio, b.t
    horizon = -0.18 + 0.03 * math.sin(t * 0.2)
    below = np.maximum(s.rows - horizon, 0.006)
    z = 0.6 / below
    push = s.swell(t * 0.5, 51)
    u = s.x * z * 60 + 1024 * b.chance(1) + push * 10
    first = s.noise(u * 0.6 + t * 4, z * 110 + t * 26)
    second = s.noise(u * 1.7 - t * 7 + first * 20 * (0.5 + b.chaos), z * 300 + t * 60 + first * 30)
    far = np.exp(-z * 0.045)
    wave = (first * 0.6 + second * 0.4) * far + 0.5 * (1 - far)
    sun_x = b.of(3, -0.5, 0.5)
    path = np.exp(-(((s.x - sun_x) / (0.12 + 0.5 * below)) ** 2))
    foam = smoothstep(0.7, 0.98, wave) * far
    glint = smoothstep(0.45, 0.8, second) * path * (0.35 + 0.65 * b.detail)
    water = 0.07 + 0.36 * wave**1.5 * (0.45 + 0.55 * below) + 0.35 * foam + 0.7 * glint + 0.12 * path
    distance = np.hypot(s.x - sun_x, (s.y - horizon + 0.32) * 1.02)
    disc = smoothstep(0.2, 0.185, distance)
    clouds = s.noise(s.x * 22 + t * 3 + 1024 * b.chance(4), s.y * 60 + 12)
    sky = (
        0.16
        + 0.3 * np.exp(-np.maximum(distance - 0.19, 0) * 2.1)
        + 0.22 * clouds * smoothstep(-1.2, horizon, s.y)
        + 0.6 * disc
    )
    tone = np.where(s.rows > horizon, water, sky)
    tone = tone + 0.16 * np.exp(-(((s.rows - horizon) * 12) ** 2))
    hue = np.where(s.rows > horizon, 0.95 - 0.25 * wave - 0.7 * glint - 0.3 * path, distance * 0.62 - 0.25 * clouds)
    return Drawing(tone, np.clip(hue, 0, 1))
