"""Frames from a received track: the newest only, as contiguous I420 (video section 3)."""

from __future__ import annotations

__all__ = ["newest", "to_i420"]

import asyncio
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack


async def newest(track: MediaStreamTrack) -> tuple[av.VideoFrame, int]:
    """Wait for a frame and skip to the newest decoded one; returns it and how many frames arrived with it.

    Looks into aiortc's private queue where that is what it was in 1.14 to 1.16; elsewhere it takes frames one by one.

    Raises:
        aiortc.mediastreams.MediaStreamError: the track has ended.
    """
    frame: Any = await track.recv()
    count = 1
    queue = getattr(track, "_queue", None)
    while isinstance(queue, asyncio.Queue) and not queue.empty():
        later = queue.get_nowait()
        if later is None:
            queue.put_nowait(None)
            break
        frame = later
        count += 1
    return frame, count


def to_i420(picture: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """A copy of shape (height * 3 // 2, width), uint8, contiguous: Y, U, V without the padding of their lines.

    An odd last column or row is cut off. Full-range and other formats are converted by libswscale first.
    """
    if picture.format.name != "yuv420p":
        picture = picture.reformat(format="yuv420p")
    width, height = picture.width & ~1, picture.height & ~1
    out = np.empty((height * 3 // 2, width), np.uint8)
    flat = out.reshape(-1)
    at = 0
    for plane, columns, rows in zip(
        picture.planes, (width, width // 2, width // 2), (height, height // 2, height // 2), strict=True
    ):
        source = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        flat[at : at + rows * columns].reshape(rows, columns)[:] = source[:rows, :columns]
        at += rows * columns
    return out
