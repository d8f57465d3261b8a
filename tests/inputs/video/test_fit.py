"""Pixels: cover, crop, mirror, and the colour that Scope reads."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.reformatter import Colorspace

from bridge.inputs.video.fit import Fitter
from bridge.inputs.video.settings import VideoSettings
from bridge.inputs.video.source import Drawn
from bridge.model.errors import VideoSourceError

Luma = npt.NDArray[np.uint8]


def stripes(width: int, height: int, *, across: bool) -> av.VideoFrame:
    """Grey in four equal stripes, 40, 90, 140 and 190: side by side, or one above the other."""
    levels = np.array([40, 90, 140, 190], np.uint8)
    picture = np.full((height * 3 // 2, width), 128, np.uint8)
    if across:
        picture[:height] = levels[np.arange(width) * 4 // width]
    else:
        picture[:height] = levels[np.arange(height) * 4 // height][:, None]
    return av.VideoFrame.from_ndarray(picture, format="yuv420p")


def fitted(picture: av.VideoFrame | Drawn, width: int, height: int, **settings: Any) -> Luma:
    out = Fitter(VideoSettings(**settings), width, height)(picture)
    assert out.shape == (height * 3 // 2, width) and out.dtype == np.uint8 and out.flags.c_contiguous
    return out[:height]


def seen(line: npt.NDArray[np.uint8]) -> list[int]:
    """The levels along a line, in order, each once."""
    near = [min((40, 90, 140, 190), key=lambda level: abs(level - int(value))) for value in line]
    return [level for at, level in enumerate(near) if at == 0 or near[at - 1] != level]


def test_the_whole_picture_is_kept_where_the_shape_is_the_same() -> None:
    luma = fitted(stripes(1280, 720, across=True), 256, 144)
    assert seen(luma[72]) == [40, 90, 140, 190]


@pytest.mark.parametrize(("crop_x", "kept"), [(0.0, [40, 90]), (0.5, [90, 140]), (1.0, [140, 190])])
def test_the_sides_are_cut_where_asked(crop_x: float, kept: list[int]) -> None:
    luma = fitted(stripes(512, 128, across=True), 128, 64, crop_x=crop_x)
    assert seen(luma[32, 4:-4]) == kept


@pytest.mark.parametrize(("crop_y", "kept"), [(0.0, [40, 90]), (0.5, [90, 140]), (1.0, [140, 190])])
def test_top_and_bottom_are_cut_where_asked(crop_y: float, kept: list[int]) -> None:
    luma = fitted(stripes(128, 256, across=False), 128, 128, crop_y=crop_y)
    assert seen(luma[4:-4, 64]) == kept


def test_nothing_is_stretched() -> None:
    """A square stays a square: its sides measure the same after a crop from 4:3 to 16:9."""
    picture = np.full((480 * 3 // 2, 640), 128, np.uint8)
    picture[:480] = 40
    picture[180:300, 260:380] = 190
    luma = fitted(av.VideoFrame.from_ndarray(picture, format="yuv420p"), 320, 180)
    rows, columns = np.nonzero(luma > 115)
    assert abs(int(np.ptp(rows)) - int(np.ptp(columns))) <= 2


def test_mirror_and_flip() -> None:
    assert seen(fitted(stripes(256, 144, across=True), 256, 144, mirror=True)[72]) == [190, 140, 90, 40]
    assert seen(fitted(stripes(256, 144, across=False), 256, 144, flip=True)[:, 128]) == [190, 140, 90, 40]


def test_drawn_pictures_pass_untouched_unless_mirrored() -> None:
    data = np.arange(16 * 24, dtype=np.uint8).reshape(24, 16)
    assert Fitter(VideoSettings(), 16, 16)(Drawn(data)) is data
    mirrored = Fitter(VideoSettings(mirror=True), 16, 16)(Drawn(data))
    assert np.array_equal(mirrored[:16], data[:16, ::-1])


@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709])
def test_red_is_bt601_whatever_it_was(matrix: Colorspace) -> None:
    y, u, v = (81, 90, 240) if matrix == Colorspace.ITU601 else (63, 102, 240)
    picture = av.VideoFrame(64, 64, "yuv420p")
    for plane, level in zip(picture.planes, (y, u, v), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    picture.colorspace = matrix
    out = Fitter(VideoSettings(), 32, 32)(picture)
    chroma = out[32:].reshape(2, 16, 16)
    found = (int(out[16, 16]), int(chroma[0, 8, 8]), int(chroma[1, 8, 8]))
    assert np.allclose(found, (81, 90, 240), atol=3)


def test_rgb_and_odd_sizes_are_taken() -> None:
    picture = av.VideoFrame.from_ndarray(np.full((75, 101, 3), (255, 0, 0), np.uint8), format="rgb24")
    assert abs(int(fitted(picture, 64, 48)[24, 32]) - 81) <= 3


def test_a_line_is_no_picture() -> None:
    with pytest.raises(VideoSourceError, match="too long"):
        fitted(av.VideoFrame(1600, 16, "yuv420p"), 64, 64)
