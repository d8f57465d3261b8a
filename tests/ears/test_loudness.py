"""Where the loudness of a moment lies within that of the last minutes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ears._dynamics import HOP_S
from bridge.ears._loudness import LoudnessRange

SECOND = round(1 / HOP_S)


def hear(loudness: LoudnessRange, level_db: float, seconds: float, *, resting: bool = False) -> list[float]:
    return [loudness.step(10 ** (level_db / 20), resting=resting) for _ in range(round(seconds * SECOND))]


def test_nothing_heard_is_zero():
    assert set(hear(LoudnessRange(), -120, 2, resting=True)) == {0.0}


def test_steady_music_lies_in_the_middle_from_the_first_hop():
    assert hear(LoudnessRange(), -20, 30) == pytest.approx([0.5] * 30 * SECOND, abs=0.1)


def test_the_quietest_part_is_zero_and_the_loudest_one():
    loudness = LoudnessRange()
    hear(loudness, -30, 30)
    hear(loudness, -12, 30)
    assert hear(loudness, -30, 10)[-1] == pytest.approx(0, abs=0.05)
    assert hear(loudness, -12, 10)[-1] == pytest.approx(1, abs=0.05)
    assert hear(loudness, -21, 10)[-1] == pytest.approx(0.5, abs=0.1)


def test_six_decibels_are_the_least_range():
    loudness = LoudnessRange()
    for _ in range(10):
        hear(loudness, -21, 5)
        louder = hear(loudness, -20, 5)
    assert 0.5 < louder[-1] < 0.7


def test_a_pause_moves_the_range_by_nothing_and_the_value_to_zero():
    loudness = LoudnessRange()
    hear(loudness, -30, 30)
    before = hear(loudness, -12, 30)[-1]
    assert hear(loudness, -90, 600, resting=True)[-1] == 0.0
    assert hear(loudness, -12, 10)[-1] == pytest.approx(before, abs=0.02)


def test_what_was_minutes_ago_is_forgotten():
    loudness = LoudnessRange()
    hear(loudness, -6, 60)
    assert hear(loudness, -30, 10)[-1] < 0.05
    hear(loudness, -30, 600)
    assert hear(loudness, -26, 30)[-1] > 0.6


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60))
def test_it_stays_between_zero_and_one(hops):
    loudness = LoudnessRange()
    assert all(0 <= loudness.step(rms, resting=resting) <= 1 for rms, resting in hops)


def test_it_is_deterministic():
    levels = np.random.default_rng(5).uniform(0, 1, 500).tolist()
    first, second = LoudnessRange(), LoudnessRange()
    assert [first.step(x, resting=False) for x in levels] == [second.step(x, resting=False) for x in levels]
