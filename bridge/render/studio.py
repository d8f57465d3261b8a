"""The tools that scenes draw with: coordinates, noise, light points, blur; all at half the picture's size.

Half size is the size of the colour planes, so only the luma is ever scaled up. Everything smooth is made as a
product of small matrices, everything rough by looking up one tileable texture: a scene costs a few milliseconds.
"""

from __future__ import annotations

__all__ = ["PERIOD", "Array", "Studio", "smoothstep"]

import math
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating[Any]]
"""Numbers on the way to a picture; float32 throughout, though numpy's types cannot always tell."""

PERIOD: Final = 512
"""Units after which the noise repeats."""

_FINE: Final = 4
_TEXELS: Final = PERIOD * _FINE
_FAR: Final = 16 * _TEXELS
_CELLS: Final = (7, 11)
_POOL: Final = 8
_WAVES: Final = 128


class Studio:
    """Coordinates and buffers of one size.

    Attributes:
        width, height: of the drawing, half the picture's.
        x, y: position, y -1 at the top to 1 at the bottom, x the same unit; shape (height, width).
        radius, angle: polar coordinates around the centre, angle in radians.
        rows, columns: ``y`` and ``x`` as a column and a row, for whatever depends on one of them only.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.aspect = width / height
        self.rows: Array = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        self.columns: Array = np.linspace(-self.aspect, self.aspect, width, dtype=np.float32)[None, :]
        self.x: Array = np.broadcast_to(self.columns, (height, width)).copy()
        self.y: Array = np.broadcast_to(self.rows, (height, width)).copy()
        self.radius: Array = np.hypot(self.x, self.y)
        self.angle: Array = np.arctan2(self.y, self.x)
        self._texture = _texture().ravel()
        self._up_rows = _spline(height, _CELLS[0])
        self._up_columns = _spline(width, _CELLS[1]).T.copy()
        rows, columns = max(height // _POOL, 2), max(width // _POOL, 2)
        self._pool = rows, columns
        self._blur_rows, self._blur_columns = _gaussian(rows), _gaussian(columns)
        self._stretch_rows = _stretch(height, rows, (-1, 1))
        self._stretch_columns = _stretch(width, columns, (-1,))

    def noise(self, u: Array, v: Array) -> Array:
        """Clouds at (u, v), 0..1, about evenly spread; features are some 10 to 100 units wide and repeat every 512."""
        column = (u * np.float32(_FINE) + np.float32(_FAR)).astype(np.int32)
        row = (v * np.float32(_FINE) + np.float32(_FAR)).astype(np.int32)
        column &= _TEXELS - 1
        row &= _TEXELS - 1
        row *= _TEXELS
        return self._texture.take(row + column)

    def swell(self, t: float, seed: int) -> Array:
        """A smooth field of about -1..1 that breathes with ``t`` seconds and never repeats."""
        rates, phases = _swell(seed)
        return np.asarray(self._up_rows @ np.sin(rates * np.float32(t) + phases) @ self._up_columns, dtype=np.float32)

    def glow(self, light: Array) -> Array:
        """``light`` spread wide: pooled, blurred while it is tiny, and stretched back."""
        rows, columns = self._pool
        cut = light[: rows * _POOL, : columns * _POOL]
        tiny = cut.reshape(rows, _POOL, columns, _POOL).mean(axis=(1, 3), dtype=np.float32)
        tiny = self._blur_rows @ tiny @ self._blur_columns
        top, down = self._stretch_rows
        tall = tiny[top] * (1 - down) + tiny[top + 1] * down
        left, right = self._stretch_columns
        return np.asarray(tall.take(left, axis=1) * (1 - right) + tall.take(left + 1, axis=1) * right, dtype=np.float32)

    def sparkle(self, target: Array, x: Array, y: Array, strength: Array | float) -> None:
        """Add points of light at (x, y), spread over four pixels so that they move smoothly."""
        column = (x + self.aspect) * ((self.width - 1) / (2 * self.aspect))
        row = (y + 1.0) * ((self.height - 1) / 2)
        inside = (column >= 0) & (column < self.width - 1) & (row >= 0) & (row < self.height - 1)
        column, row = column[inside], row[inside]
        level = np.broadcast_to(np.asarray(strength, dtype=np.float32), inside.shape)[inside]
        left, top = column.astype(np.intp), row.astype(np.intp)
        dx, dy = column - left, row - top
        flat = target.reshape(-1)
        at = top * self.width + left
        np.add.at(flat, at, level * (1 - dx) * (1 - dy))
        np.add.at(flat, at + 1, level * dx * (1 - dy))
        np.add.at(flat, at + self.width, level * (1 - dx) * dy)
        np.add.at(flat, at + self.width + 1, level * dx * dy)


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below ``low``, 1 above ``high``, smooth between (``low`` may be the larger one)."""
    share = np.clip((value - low) * np.float32(1.0 / (high - low)), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), dtype=np.float32)


@lru_cache(maxsize=1)
def _texture() -> Array:
    """Tileable clouds: random phases under a falling spectrum, then evened out to 0..1."""
    random = np.random.default_rng(5)
    rows, columns = 2 * _WAVES, _WAVES + 1
    fy = np.fft.fftfreq(rows)[:, None] * rows
    fx = np.arange(columns)[None, :]
    f = np.hypot(fx, fy)
    f[0, 0] = 1.0
    amplitude = f**-1.75 * (f >= 2.0) * np.exp(-((f / 55.0) ** 2))
    small = amplitude * np.exp(2j * math.pi * random.random(f.shape))
    spectrum = np.zeros((_TEXELS, _TEXELS // 2 + 1), dtype=np.complex64)
    spectrum[:_WAVES, :columns], spectrum[-_WAVES:, :columns] = small[:_WAVES], small[-_WAVES:]
    field = np.fft.irfft2(spectrum, s=(_TEXELS, _TEXELS)).astype(np.float32)
    field *= np.float32(-1.702) / field.std()
    np.exp(field, out=field)
    field += 1.0
    return np.asarray(np.reciprocal(field, out=field), dtype=np.float32)


@lru_cache(maxsize=256)
def _swell(seed: int) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    rates = random.uniform(0.25, 0.9, _CELLS) * random.choice([-1.0, 1.0], _CELLS)
    return rates.astype(np.float32), random.uniform(0, 2 * math.pi, _CELLS).astype(np.float32)


def _spline(size: int, cells: int) -> Array:
    """Cubic B-spline weights from ``cells`` control points to ``size`` samples, scaled so that contrast stays."""
    at = np.linspace(0.5, cells - 1.5, size)[:, None] - np.arange(cells)[None, :]
    d = np.abs(at)
    inner = (4 - 6 * d**2 + 3 * d**3) / 6
    outer = np.clip(2 - d, 0, None) ** 3 / 6
    return np.ascontiguousarray(np.where(d < 1, inner, outer) * 1.35, dtype=np.float32)


def _gaussian(size: int) -> Array:
    at = np.arange(size)
    weights = np.exp(-(((at[:, None] - at[None, :]) / 1.5) ** 2))
    return np.ascontiguousarray(weights / weights.sum(axis=0).max(), dtype=np.float32)


def _stretch(size: int, cells: int, shape: tuple[int, ...]) -> tuple[npt.NDArray[np.intp], Array]:
    """Which cell each sample starts in, and how far it is on its way to the next."""
    at = np.clip((np.arange(size) + 0.5) / _POOL - 0.5, 0, cells - 1.001)
    first = at.astype(np.intp)
    return first, (at - first).astype(np.float32).reshape(shape)
