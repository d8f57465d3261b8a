"""The time in the picture, to measure how long a picture takes from this server to wherever it is looked at.

A band of black and white cells along the upper edge, two rows of 32: 48 bits of monotonic microseconds and 16 of
checksum, high bits first. It survives encoding, scaling and JPEG, not cropping or zooming.
"""

from __future__ import annotations

__all__ = ["read_stamp", "write_stamp"]

from typing import Final

import av
import numpy as np
import numpy.typing as npt

_COLUMNS: Final = 32
_ROWS: Final = 2
_DARK: Final = 32
_BRIGHT: Final = 220


def write_stamp(frame: av.VideoFrame, micros: int) -> None:
    """Write ``micros``, 0 to 2**48 - 1, into the luma of a yuv420p frame at least 64 pixels wide."""
    plane = frame.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    value = (micros << 16) | _checksum(micros)
    bits = np.array([value >> bit & 1 for bit in range(_COLUMNS * _ROWS - 1, -1, -1)], np.uint8)
    cell = frame.width // _COLUMNS
    cells = np.where(bits, _BRIGHT, _DARK).astype(np.uint8).reshape(_ROWS, _COLUMNS)
    luma[: _ROWS * cell, : _COLUMNS * cell] = cells.repeat(cell, 0).repeat(cell, 1)


def read_stamp(luma: npt.NDArray[np.uint8], width: int) -> int | None:
    """The microseconds in a picture that shows a stamped one scaled to its whole size; None when unreadable.

    Args:
        luma: brightness, (height, line size).
        width: pixels of the picture, at most the line size.
    """
    cell = width / _COLUMNS
    value = 0
    for row in range(_ROWS):
        for column in range(_COLUMNS):
            bright = luma[int((row + 0.5) * cell), int((column + 0.5) * cell)] > (_DARK + _BRIGHT) / 2
            value = value << 1 | int(bright)
    micros, check = value >> 16, value & 0xFFFF
    return micros if check == _checksum(micros) else None


def _checksum(micros: int) -> int:
    return (micros * 40503 >> 7) & 0xFFFF
