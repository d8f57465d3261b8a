"""Colour, scale and place: the facts of video.md section 4.3, by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.frames import Frame
from bridge.program.convert import ColourFix, Placer, place
from tests.program.pictures import RED_601, RED_709, at, close, flat, noise, split


def as_frame(picture: np.ndarray) -> Frame:
    return Frame(picture, picture.shape[1], picture.shape[0] * 2 // 3, 0.0, matrix="bt709")


def test_scopes_red_becomes_the_red_that_receivers_read() -> None:
    assert close(at(as_frame(ColourFix()(flat(RED_601))), 100, 100), RED_709)


def encode(rgb: tuple[float, float, float], kr: float, kb: float) -> tuple[float, float, float]:
    r, g, b = rgb
    luma = kr * r + (1 - kr - kb) * g + kb * b
    return 16 + 219 * luma, 128 + 112 * (b - luma) / (1 - kb), 128 + 112 * (r - luma) / (1 - kr)


CHANNEL = st.floats(0.0, 1.0)


@settings(max_examples=60, deadline=None)
@given(rgb=st.tuples(CHANNEL, CHANNEL, CHANNEL))
def test_every_colour_is_converted_as_the_standards_say(rgb: tuple[float, float, float]) -> None:
    sent = tuple(round(v) for v in encode(rgb, 0.299, 0.114))
    wanted = tuple(round(v) for v in encode(rgb, 0.2126, 0.0722))
    assert close(at(as_frame(FIX(flat(sent, 64, 64))), 20, 20), wanted, within=3)  # type: ignore[arg-type]


FIX = ColourFix()


def test_a_frame_that_is_bt709_already_is_not_touched() -> None:
    frame = flat(RED_709, matrix="bt709")
    assert ColourFix()(frame) is frame.data


def test_the_same_frame_gives_the_same_array_and_a_new_size_works() -> None:
    fix = ColourFix()
    frame = noise(1)
    assert fix(frame) is fix(frame)
    assert fix(noise(2, 320, 576)).shape == (864, 320)
    assert fix(noise(3)).shape == (480, 576)


@pytest.mark.parametrize(
    ("data", "width", "height"),
    [
        (np.zeros((480, 576), np.uint8), 576, 321),
        (np.zeros((480, 575), np.uint8), 575, 320),
        (np.zeros((320, 576), np.uint8), 576, 320),
        (np.zeros((480, 576), np.float32), 576, 320),
        (np.zeros((0, 0), np.uint8), 0, 0),
    ],
)
def test_an_array_that_does_not_fit_is_refused_with_its_sizes(data: np.ndarray, width: int, height: int) -> None:
    with pytest.raises(ValueError, match=f"{width}x{height}"):
        ColourFix()(Frame(data, width, height, 0.0))


EVEN = st.integers(8, 1000).map(lambda n: n * 2)


@given(source=st.tuples(EVEN, EVEN), canvas=st.tuples(EVEN, EVEN), fit=st.sampled_from(["letterbox", "crop"]))
def test_a_placement_lies_on_the_canvas_in_even_pixels(source: tuple[int, int], canvas: tuple[int, int], fit) -> None:
    p = place(source, canvas, fit)
    assert all(v % 2 == 0 for v in (p.width, p.height, p.x, p.y, p.window_width, p.window_height))
    assert p.x >= 0 and p.x + p.window_width <= canvas[0]
    assert p.y >= 0 and p.y + p.window_height <= canvas[1]
    assert p.window_width <= p.width and p.window_height <= p.height
    if fit == "crop":
        assert (p.window_width, p.window_height) == canvas
    else:
        assert p.window_width == canvas[0] or p.window_height == canvas[1]
    assert abs(p.width * source[1] - p.height * source[0]) <= 2.01 * max(source)


def test_a_square_source_is_letterboxed_with_true_black() -> None:
    shown = as_frame(Placer(1280, 720, "letterbox")(flat(RED_709, 512, 512).data))
    assert at(shown, 278, 360) == (16, 128, 128)
    assert at(shown, 1001, 360) == (16, 128, 128)
    assert at(shown, 282, 360) == RED_709
    assert at(shown, 640, 2) == RED_709


def test_crop_fills_the_canvas() -> None:
    shown = Placer(720, 1280, "crop")(flat(RED_709, 576, 320).data)
    y, u, v = split(shown)
    assert {int(y.min()), int(y.max())} == {RED_709[0]}
    assert (int(u.mean()), int(v.mean())) == RED_709[1:]


def test_longlives_own_shape_fills_the_canvas_without_thin_bars() -> None:
    y, _, _ = split(Placer(1280, 720, "letterbox")(flat(RED_709).data))
    assert y.min() == RED_709[0]


def test_a_source_of_the_canvas_size_is_not_copied() -> None:
    data = noise(1, 1280, 720).data
    assert Placer(1280, 720, "letterbox")(data) is data


def test_zoom_pushes_into_the_middle_and_keeps_the_window() -> None:
    data = flat((40, 128, 128), 512, 512).data
    y, _, _ = split(data)
    y[236:276, 236:276] = 200
    placer = Placer(512, 512, "letterbox")
    lit = [int((split(placer(data, zoom))[0] > 120).sum()) for zoom in (1.0, 1.1, 1.25)]
    assert lit[0] == 1600
    assert abs(lit[1] - 1600 * 1.21) < 120
    assert abs(lit[2] - 1600 * 1.5625) < 120
    bars = Placer(1280, 720, "letterbox")(data, 1.2)
    assert split(bars)[0][:, :270].max() == 16
