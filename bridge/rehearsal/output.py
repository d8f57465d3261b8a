"""From the worker to the wire: the bounded frame queue, and the track that paces it (scope-protocol section 4)."""

from __future__ import annotations

__all__ = ["FrameQueue", "OutputTrack", "ProductionRate", "prefer_bitrate"]

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av
from aiortc import MediaStreamTrack
from aiortc.codecs import h264, vpx

from bridge.rehearsal.stamp import write_stamp

_TIME_BASE: Final = Fraction(1, 90_000)
_MAX_FPS: Final = 60.0
_POLL: Final = 0.25


def prefer_bitrate(bits: int) -> None:
    """Let this process's encoders start at so many bits a second, as Scope sets them: for the whole process."""
    vpx.DEFAULT_BITRATE = h264.DEFAULT_BITRATE = bits
    vpx.MAX_BITRATE = h264.MAX_BITRATE = max(h264.MAX_BITRATE, 2 * bits)


class ProductionRate:
    """Frames a second over the last ten chunks, at most 60; ``fallback`` before the first."""

    def __init__(self, fallback: float) -> None:
        self._chunks: deque[tuple[int, float]] = deque(maxlen=10)
        self.fps = fallback

    def add(self, frames: int, seconds: float) -> None:
        """One chunk took that long."""
        self._chunks.append((frames, seconds))
        total = sum(part for _, part in self._chunks)
        if total > 0:
            self.fps = min(sum(count for count, _ in self._chunks) / total, _MAX_FPS)


class FrameQueue:
    """Frames between the worker's thread and the loop; when it is full new frames are dropped."""

    def __init__(self, chunk: int, loop: asyncio.AbstractEventLoop) -> None:
        self.size = max(30, 2 * chunk)
        self.dropped = 0
        self._frames: deque[av.VideoFrame] = deque()
        self._lock = threading.Lock()
        self._loop = loop
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frames: list[av.VideoFrame]) -> None:
        """Append what fits. Called by the worker."""
        with self._lock:
            room = self.size - len(self._frames)
            self._frames.extend(frames[:room])
            self.dropped += max(len(frames) - room, 0)
        self._loop.call_soon_threadsafe(self._arrived.set)

    def flush(self) -> None:
        """Throw away what waits, as a cache reset does."""
        with self._lock:
            self._frames.clear()

    def get(self) -> av.VideoFrame | None:
        """The oldest frame, or None."""
        with self._lock:
            return self._frames.popleft() if self._frames else None

    async def wait(self, seconds: float) -> None:
        """Until something was put, at most so many seconds."""
        self._arrived.clear()
        if not self._frames:
            try:
                await asyncio.wait_for(self._arrived.wait(), seconds)
            except TimeoutError:
                return


class OutputTrack(MediaStreamTrack):
    """The video the client receives: silent until ``started`` is set, evenly paced afterwards."""

    kind = "video"

    def __init__(
        self,
        queue: FrameQueue,
        rate: ProductionRate,
        *,
        is_paused: Callable[[], bool],
        on_frame: Callable[[av.VideoFrame], None],
        stamped: bool = False,
    ) -> None:
        super().__init__()
        self.started = asyncio.Event()
        self.last: av.VideoFrame | None = None
        self._queue = queue
        self._rate = rate
        self._is_paused = is_paused
        self._on_frame = on_frame
        self._stamped = stamped
        self._began: float | None = None
        self._due = 0.0

    async def recv(self) -> av.VideoFrame:
        """The next frame, when it is due."""
        await self.started.wait()
        frame = await self._next()
        await self._until_due()
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        frame.pts = int((now - self._began) * 90_000)
        frame.time_base = _TIME_BASE
        if self._stamped:
            write_stamp(frame, round(now * 1_000_000))
        self.last = frame
        self._on_frame(frame)
        return frame

    async def _next(self) -> av.VideoFrame:
        while True:
            if self._is_paused() and self.last is not None:
                return self.last
            frame = self._queue.get()
            if frame is not None:
                return frame
            await self._queue.wait(_POLL)

    async def _until_due(self) -> None:
        now = time.monotonic()
        self._due += 1.0 / self._rate.fps
        # A gap is not made up for; a short lateness is, or a slow moment would stay as lag for ever.
        if not now - 0.5 < self._due < now + 0.5:
            self._due = now
        if self._due > now:
            await asyncio.sleep(self._due - now)
