"""The preview: the program picture as small JPEGs, encoded once for all who look, and only while they do."""

from __future__ import annotations

__all__ = ["JpegEncoder", "Preview"]

import contextlib
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

import av
from av.codec import CodecContext
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace

from bridge.model.errors import OutputError
from bridge.model.frames import Frame, LatestSlot
from bridge.model.meter import Meter
from bridge.model.status import OutputStatus
from bridge.outputs.settings import PreviewSettings

FRESH_S: Final = 1.0
_IDLE_S: Final = 0.5


class JpegEncoder:
    """BT.709 pictures to JPEG (full-range BT.601, as JFIF has it), scaled so that the longer side is ``size``.

    Not safe to share between threads.
    """

    def __init__(self, size: int, quality: int) -> None:
        self._size = size
        self._quality = quality
        self._source = (0, 0)
        self._graph: tuple[Graph, FilterContext, FilterContext] | None = None
        self._codec: VideoCodecContext | None = None
        self._count = 0

    def encode(self, frame: Frame) -> bytes:
        """One JPEG. Raises OutputError when the encoder gives none."""
        if self._graph is None or self._codec is None or self._source != (frame.width, frame.height):
            self._source = (frame.width, frame.height)
            width, height = _fitted(frame.width, frame.height, self._size)
            self._graph = _jpeg_graph(frame.width, frame.height, width, height)
            self._codec = _jpeg_codec(width, height, self._quality)
        _, entry, end = self._graph
        self._count += 1
        video = av.VideoFrame.from_numpy_buffer(frame.data, format="yuv420p")
        video.pts = self._count
        video.colorspace = Colorspace.ITU709
        video.color_range = ColorRange.MPEG
        entry.push(video)
        small = end.pull()
        if not isinstance(small, av.VideoFrame):
            raise OutputError("The preview could not be scaled.")
        small.pts = self._count
        packets = self._codec.encode(small)
        if not packets:
            raise OutputError("The preview could not be encoded.")
        return bytes(packets[0])


def _fitted(width: int, height: int, size: int) -> tuple[int, int]:
    ratio = min(1.0, size / max(width, height))
    return max(2, round(width * ratio / 2) * 2), max(2, round(height * ratio / 2) * 2)


def _jpeg_graph(width: int, height: int, to_width: int, to_height: int) -> tuple[Graph, FilterContext, FilterContext]:
    graph = Graph()
    entry = graph.add_buffer(width=width, height=height, format=av.VideoFormat("yuv420p"), time_base=Fraction(1, 1000))
    scale = graph.add(
        "scale",
        f"{to_width}:{to_height}:flags=fast_bilinear:in_color_matrix=bt709:in_range=tv:"
        "out_color_matrix=bt601:out_range=pc:threads=1",
    )
    shape = graph.add("format", "yuvj420p")
    end = graph.add("buffersink")
    entry.link_to(scale)
    scale.link_to(shape)
    shape.link_to(end)
    graph.configure()
    return graph, entry, end


def _jpeg_codec(width: int, height: int, quality: int) -> VideoCodecContext:
    codec = CodecContext.create("mjpeg", "w")
    if not isinstance(codec, VideoCodecContext):
        raise OutputError("This build of FFmpeg has no JPEG encoder.", hint="Install av from PyPI.")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuvj420p"
    codec.time_base = Fraction(1, 1000)
    codec.thread_count = 1
    codec.color_range = ColorRange.JPEG
    codec.options = {"qmin": str(quality), "qmax": str(quality)}
    return codec


class Preview:
    """JPEGs of the canvas for the status page.

    While somebody watches, one thread (``out-preview``) encodes at most ``settings.fps`` pictures a second into
    ``slot``; everyone gets the same bytes. Policy: newest wins. A viewer that is slow to drain asks the slot again
    when it is done and gets the newest picture, never a backlog; nothing is kept for it. Added delay: at most one
    preview interval (100 ms at 10 fps) plus the encode (about 2 ms).
    """

    def __init__(self, settings: PreviewSettings, *, canvas: LatestSlot[Frame], clock: Callable[[], float]) -> None:
        self._interval = 1.0 / settings.fps
        self._encoder = JpegEncoder(settings.size, settings.quality)
        self._canvas = canvas
        self._clock = clock
        self.slot: LatestSlot[bytes] = LatestSlot()
        """The newest JPEG; ``slot.wait_newer`` for threads, ``watch(on_jpeg)`` for an event loop."""
        self._encoding = threading.Lock()
        self._newest: tuple[Frame, bytes, float] | None = None
        self._changed = threading.Condition()
        self._watchers: dict[int, Callable[[bytes], None] | None] = {}
        self._next_watcher = 0
        self._stopping = False
        self._meter = Meter()
        self._frames = 0
        self._error = ""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it sleeps until somebody watches."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="out-preview", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    @contextlib.contextmanager
    def watch(self, on_jpeg: Callable[[bytes], None] | None = None) -> Iterator[LatestSlot[bytes]]:
        """Count as a viewer while inside; gives the slot that the JPEGs arrive in.

        ``on_jpeg`` is called for each in the preview's thread, and must only hand over:
        ``loop.call_soon_threadsafe(queue_or_event...)``. It must not raise.
        """
        with self._changed:
            key = self._next_watcher = self._next_watcher + 1
            self._watchers[key] = on_jpeg
            self._changed.notify_all()
        try:
            yield self.slot
        finally:
            with self._changed:
                del self._watchers[key]

    @property
    def watchers(self) -> int:
        """How many look now."""
        return len(self._watchers)

    def latest_jpeg(self) -> bytes | None:
        """One JPEG of now, or None before the first picture.

        Takes what the viewers have when it is under a second old, else encodes one here: about 2 ms, in the
        caller's thread. Safe from any thread.
        """
        newest = self._newest
        if newest is not None and self._watchers and self._clock() - newest[2] < FRESH_S:
            return newest[1]
        frame = self._canvas.get()
        return None if frame is None else self._encode(frame)

    def status(self) -> OutputStatus:
        """From any thread; ``fps`` is 0 while nobody watches."""
        return OutputStatus(
            "preview",
            "preview",
            "failed" if self._error else "open",
            fps=round(self._meter.rate(self._clock()), 2) if self._watchers else 0.0,
            frames=self._frames,
            receivers=len(self._watchers),
        )

    def _encode(self, frame: Frame) -> bytes:
        with self._encoding:
            if self._newest is not None and self._newest[0].data is frame.data:
                jpeg = self._newest[1]
            else:
                jpeg = self._encoder.encode(frame)
            self._newest = (frame, jpeg, self._clock())
            return jpeg

    def _run(self) -> None:
        seen = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._watchers)
                if self._stopping:
                    return
            frame, seen = self._canvas.wait_newer(seen, _IDLE_S)
            if frame is None:
                continue
            began = self._clock()
            try:
                jpeg = self._encode(frame)
            except (OutputError, av.FFmpegError) as error:
                self._error = str(error)
            else:
                self._error = ""
                self._announce(jpeg)
            with self._changed:
                self._changed.wait_for(lambda: self._stopping, max(0.0, began + self._interval - self._clock()))

    def _announce(self, jpeg: bytes) -> None:
        self._frames += 1
        self._meter.tick(self._clock())
        self.slot.put(jpeg)
        with self._changed:
            listeners = [listener for listener in self._watchers.values() if listener is not None]
        for listener in listeners:
            listener(jpeg)
