"""PNG from an array of pixels, without a library: a picture now and then needs none."""

from __future__ import annotations

__all__ = ["png_bytes"]

import struct
import zlib

import numpy as np
import numpy.typing as npt


def png_bytes(rgb: npt.NDArray[np.uint8]) -> bytes:
    """A PNG of 8-bit RGB (PNG specification, third edition: signature, IHDR, IDAT, IEND).

    Args:
        rgb: uint8 of shape (height, width, 3), none of them empty.

    Raises:
        ValueError: it has another shape.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"pixels are of shape (height, width, 3), not {rgb.shape}")
    height, width, _ = rgb.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each row begins with filter type 0
    rows[:, 1:] = rgb.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, body)
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
