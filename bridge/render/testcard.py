"""A moving test picture: colour bars, a sweep and a running number."""

from __future__ import annotations

__all__ = ["TestCard"]

from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.render.text import draw_text

_BARS: Final = (
    (180, 128, 128), (162, 44, 142), (131, 156, 44), (112, 72, 58), (84, 184, 198), (65, 100, 212), (35, 212, 114),
)  # fmt: skip
"""White, yellow, cyan, green, magenta, red and blue at 75 %, as Y, U, V in BT.601 video range."""

_SWEEP_S: Final = 2.0
_SWEEP_WIDTH: Final = 24


class TestCard:
    """Draws one size; a frame's number and time are all that changes.

    Args:
        width, height: of the picture, both even and at least 16.
    """

    __test__ = False

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        bars = np.array(_BARS, dtype=np.uint8)
        self._base = np.empty((height * 3 // 2, width), np.uint8)
        self._base[:height] = bars[np.arange(width) * len(bars) // width, 0]
        chroma = self._base[height:].reshape(2, height // 2, width // 2)
        which = np.arange(width // 2) * len(bars) // (width // 2)
        chroma[0], chroma[1] = bars[which, 1], bars[which, 2]

    def paint(self, number: int, t: float) -> npt.NDArray[np.uint8]:
        """I420 of shape (height * 3 // 2, width), the caller's own: frame ``number`` at ``t`` seconds."""
        out = self._base.copy()
        luma = out[: self.height]
        wide = max(4, self.width // _SWEEP_WIDTH)
        left = int((t / _SWEEP_S) % 1.0 * (self.width + wide)) - wide
        luma[:, max(left, 0) : max(left + wide, 0)] = 235
        x, y = self.width // 14, self.height - self.height // 14 - 10
        draw_text(luma, x + 1, y + 1, f"{number}", luma=16, opacity=0.9)
        draw_text(luma, x, y, f"{number}", luma=235)
        return out
