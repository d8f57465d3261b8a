"""I420 pictures as arrays: planes, blends and the stage that gives the same array while nothing changes."""

from __future__ import annotations

__all__ = ["BLACK", "FULL", "Mixer", "Picture", "Planes", "black_picture", "mix", "planes", "to_weight"]

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]
"""uint8 of shape (height * 3 // 2, width), contiguous: Y, U, V (video range)."""

BLACK: Final = (16, 128, 128)
FULL: Final = 256
"""A blend's weight is 0..256, so that no blend needs a division."""

_HALF: Final = np.uint16(128)
_SHIFT: Final = np.uint16(8)


class Planes(NamedTuple):
    """Views into a picture: ``y`` of (height, width), ``u`` and ``v`` of (height / 2, width / 2)."""

    y: Picture
    u: Picture
    v: Picture


def planes(picture: Picture) -> Planes:
    """The three planes of a picture, without a copy."""
    rows, width = picture.shape
    height = rows * 2 // 3
    chroma = picture.reshape(-1)[height * width :].reshape(2, height // 2, width // 2)
    return Planes(picture[:height], chroma[0], chroma[1])


def black_picture(width: int, height: int) -> Picture:
    """A picture of video black; width and height are even."""
    picture = np.full((height * 3 // 2, width), BLACK[1], np.uint8)
    picture[:height] = BLACK[0]
    return picture


def to_weight(share: float) -> int:
    """0..1 as a blend's weight, 0..256; values outside are cut off."""
    return round(min(max(share, 0.0), 1.0) * FULL)


def mix(a: Picture, b: Picture, weight: int, out: Picture | None = None) -> Picture:
    """``a`` with ``weight`` / 256 of ``b`` in it; both of one shape, rounded to nearest."""
    wide = np.multiply(a, np.uint16(FULL - weight), dtype=np.uint16)
    part = np.multiply(b, np.uint16(weight), dtype=np.uint16)
    np.add(wide, part, out=wide)
    np.add(wide, _HALF, out=wide)
    np.right_shift(wide, _SHIFT, out=wide)
    result = np.empty_like(a) if out is None else out
    np.copyto(result, wide, casting="unsafe")
    return result


class Mixer:
    """A blend that remembers: the same inputs give the same array again, at no cost."""

    def __init__(self) -> None:
        self._inputs: tuple[Picture, Picture, int] | None = None
        self._output: Picture | None = None

    def __call__(self, a: Picture, b: Picture, weight: int) -> Picture:
        """``a`` at weight 0, ``b`` at 256, between them a blend (a new array whenever an input changed)."""
        if weight <= 0 or weight >= FULL:
            self._inputs = self._output = None
            return a if weight <= 0 else b
        last = self._inputs
        if self._output is None or last is None or last[0] is not a or last[1] is not b or last[2] != weight:
            self._inputs = (a, b, weight)
            self._output = mix(a, b, weight)
        return self._output
