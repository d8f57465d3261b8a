"""A video file, looped and paced by its own time, or a still picture (PyAV)."""

from __future__ import annotations

__all__ = ["FileSource"]

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import av
from av.error import FFmpegError

from bridge.inputs.video.pace import Pace
from bridge.model.errors import VideoSourceError

_BAD_PACKETS: Final = 200
_LONGEST_GAP_S: Final = 2.0
_HINT: Final = "Play it in another program to see whether it is whole, or convert it to H.264 in MP4."


class FileSource:
    """Decodes in the caller's thread, one frame ahead at most.

    Args:
        path: any video or picture that FFmpeg reads.
        fps: how often a still picture is given, and a video that does not say its own rate.
        wait: sleeps so many seconds and says whether it is time to stop.
    """

    def __init__(self, path: Path, fps: float, *, clock: Callable[[], float], wait: Callable[[float], bool]) -> None:
        self._path = path
        self._fps = fps
        self._clock = clock
        self._wait = wait
        self._container: Any = None
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._still: av.VideoFrame | None = None
        self._pace = Pace(fps, 0.0)
        self._origin: float | None = None
        self._due = 0.0
        self._step = 1.0 / fps

    def open(self, width: int, height: int) -> str:
        """See :class:`bridge.inputs.video.source.Source`."""
        if not self._path.is_file():
            raise VideoSourceError(
                f"There is no file {self._path}.", hint="Check [video] file; it is tried again by itself."
            )
        try:
            self._container = av.open(str(self._path))
            if not self._container.streams.video:
                raise VideoSourceError(f"{self._path.name} holds no picture.", hint="Choose a video or a picture.")
            stream = self._container.streams.video[0]
            stream.thread_type = "NONE"
            rate = stream.average_rate
            self._step = 1.0 / float(rate) if rate else 1.0 / self._fps
            self._rewind()
            first = next(self._frames, None)
            second = next(self._frames, None) if first is not None else None
        except (FFmpegError, OSError) as error:
            raise self._broken(error) from error
        if first is None:
            raise VideoSourceError(f"{self._path.name} holds no picture that decodes.", hint=_HINT)
        self._still = first if second is None else None
        self._pace = Pace(self._fps, self._clock())
        self._due = self._clock()
        self._rewind()
        return self._path.name

    def read(self, timeout: float) -> av.VideoFrame | None:
        """The next frame when its time has come; the file begins again at its end."""
        if self._still is not None:
            due = self._pace.next(self._clock())
            return None if self._wait(max(0.0, due - self._clock())) else self._still
        frame = self._next()
        self._due = self._due_of(frame)
        now = self._clock()
        if now - self._due > _LONGEST_GAP_S:
            # After a standstill of ours the file goes on from here, it does not hurry.
            self._origin, self._due = None, now
        return None if self._wait(max(0.0, self._due - now)) else frame

    def close(self) -> None:
        """Close the file."""
        container, self._container = self._container, None
        self._frames, self._still = iter(()), None
        if container is not None:
            container.close()

    def _due_of(self, frame: av.VideoFrame) -> float:
        """When to show it: by its own time, or a frame after the one before where that makes no sense."""
        if frame.pts is None:
            return self._due + self._step
        time = frame.time
        if self._origin is None:
            self._origin = self._due + self._step - time
        due = self._origin + time
        if not self._due < due < self._due + _LONGEST_GAP_S:
            self._origin = self._due + self._step - time
            return self._due + self._step
        return due

    def _next(self) -> av.VideoFrame:
        for _ in range(2):
            try:
                frame = next(self._frames, None)
            except (FFmpegError, OSError) as error:
                raise self._broken(error) from error
            if frame is not None:
                return frame
            self._rewind()
        raise VideoSourceError(f"{self._path.name} holds no picture that decodes.", hint=_HINT)

    def _rewind(self) -> None:
        if self._container is None:
            return
        self._origin = None
        try:
            self._container.seek(0)
        except (FFmpegError, OSError):
            # Pictures and pipes cannot seek: opened again they begin at the beginning.
            self._container.close()
            self._container = av.open(str(self._path))
        self._frames = self._decoded()

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Frames in order; damaged packets are left out as long as others decode."""
        bad = 0
        stream = self._container.streams.video[0]
        for packet in self._container.demux(stream):
            try:
                frames = packet.decode()
            except FFmpegError:
                bad += 1
                if bad > _BAD_PACKETS:
                    raise
                continue
            bad = 0 if frames else bad
            yield from frames

    def _broken(self, error: FFmpegError | OSError) -> VideoSourceError:
        return VideoSourceError(f"{self._path.name} cannot be read: {error.strerror or error}.", hint=_HINT)
