"""Paints a :class:`Cue` as one I420 picture, at a video rate: a millisecond or two at 512x512."""

from __future__ import annotations

__all__ = ["GuidePainter"]

from functools import lru_cache
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from bridge.render.guides.bench import Bench
from bridge.render.guides.cue import Cue
from bridge.render.guides.shapes import DRAWERS
from bridge.render.palette import HUES, TONES, palette_of
from bridge.render.words import read_prompt

_QUIET: Final = "indigo teal light"
_SHOULDER: Final = 512
_BRIGHTEST: Final = 2.5


class GuidePainter:
    """Keeps the buffers of one picture size; equal cues give equal pictures.

    Args:
        width, height: of the picture, both even and at least 16.

    Raises:
        ValueError: the size cannot be drawn.
    """

    def __init__(self, width: int, height: int) -> None:
        if width % 2 or height % 2 or min(width, height) < 16:
            raise ValueError(f"the picture is {width}x{height}; both sides must be even and at least 16.")
        self.width, self.height = width, height
        # Half size is the size of the colour planes, so only the luma is scaled up.
        self._bench = Bench(width // 2, height // 2)
        self._reformatter = VideoReformatter()
        random = np.random.default_rng(3)
        self._dither = random.random((height // 2, width // 2), dtype=np.float32)
        rise = np.linspace(0, _BRIGHTEST, _SHOULDER, dtype=np.float32)
        # A soft shoulder instead of clipping.
        self._shoulder = np.asarray((1.0 - np.exp(-1.7 * rise)) * (TONES - 2), dtype=np.float32)

    def paint(self, cue: Cue) -> npt.NDArray[np.uint8]:
        """Draw; the I420 array of shape (height * 3 // 2, width) is the caller's own."""
        tone, hue = DRAWERS[cue.guide](self._bench, cue)
        steps = (np.clip(tone, 0.0, _BRIGHTEST) * np.float32((_SHOULDER - 1) / _BRIGHTEST)).astype(np.intp)
        level = (self._shoulder.take(steps) + self._dither).astype(np.intp)
        position = (hue * np.float32(HUES - 2) + self._dither).astype(np.intp)
        position *= TONES
        position += level
        tables = _tables(cue.words)
        out = np.empty((self.height * 3 // 2, self.width), dtype=np.uint8)
        out[: self.height] = self._enlarge(tables[0].take(position))
        chroma = out[self.height :].reshape(2, self.height // 2, self.width // 2)
        chroma[0], chroma[1] = tables[1].take(position), tables[2].take(position)
        return out

    def _enlarge(self, luma: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        small = av.VideoFrame.from_ndarray(luma, format="gray")
        large = self._reformatter.reformat(
            small, width=self.width, height=self.height, format="gray", interpolation=Interpolation.BILINEAR, threads=1
        )
        return np.asarray(large.to_ndarray(), dtype=np.uint8)


@lru_cache(maxsize=32)
def _tables(words: str) -> npt.NDArray[np.uint8]:
    """Y, U and V by hue and tone, flat: shape (3, HUES * TONES)."""
    reading = read_prompt(words or _QUIET)
    tables = palette_of(reading.hues, reading.chroma).tables
    return np.rint(tables).astype(np.uint8).reshape(3, -1)
