"""Paints a :class:`Look` as one I420 picture."""

from __future__ import annotations

__all__ = ["Painter"]

import hashlib

import numpy as np
import numpy.typing as npt

from bridge.render.look import Look
from bridge.render.text import draw_text


class Painter:
    """Keeps the buffers of one picture size; equal looks give equal pictures.

    Raises:
        ValueError: width or height is odd or below 16.
    """

    def __init__(self, width: int, height: int) -> None:
        if width % 2 or height % 2 or min(width, height) < 16:
            raise ValueError(f"the picture is {width}x{height}; both sides must be even and at least 16.")
        self.width = width
        self.height = height
        self._out = np.empty((height * 3 // 2, width), dtype=np.uint8)
        y, x = np.mgrid[0 : height // 2, 0 : width // 2].astype(np.float32)
        self._x = x / (height // 2)
        self._y = y / (height // 2)

    def paint(self, look: Look) -> npt.NDArray[np.uint8]:
        """Draw; the returned I420 array of shape (height * 3 // 2, width) is painted over by the next call."""
        field = np.zeros_like(self._x)
        u = v = 128.0
        for text, share in look.mixture or (("", 1.0),):
            digest = hashlib.blake2b(f"{text}|{look.composition}".encode(), digest_size=8).digest()
            a, b, c = (value / 255 for value in digest[:3])
            warp = np.sin(self._y * (4 + 6 * b) + look.phase) * (0.2 + look.turbulence)
            field += share * np.sin(self._x * (6 + 8 * a) + warp * 2 + look.phase * (0.3 + c))
            hue = hashlib.blake2b(text.encode(), digest_size=2).digest()
            u += share * (hue[0] - 128) * 0.6
            v += share * (hue[1] - 128) * 0.6
        luma = (126 + 90 * field).astype(np.uint8)
        y_plane = self._out[: self.height]
        y_plane[:] = luma.repeat(2, axis=0).repeat(2, axis=1)
        chroma = self._out[self.height :].reshape(2, self.height // 2, self.width // 2)
        chroma[0] = int(np.clip(u, 16, 240))
        chroma[1] = int(np.clip(v, 16, 240))
        draw_text(y_plane, 8, self.height - 16, look.label, opacity=0.7)
        return self._out
