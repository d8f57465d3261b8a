from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.render.palette import HUES, TONES, palette_of
from bridge.render.scenes import SCENES
from bridge.render.words import mood_of, read_prompt


def test_named_colours_come_in_order_of_weight() -> None:
    hues = read_prompt("purple and purple smoke, a little gold").hues
    assert [round(degrees) for degrees, _ in hues] == [308, 85]


def test_near_colours_count_as_one() -> None:
    assert len(read_prompt("violet purple lavender amethyst").hues) == 1


def test_the_forge_is_hot_whatever_else_is_named() -> None:
    assert read_prompt("a foundry of blue steel").hues[0][0] == 62.0


@pytest.mark.parametrize(
    ("text", "speed"), [("slow still drifting", 0.6), ("", 1.0), ("racing at breakneck speed", 1.6)]
)
def test_words_of_pace_set_the_speed(text: str, speed: float) -> None:
    found = mood_of(((text, 1.0),)).speed
    assert math.copysign(1, found - 1) == math.copysign(1, speed - 1) or found == speed == 1.0


def test_a_mood_is_blended_by_share() -> None:
    fast, slow = "racing speed", "slow calm"
    middle = mood_of(((fast, 0.5), (slow, 0.5))).pace
    assert read_prompt(slow).mood.pace < middle < read_prompt(fast).mood.pace


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    reading = read_prompt(text)
    assert reading.scene in SCENES
    assert 1 <= len(reading.hues) <= 3
    assert np.isfinite(reading.vector).all()
    assert 0.4 <= reading.mood.speed <= 2.4


@settings(max_examples=40)
@example([(0.0, 1.0), (258.0, 1.0)], 1.5)
@given(st.lists(st.tuples(st.floats(0, 359), st.floats(0.1, 5)), min_size=1, max_size=4), st.floats(0, 1.5))
def test_palettes_stay_in_video_range_and_rise_with_tone(hues: list[tuple[float, float]], chroma: float) -> None:
    y, u, v = palette_of(tuple(hues), chroma).tables
    assert y.shape == (HUES, TONES)
    assert y.min() >= 15.9 and y.max() <= 235.1
    assert min(u.min(), v.min()) >= 15.9 and max(u.max(), v.max()) <= 240.1
    assert (np.diff(y, axis=1) > -1.0).all()
    assert (y[:, -1] > y[:, 0] + 150).all()
