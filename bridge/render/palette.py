"""Colours as tables: from (hue position, tone) to Y, U and V in video range (BT.601)."""

from __future__ import annotations

__all__ = ["HUES", "TONES", "Palette", "palette_of"]

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

HUES: Final = 32
TONES: Final = 128


@dataclass(frozen=True, slots=True)
class Palette:
    """``tables`` is float32 of shape (3, HUES, TONES): Y 16..235, U and V 16..240."""

    tables: npt.NDArray[np.float32]


@lru_cache(maxsize=128)
def palette_of(hues: tuple[tuple[float, float], ...], chroma: float) -> Palette:
    """Tables that run from the strongest colour to the second along hue, from dark to light along tone.

    Args:
        hues: (degrees on the Oklab wheel, weight), strongest first.
        chroma: 0 grey, 1 as usual, 1.5 vivid.
    """
    stops = _ordered([degrees for degrees, _ in hues[:3]])
    tone = np.linspace(0, 1, TONES)[None, :]
    a, b = _through(stops, np.linspace(0, 1, HUES))
    angle, reach = np.arctan2(b, a)[:, None], np.hypot(a, b)[:, None]
    # Shadows lean towards blue and lights towards yellow, as in graded film.
    angle = angle + (0.45 - tone) * 0.55 * np.sin(math.radians(264) - angle)
    lightness = 0.05 + 0.94 * tone**0.95
    colour = chroma * 0.2 * reach * np.sin(math.pi * np.clip(tone, 0.03, 0.98) ** 0.8) ** 0.7
    tables = _yuv(_in_gamut(lightness, colour, angle))
    # Where the screen's gamut bends, a lighter tone may come out darker: it keeps the one before.
    np.maximum.accumulate(tables[0], axis=1, out=tables[0])
    return Palette(tables)


def _ordered(stops: list[float]) -> list[float]:
    """The two strongest at the ends, where every scene reaches them, unless these are nearly the same."""
    if len(stops) == 1:
        return [stops[0], stops[0] + 50.0]
    if len(stops) == 3:
        first, second, third = stops
        return [first, second, third] if _apart(first, second) < 50.0 < _apart(first, third) else [first, third, second]
    return stops


def _apart(a: float, b: float) -> float:
    return abs((a - b + 180.0) % 360.0 - 180.0)


def _through(
    stops: list[float], at: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Straight between the colours rather than around the wheel: no rainbow, softer mixtures, never quite grey."""
    angles = np.deg2rad(stops)
    where = np.linspace(0, 1, len(stops))
    a, b = np.interp(at, where, np.cos(angles)), np.interp(at, where, np.sin(angles))
    reach = np.maximum(np.hypot(a, b), 1e-3)
    lift = np.maximum(reach, 0.3) / reach
    return a * lift, b * lift


def _in_gamut(
    lightness: npt.NDArray[np.float64], chroma: npt.NDArray[np.float64], angle: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """sRGB 0..1; what the screen cannot show loses colour, not hue (dark gold stays gold instead of turning red)."""
    high = np.broadcast_to(chroma, np.broadcast_shapes(chroma.shape, angle.shape))
    low = np.where(_shows(lightness, high, angle), high, 0.0)
    for _ in range(10):
        middle = (low + high) / 2
        fits = _shows(lightness, middle, angle)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    chroma = low
    linear = np.clip(_oklch_to_linear(lightness, chroma, angle), 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _shows(
    lightness: npt.NDArray[np.float64], chroma: npt.NDArray[np.float64], angle: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    linear = _oklch_to_linear(lightness, chroma, angle)
    return np.asarray(((linear > -1e-4) & (linear < 1.0001)).all(axis=0))


def _oklch_to_linear(
    lightness: npt.NDArray[np.float64], chroma: npt.NDArray[np.float64], angle: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Oklab (Ottosson) to linear RGB; outside 0..1 where the screen cannot show it."""
    a, b = chroma * np.cos(angle), chroma * np.sin(angle)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return np.stack(
        [
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        ]
    )


def _yuv(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    r, g, b = rgb
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([16 + 219 * y, 128 + 224 * (b - y) / 1.772, 128 + 224 * (r - y) / 1.402]).astype(np.float32)
