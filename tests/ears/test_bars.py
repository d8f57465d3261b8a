"""The bar counter on activations and notes made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.ears._bars import BarCounter, BarPlace

HOPS_A_BEAT = 40


def spectrum(*bins):
    amplitudes = np.full(1025, 1e-4, np.float32)
    amplitudes[list(bins)] = 0.1
    return amplitudes


def play(counter, beats, *, downbeat=lambda n: 0.4, notes=lambda n: (8, 16)):
    """Beats 0, 1, ...: what the counter says before each passes."""
    said = []
    for n in range(beats):
        said.append(counter.coming())
        counter.step(0.8, downbeat(n))
        for _ in range(HOPS_A_BEAT):
            counter.hear(spectrum(*notes(n)))
    return said


@pytest.mark.parametrize("metre", [3, 4])
def test_bars_are_counted_when_downbeats_stand_out(metre):
    said = play(BarCounter(), 40, downbeat=lambda n: 0.7 if n % metre == 0 else 0.1)
    assert said[0] == BarPlace()
    assert [place.opens for place in said[-20:]] == [n % metre == 0 for n in range(20, 40)]
    assert {place.metre for place in said[-20:]} == {metre}
    assert min(place.confidence for place in said[-20:]) > 0.8


def test_nothing_is_said_of_bars_without_downbeats_and_notes():
    assert play(BarCounter(), 40)[-1] == BarPlace()


def test_where_downbeats_leave_two_places_the_change_of_notes_decides():
    chords = ((8, 16), (10, 20), (7, 14), (9, 18))
    said = play(
        BarCounter(), 60, downbeat=lambda n: 0.6 if n % 2 == 1 else 0.2, notes=lambda n: chords[(n - 3) // 4 % 4]
    )
    assert [place.opens for place in said[-20:]] == [n % 4 == 3 for n in range(40, 60)]


def test_an_odd_bar_does_not_move_the_line_and_a_new_song_does_within_six_bars():
    counter = BarCounter()
    odd = [40, 42]
    said = play(counter, 60, downbeat=lambda n: 0.7 if (n % 4 == 0) != (n in odd) else 0.1)
    assert [place.opens for place in said[-16:]] == [n % 4 == 0 for n in range(44, 60)]
    said = play(counter, 40, downbeat=lambda n: 0.7 if n % 4 == 2 else 0.1)
    assert [place.opens for place in said[-16:]] == [n % 4 == 2 for n in range(24, 40)]


def test_confidence_falls_when_downbeats_contradict_each_other():
    counter = BarCounter()
    sure = play(counter, 40, downbeat=lambda n: 0.7 if n % 4 == 0 else 0.1)[-1]
    torn = play(counter, 40, downbeat=lambda n: 0.7 if n % 4 in (0, 1) else 0.1)
    assert np.mean([place.confidence for place in torn[-8:]]) < sure.confidence


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 1e-6, 1.0])
        ),
        min_size=1,
        max_size=60,
    )
)
def test_any_input_leaves_a_sane_place(beats):
    counter = BarCounter()
    for beat, downbeat, level in beats:
        counter.hear(np.full(1025, level, np.float32))
        counter.step(beat, downbeat)
        place = counter.coming()
        assert 0 <= place.confidence <= 1 + 1e-9
        assert (place.opens is None) == (place.metre is None)
