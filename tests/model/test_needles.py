"""What meters show of values that last one hop."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.features import HOP, SAMPLE_RATE, Features
from bridge.model.needles import Needles

HOP_S = HOP / SAMPLE_RATE


def test_a_peak_is_held_and_then_falls():
    needles = Needles()
    needles.put(Features(1.0, peak_db=-6.0))
    for t, expected in ((1.5, -6.0), (2.5, -6.0), (2.75, -11.0), (3.5, -26.0)):
        while needles.now.t < t - HOP_S / 2:
            needles.put(Features(needles.now.t + HOP_S, peak_db=-90.0))
        assert needles.now.peak_db == pytest.approx(expected, abs=0.5)
    needles.put(Features(3.6, peak_db=-20.0))
    assert (needles.now.peak_db, needles.now.peak_at) == (-20.0, 3.6)


def test_a_drum_of_one_hop_is_still_seen_a_tenth_of_a_second_later():
    needles = Needles()
    needles.put(Features(1.0, kick=0.9))
    needles.put(Features(1.1, snare=0.4))
    assert needles.now.kick == pytest.approx(0.9 * math.exp(-1))
    assert (needles.now.snare, needles.now.hat) == (0.4, 0.0)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(-120, 0), st.floats(0, 1)), min_size=1))
def test_needles_are_never_below_what_is_measured_nor_beyond_their_scale(hops):
    needles = Needles()
    for t, peak_db, hat in hops:
        needles.put(Features(t, peak_db=peak_db, hat=hat))
        assert peak_db <= needles.now.peak_db <= 0
        assert hat <= needles.now.hat <= 1
