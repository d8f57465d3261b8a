from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.render.text import draw_text, text_mask, text_size

ASCII = [chr(code) for code in range(32, 127)]


def plane(height: int = 40, width: int = 200) -> np.ndarray:
    return np.full((height, width), 16, dtype=np.uint8)


def test_every_ascii_character_has_a_glyph_of_its_own() -> None:
    shapes = {(text_mask(c).shape, text_mask(c).tobytes()) for c in ASCII}
    assert len(shapes) == len(ASCII)
    assert all(text_mask(c).shape[0] == 8 and 1 <= text_mask(c).shape[1] <= 5 for c in ASCII)
    assert [c for c in ASCII if not text_mask(c).any()] == [" "]


def test_capital_letters_stand_on_the_baseline() -> None:
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789":
        assert text_mask(letter)[6].any() and not text_mask(letter)[7].any()


def test_only_ink_is_painted() -> None:
    y = plane()
    width = draw_text(y, 3, 2, "Hi", luma=200)
    assert width == text_size("Hi")[0]
    assert set(np.unique(y)) == {16, 200}
    assert (y[2:10, 3 : 3 + width] == 200).sum() == text_mask("Hi").sum()
    assert (y == 200).sum() == text_mask("Hi").sum()


def test_scale_makes_every_dot_a_square() -> None:
    assert text_mask("g", 3).sum() == 9 * text_mask("g", 1).sum()
    assert text_size("g", 3) == tuple(3 * side for side in text_size("g"))


def test_a_scale_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        draw_text(plane(), 0, 0, "x", 0)


def test_opacity_blends() -> None:
    y = plane()
    draw_text(y, 0, 0, "#", luma=216, opacity=0.5)
    assert set(np.unique(y)) == {16, 116}


def test_a_character_outside_ascii_shows_as_a_question_mark() -> None:
    assert np.array_equal(text_mask("ü"), text_mask("?"))


@given(st.text(max_size=12), st.integers(-100, 250), st.integers(-30, 60), st.integers(1, 4))
def test_any_text_anywhere_is_cut_at_the_edges(text: str, x: int, y: int, scale: int) -> None:
    canvas = plane()
    framed = np.full((60, 220), 16, dtype=np.uint8)
    draw_text(canvas, x, y, text, scale)
    draw_text(framed, x + 10, y + 10, text, scale)
    assert np.array_equal(canvas, framed[10:50, 10:210])
