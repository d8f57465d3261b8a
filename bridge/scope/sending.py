"""The video we send in video mode: the newest frame of a slot, as soon as it is there (scope-protocol section 4)."""

from __future__ import annotations

__all__ = ["HOLD_S", "REPEAT_S", "SendingTrack", "allow_bitrate"]

import asyncio
import contextlib
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import av
from aiortc import MediaStreamTrack
from aiortc.codecs import h264, vpx

from bridge.model.frames import Frame, LatestSlot

CLOCK_HZ: Final = 90_000
REPEAT_S: Final = 0.1
"""With no new frame for so long the last one is sent again: Scope calls its pipeline only when frames come in."""

HOLD_S: Final = 2.0
"""A frame that was not followed by another for so long gives way to black."""

_BLACK: Final = (16, 128, 128)


def allow_bitrate(start: float, most: float) -> None:
    """Let this process's encoders begin at ``start`` and rise to ``most`` bits a second, for the whole process.

    aiortc 1.16 begins at 0.5 (VP8) and 1 (H264) and stops at 1.5 and 3 Mbit/s: too little for 512x512 at 30 fps, and
    what Scope sees it paints. The receiver's bandwidth estimate moves the rate between aiortc's floor and ``most``.
    """
    codecs: tuple[Any, ...] = (vpx, h264)
    for codec in codecs:
        codec.MAX_BITRATE = round(most)
        codec.DEFAULT_BITRATE = round(min(max(start, codec.MIN_BITRATE), most))


class SendingTrack(MediaStreamTrack):
    """Sends the newest frame when it comes, and the last one again where none comes.

    The source sets the pace, so that no frame is sent twice or missed because two clocks drift; timestamps are the
    frames' own times. Frames of another size than ``size`` (width, height) belong to an earlier session and are left.

    Args:
        frames: what to send, already cropped and scaled; None sends black.
        clock: monotonic seconds, the clock of every frame's ``t``.
    """

    kind = "video"

    def __init__(
        self,
        frames: LatestSlot[Frame] | None,
        size: tuple[int, int],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._frames = frames
        self._size = size
        self._clock = clock
        self._home = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._black = _black(*size)
        self._picture = self._black
        self._seen: Frame | None = None
        self._taken = self._began = clock()
        self._pts = -1
        if frames is not None:
            frames.listen(self._on_put)

    async def recv(self) -> av.VideoFrame:
        """The next frame to send; at most ``REPEAT_S`` after the one before."""
        t = self._take()
        if t is None:
            await self._wait(REPEAT_S)
            t = self._take()
        if t is None:
            t = self._clock()
            if t - self._taken > HOLD_S:
                self._picture = self._black
        return self._stamped(t)

    def stop(self) -> None:
        """End the track and let go of the slot."""
        super().stop()
        if self._frames is not None:
            self._frames.listen(None)

    def _take(self) -> float | None:
        """Make the slot's frame the picture where it is a new one; its time."""
        self._arrived.clear()
        frame = self._frames.get() if self._frames is not None else None
        if frame is None or frame is self._seen:
            return None
        self._seen = frame
        if (frame.width, frame.height) != self._size or self._clock() - frame.t > HOLD_S:
            return None
        self._picture = av.VideoFrame.from_ndarray(frame.data, format="yuv420p")
        self._taken = self._clock()
        return frame.t

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return

    def _stamped(self, t: float) -> av.VideoFrame:
        # A repeat may be the same object: aiortc asks for the next frame when this one is encoded.
        self._pts = max(self._pts + 1, round((t - self._began) * CLOCK_HZ))
        self._picture.pts = self._pts
        self._picture.time_base = Fraction(1, CLOCK_HZ)
        return self._picture

    def _on_put(self) -> None:
        """In the source's thread."""
        # The loop may have been closed since the look at who listens.
        with contextlib.suppress(RuntimeError):
            self._home.call_soon_threadsafe(self._arrived.set)


def _black(width: int, height: int) -> av.VideoFrame:
    picture = av.VideoFrame(width, height, "yuv420p")
    for plane, level in zip(picture.planes, _BLACK, strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    return picture
