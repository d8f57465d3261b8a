"""From a returned frame to BT.709, and from there onto the canvas: colour, scale, place."""

from __future__ import annotations

__all__ = ["ColourFix", "Placement", "Placer", "place"]

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal, cast

import av
import numpy as np
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from bridge.model.frames import Frame
from bridge.program.picture import Picture, Planes, black_picture, planes

THIN_BAR: Final = 0.02
"""Bars thinner than this share of the picture are not worth showing: the edges are cut instead."""

_ONE_THREAD: Final[dict[str, Any]] = {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}
# PyAV 17 spreads swscale over all cores by default: three times the processor time for a picture this small.


def checked(frame: Frame) -> Frame:
    """The frame, if its array is what it says. Raises ValueError otherwise."""
    if frame.width < 2 or frame.height < 2 or frame.width % 2 or frame.height % 2:
        raise ValueError(f"a frame of {frame.width}x{frame.height}: width and height have to be even and above 0.")
    if frame.data.shape != (frame.height * 3 // 2, frame.width) or frame.data.dtype != np.uint8:
        raise ValueError(f"a frame of {frame.width}x{frame.height} with an array of {frame.data.shape}.")
    return frame


class ColourFix:
    """Frames in BT.709, which is how receivers read YUV of every size (video.md section 4.3).

    Scope's frames are BT.601: libavfilter's ``colorspace`` turns them exactly (red 81,90,240 becomes
    63,102,240 within 2) without touching transfer or primaries. One filter graph is kept per size.
    """

    def __init__(self) -> None:
        self._size = (0, 0)
        self._graph: tuple[Graph, FilterContext, FilterContext] | None = None
        self._source: Frame | None = None
        self._picture: Picture | None = None

    def __call__(self, frame: Frame) -> Picture:
        """The frame's picture in BT.709, at its own size; the same array for the same frame.

        Raises:
            ValueError: the frame's array does not fit its size.
        """
        if self._picture is None or frame is not self._source:
            checked(frame)
            data = np.ascontiguousarray(frame.data)
            self._picture = data if frame.matrix == "bt709" else self._convert(data, frame.width, frame.height)
            self._source = frame
        return self._picture

    def _convert(self, data: Picture, width: int, height: int) -> Picture:
        if self._graph is None or self._size != (width, height):
            self._graph, self._size = _colour_graph(width, height), (width, height)
        _, entry, end = self._graph
        video = av.VideoFrame.from_numpy_buffer(data, format="yuv420p")
        video.pts = 0
        video.colorspace = Colorspace.ITU601
        video.color_range = ColorRange.MPEG
        try:
            entry.push(video)
            result = cast(av.VideoFrame, end.pull())
        except av.FFmpegError:
            self._graph = None
            raise
        return np.asarray(result.to_ndarray(), np.uint8)


def _colour_graph(width: int, height: int) -> tuple[Graph, FilterContext, FilterContext]:
    graph = Graph()
    entry = graph.add_buffer(width=width, height=height, format=av.VideoFormat("yuv420p"), time_base=Fraction(1, 1000))
    colour = graph.add("colorspace", "all=bt709:iall=bt601-6-625:fast=1:threads=1")
    end = graph.add("buffersink")
    entry.link_to(colour)
    colour.link_to(end)
    graph.configure()
    return graph, entry, end


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a source lies on the canvas: scaled to ``width`` x ``height``, seen through the window.

    ``x``, ``y``, ``window_width`` and ``window_height`` are the canvas rectangle it fills. All are even.
    """

    width: int
    height: int
    x: int
    y: int
    window_width: int
    window_height: int


def place(source: tuple[int, int], canvas: tuple[int, int], fit: Literal["letterbox", "crop"]) -> Placement:
    """Fit a source of (width, height) into a canvas, centred, its shape kept to within a pixel.

    Bars of less than 2 % of a side are not shown: a 576x320 source fills 1280x720.
    """
    across, down = canvas[0] / source[0], canvas[1] / source[1]
    fill = fit == "crop" or max(across, down) / min(across, down) - 1.0 < THIN_BAR
    ratio = max(across, down) if fill else min(across, down)
    width, height = _even(source[0] * ratio), _even(source[1] * ratio)
    if fill:
        width, height = max(width, canvas[0]), max(height, canvas[1])
    window_width, window_height = min(width, canvas[0]), min(height, canvas[1])
    x, y = (canvas[0] - window_width) // 4 * 2, (canvas[1] - window_height) // 4 * 2
    return Placement(width, height, x, y, window_width, window_height)


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)


class Placer:
    """Puts a BT.709 picture onto the canvas, by swscale; the same array while nothing changes."""

    def __init__(self, width: int, height: int, fit: Literal["letterbox", "crop"]) -> None:
        self._canvas = (width, height)
        self._fit: Literal["letterbox", "crop"] = fit
        self._bars = black_picture(width, height)
        self._scaler = VideoReformatter()
        self._source: Picture | None = None
        self._zoom = 1.0
        self._output: Picture | None = None

    def __call__(self, picture: Picture, zoom: float = 1.0) -> Picture:
        """The canvas with ``picture`` on it; ``zoom`` 1.0 is all of it, 1.1 is pushed in by a tenth."""
        if self._output is None or picture is not self._source or zoom != self._zoom:
            self._output = self._draw(picture, zoom)
            self._source, self._zoom = picture, zoom
        return self._output

    def _draw(self, picture: Picture, zoom: float) -> Picture:
        rows, width = picture.shape
        size = (width, rows * 2 // 3)
        spot = place(size, self._canvas, self._fit)
        scaled_size = (_even(spot.width * zoom), _even(spot.height * zoom))
        if scaled_size == size == self._canvas:
            return picture
        scaled = _planes_of(
            self._scaler.reformat(
                av.VideoFrame.from_numpy_buffer(picture, format="yuv420p"),
                *scaled_size,
                format="yuv420p",
                src_colorspace=Colorspace.ITU709,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.MPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation=Interpolation.BICUBIC,
                **_ONE_THREAD,
            )
        )
        whole = (spot.window_width, spot.window_height) == self._canvas
        output = np.empty_like(self._bars) if whole else self._bars.copy()
        left = (scaled_size[0] - spot.window_width) // 4 * 2
        top = (scaled_size[1] - spot.window_height) // 4 * 2
        for plane, part, half in zip(planes(output), scaled, (1, 2, 2), strict=True):
            high, wide = spot.window_height // half, spot.window_width // half
            y, x, cut_y, cut_x = spot.y // half, spot.x // half, top // half, left // half
            plane[y : y + high, x : x + wide] = part[cut_y : cut_y + high, cut_x : cut_x + wide]
        return output


def _planes_of(frame: av.VideoFrame) -> Planes:
    """Views of a frame's planes, their padding cut off."""
    views = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.height * plane.line_size].reshape(
            plane.height, plane.line_size
        )
        views.append(rows[:, : plane.width])
    return Planes(*views)
