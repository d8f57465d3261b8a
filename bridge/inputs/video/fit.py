"""From any picture to exactly the size that Scope's pipeline takes: cover, crop, mirror (cloud section 6)."""

from __future__ import annotations

__all__ = ["Fitter"]

from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from bridge.inputs.video.settings import VideoSettings
from bridge.inputs.video.source import I420, Drawn, Picture
from bridge.model.errors import VideoSourceError

_ONE_THREAD: Final[dict[str, Any]] = {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}
# PyAV 17 spreads swscale over all cores by default.
_LONGEST: Final = 12.0
_HD_ROWS: Final = 720
_KNOWN: Final = frozenset({Colorspace.ITU601, Colorspace.ITU709})


class Fitter:
    """Scales a picture until it covers ``width`` x ``height``, cuts off the rest, and mirrors it if asked to.

    Scope would stretch it: it resizes without keeping the shape. The result is BT.601 in video range, as Scope reads it.
    """

    def __init__(self, settings: VideoSettings, width: int, height: int) -> None:
        self._settings = settings
        self._size = width, height
        self._scaler = VideoReformatter()
        self._source: Picture | None = None
        self._fitted: I420 | None = None

    def __call__(self, picture: Picture) -> I420:
        """I420 of shape (height * 3 // 2, width); the same array for the same picture.

        Raises:
            VideoSourceError: the picture's shape is too extreme to be cropped.
        """
        if self._fitted is None or picture is not self._source:
            self._fitted = self._drawn(picture) if isinstance(picture, Drawn) else self._captured(picture)
            self._source = picture
        return self._fitted

    def _drawn(self, picture: Drawn) -> I420:
        if not (self._settings.mirror or self._settings.flip):
            return picture.data
        return self._cut(_planes(picture.data), 0, 0)

    def _captured(self, picture: av.VideoFrame) -> I420:
        width, height = self._size
        if not 1 / _LONGEST < picture.width / picture.height < _LONGEST:
            raise VideoSourceError(
                f"A picture of {picture.width}x{picture.height} is too long to be cropped.", hint="Use another source."
            )
        ratio = max(width / picture.width, height / picture.height)
        across, down = max(_even(picture.width * ratio), width), max(_even(picture.height * ratio), height)
        matrix = Colorspace(picture.colorspace) if picture.colorspace in _KNOWN else None
        if matrix is None:
            matrix = Colorspace.ITU709 if picture.height >= _HD_ROWS else Colorspace.ITU601
        full = picture.format.name.startswith("yuvj") or picture.color_range == ColorRange.JPEG
        scaled = self._scaler.reformat(
            picture,
            across,
            down,
            format="yuv420p",
            src_colorspace=matrix,
            dst_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BILINEAR if ratio < 1 else Interpolation.BICUBIC,
            **_ONE_THREAD,
        )
        left = _even((across - width) * self._settings.crop_x, least=0)
        top = _even((down - height) * self._settings.crop_y, least=0)
        return self._cut([_view(plane) for plane in scaled.planes], min(left, across - width), min(top, down - height))

    def _cut(self, planes: list[I420], left: int, top: int) -> I420:
        width, height = self._size
        out = np.empty((height * 3 // 2, width), np.uint8)
        down, across = (-1 if self._settings.flip else 1), (-1 if self._settings.mirror else 1)
        for target, plane, half in zip(_planes(out), planes, (1, 2, 2), strict=True):
            x, y = left // half, top // half
            target[:] = plane[y : y + height // half, x : x + width // half][::down, ::across]
        return out


def _planes(data: I420) -> list[I420]:
    """Views of Y, U and V."""
    rows, width = data.shape
    height = rows * 2 // 3
    chroma = data[height:].reshape(2, height // 2, width // 2)
    return [data[:height], chroma[0], chroma[1]]


def _view(plane: Any) -> npt.NDArray[np.uint8]:
    lines = np.frombuffer(memoryview(plane), np.uint8)[: plane.height * plane.line_size]
    return lines.reshape(plane.height, plane.line_size)[:, : plane.width]


def _even(value: float, least: int = 2) -> int:
    return max(least, round(value / 2) * 2)
