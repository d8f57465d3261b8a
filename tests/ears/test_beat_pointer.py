"""The pointer, the keeper and the bar counter on activations made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.ears._dynamics import HOP_S
from bridge.ears._keeper import BeatKeeper
from bridge.ears._pointer import BeatPointer

LATE_S = 2.5 * HOP_S
NO_TONES = np.zeros(1025, np.float32)


def activations(times, seconds):
    """What a perfect net would say of beats at these times: a bump 29 ms after each."""
    ends = (np.arange(int(seconds / HOP_S)) + 1) * HOP_S
    away = np.abs(ends[:, None] - np.asarray(times)[None, :] - LATE_S).min(axis=1) / HOP_S
    return np.maximum(1 - away / 1.6, 0.01)


def told(keeper, strengths):
    beats = []
    for n, strength in enumerate(strengths, start=1):
        track = keeper.step(float(strength), 0.0, NO_TONES)
        if track.confidence > 0.2:
            beats += [n * HOP_S + beat.offset for beat in track.beats]
    return np.array(beats), track


@pytest.mark.parametrize("bpm", [84.0, 101.7, 128.0, 176.0])
def test_clean_activations_give_beats_within_milliseconds(bpm):
    times = np.arange(0.3, 20, 60 / bpm)
    beats, track = told(BeatKeeper(80, 180), activations(times, 20))
    late = beats[beats > 5]
    errors = np.abs(late[:, None] - times[None, :]).min(axis=1)
    assert np.percentile(errors, 95) < 0.008
    assert len(late) == pytest.approx((times > 5).sum(), abs=1)
    assert track.bpm == pytest.approx(bpm, rel=0.005)


def test_missing_activations_are_bridged():
    times = np.arange(0.3, 16, 0.5)
    heard = np.delete(times, [9, 13, 14, 20])
    beats, _ = told(BeatKeeper(80, 180), activations(heard, 16))
    after = times[(times > 3) & (times < 15.8)]
    assert np.abs(after[:, None] - beats[None, :]).min(axis=1).max() < 0.02


def test_a_new_tempo_is_followed_within_three_seconds():
    first = np.arange(0.3, 10, 60 / 100)
    second = np.arange(first[-1] + 60 / 132, 20, 60 / 132)
    beats, track = told(BeatKeeper(80, 180), activations(np.concatenate((first, second)), 20))
    settled = second[second > second[0] + 3]
    assert np.abs(settled[:-1, None] - beats[None, :]).min(axis=1).max() < 0.02
    assert track.bpm == pytest.approx(132, rel=0.01)


def test_no_activation_gives_no_beats():
    beats, track = told(BeatKeeper(80, 180), np.full(1500, 0.02))
    assert not len(beats)
    assert track.confidence < 0.1


def test_hits_out_of_time_are_no_beats():
    """However strong each one is, nobody could have foretold it."""
    times = np.cumsum(np.random.default_rng(3).exponential(0.45, 200))
    beats, _ = told(BeatKeeper(80, 180), activations(times[times < 60], 60))
    steady, _ = told(BeatKeeper(80, 180), activations(np.arange(0.3, 60, 0.45), 60))
    assert (beats > 10).sum() < 30
    assert (steady > 10).sum() > 100


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1e-9, 0.1, 0.5, 0.99, 1.0]), min_size=1, max_size=150))
def test_any_activations_leave_a_sane_position(strengths):
    pointer = BeatPointer(80, 180)
    for strength in strengths:
        position = pointer.step(strength)
        assert 0 <= position.phase < 1
        assert 60 / 190 < position.period * HOP_S < 60 / 75
        assert 0 <= position.certainty <= 1
