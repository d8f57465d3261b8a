"""The flash guard: no zone of the picture makes more than three general flashes in any second.

A general flash, after WCAG 2 and ITU-R BT.1702, is a pair of opposing changes of relative luminance of at least
10 % of the maximum, the darker of the two below 80 %. The picture is watched in 6 x 6 zones, each the 36th part
of the picture, which is the area WCAG tolerates. Effects, fades, the slate and Scope's own frames all pass here.

What is guaranteed: the mean luminance of no zone makes a fourth flash within a second. It is measured on
every eighth pixel of every eighth row, and with 9 % instead of 10 % for what that misses. What is not: patterns finer than
a zone, saturated red, and what a projector, an LED wall or the next program makes of the picture.
"""

from __future__ import annotations

__all__ = ["FlashGuard", "FlashLimiter"]

from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.program.picture import FULL, Picture, mix

Zones = npt.NDArray[np.float64]

ZONES: Final = 6
SWING: Final = 0.09
BRIGHT: Final = 0.8
WINDOW_S: Final = 1.0
SWINGS: Final = 6
"""Three flashes are six opposing swings."""

_SAMPLE: Final = 8
_LUMINANCE: Final = (np.clip((np.arange(256) - 16) / 219.0, 0.0, 1.0) ** 2.4).astype(np.float32)
"""Video-range luma to relative luminance by the display curve of BT.1886, colour left out."""


class FlashLimiter:
    """Counts swings of luminance per zone, and says which next step would be one too many."""

    def __init__(self, zones: int) -> None:
        self._high = np.full(zones, -np.inf)
        self._low = np.full(zones, np.inf)
        self._direction = np.zeros(zones, np.int8)
        self._swings = np.full((SWINGS, zones), -np.inf)

    def allows(self, luminance: Zones, now: float) -> bool:
        """Whether this luminance (0..1 by zone) may be shown at ``now``."""
        up, down = self._would_swing(luminance)
        full = self._swings[0] >= now - WINDOW_S
        return not bool(np.any((up | down) & full))

    def show(self, luminance: Zones, now: float) -> None:
        """Take note that this luminance is shown."""
        up, down = self._would_swing(luminance)
        swung = up | down
        if swung.any():
            self._swings[:-1, swung] = self._swings[1:, swung]
            self._swings[-1, swung] = now
            self._direction[up] = 1
            self._direction[down] = -1
        self._high = np.where(swung, luminance, np.maximum(self._high, luminance))
        self._low = np.where(swung, luminance, np.minimum(self._low, luminance))

    def _would_swing(self, luminance: Zones) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        up = (self._direction != 1) & (luminance - self._low >= SWING) & (self._low < BRIGHT)
        down = (self._direction != -1) & (self._high - luminance >= SWING) & (luminance < BRIGHT)
        return up, down & ~up


class FlashGuard:
    """Lets pictures through, and holds back as much of one as would be a flash too many.

    What is held back is blended from the picture shown before, so the worst case is a picture that stands
    still for the rest of the second.
    """

    def __init__(self, width: int, height: int) -> None:
        self._height = height
        rows, columns = (len(range(_SAMPLE // 2, side, _SAMPLE)) for side in (height, width))
        self._rows, self._columns = _edges(rows), _edges(columns)
        self._areas = np.outer(np.diff([*self._rows, rows]), np.diff([*self._columns, columns]))
        self._limiter = FlashLimiter(ZONES * ZONES)
        self._asked: Picture | None = None
        self._shown: Picture | None = None
        self._samples: npt.NDArray[np.uint16] | None = None
        self.limited = 0
        """Pictures that were held back, wholly or in part."""

    def __call__(self, picture: Picture, now: float) -> Picture:
        """``picture``, or as much of it as may be shown at ``now``."""
        if picture is self._asked and picture is self._shown:
            return picture
        samples = picture[_SAMPLE // 2 : self._height : _SAMPLE, _SAMPLE // 2 :: _SAMPLE].astype(np.uint16)
        held = self._held_back(samples, now)
        shown = picture
        if held and self._shown is not None and self._samples is not None:
            self.limited += 1
            shown = self._shown if held >= FULL else mix(picture, self._shown, held)
            samples = _blend(samples, self._samples, held)
        self._limiter.show(self._zones(samples), now)
        self._asked, self._shown, self._samples = picture, shown, samples
        return shown

    def _held_back(self, samples: npt.NDArray[np.uint16], now: float) -> int:
        """The least weight of the picture before (0..256) with which the limiter agrees."""
        before = self._samples
        if before is None or self._limiter.allows(self._zones(samples), now):
            return 0
        refused, agreed = 0, FULL
        while agreed - refused > 1:
            weight = (refused + agreed) // 2
            if self._limiter.allows(self._zones(_blend(samples, before, weight)), now):
                agreed = weight
            else:
                refused = weight
        return agreed

    def _zones(self, samples: npt.NDArray[np.uint16]) -> Zones:
        sums = np.add.reduceat(np.add.reduceat(_LUMINANCE[samples], self._rows, axis=0), self._columns, axis=1)
        return np.asarray(sums / self._areas, dtype=np.float64).reshape(-1)


def _edges(samples: int) -> npt.NDArray[np.intp]:
    return np.linspace(0, samples, ZONES, endpoint=False).astype(np.intp)


def _blend(a: npt.NDArray[np.uint16], b: npt.NDArray[np.uint16], weight: int) -> npt.NDArray[np.uint16]:
    return np.asarray((a * np.uint16(FULL - weight) + b * np.uint16(weight) + np.uint16(128)) >> np.uint16(8))
