"""Pictures for the tests: flat ones, random ones, and what is read back from them."""

from __future__ import annotations

import numpy as np

from bridge.model.frames import Frame

RED_601 = (81, 90, 240)
RED_709 = (63, 102, 240)


def flat(yuv: tuple[int, int, int], width: int = 576, height: int = 320, t: float = 0.0, **more: object) -> Frame:
    """A frame of one colour."""
    data = np.empty((height * 3 // 2, width), np.uint8)
    for plane, level in zip(split(data), yuv, strict=True):
        plane[...] = level
    return Frame(data, width, height, t, **more)  # type: ignore[arg-type]


def noise(seed: int, width: int = 576, height: int = 320, t: float = 0.0) -> Frame:
    """A frame of random pixels in video range."""
    data = np.random.default_rng(seed).integers(16, 236, (height * 3 // 2, width), dtype=np.uint8)
    return Frame(data, width, height, t)


def split(data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Y, U and V of an I420 array."""
    rows, width = data.shape
    height = rows * 2 // 3
    y, u, v = np.split(data.reshape(-1), [height * width, height * width * 5 // 4])
    return y.reshape(height, width), u.reshape(height // 2, -1), v.reshape(height // 2, -1)


def at(frame: Frame, x: int, y: int) -> tuple[int, int, int]:
    """The colour of one pixel."""
    luma, u, v = split(frame.data)
    return int(luma[y, x]), int(u[y // 2, x // 2]), int(v[y // 2, x // 2])


def close(a: tuple[int, ...], b: tuple[int, ...], within: int = 2) -> bool:
    """Whether two colours are the same to within a few levels."""
    return all(abs(p - q) <= within for p, q in zip(a, b, strict=True))
