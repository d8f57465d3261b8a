"""The gate, the bounded gain and what they do together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.ears import EarsSettings
from bridge.ears._dynamics import AutoGain, Gate, Smoother
from bridge.model.features import SAMPLE_RATE


def tone(level_db: float, seconds: float) -> np.ndarray:
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * 440 * t)).astype(np.float32)


def test_the_gate_opens_at_its_level_and_closes_a_while_below_the_hysteresis():
    gate = Gate(-50, 6)
    assert gate.step(-50.1)
    assert not gate.step(-50)
    assert not any(gate.step(-55) for _ in range(200)), "between the two levels it stays as it was"
    closed = [gate.step(-57) for _ in range(150)]
    assert closed.index(True) == 128, "1.5 s"


def test_the_gate_rests_at_once_while_it_is_still_open():
    gate = Gate(-50, 6)
    gate.step(-20)
    assert not gate.resting
    gate.step(-80)
    assert gate.resting
    assert not gate.closed


def test_gaps_between_kicks_do_not_close_the_gate():
    gate = Gate(-50, 6)
    states = [gate.step(-10 if hop % 86 < 4 else -90) for hop in range(400)]
    assert not any(states)


def test_sound_under_the_gate_moves_nothing(listen):
    heard = [h.features for h in listen(tone(-55, 2))]
    assert all(f.gated and f.energy == 0 and not f.onset for f in heard)
    assert heard[-1].level_db == pytest.approx(-55, abs=0.2)


def test_quiet_music_is_lifted_to_full_energy(listen):
    assert listen(tone(-35, 10))[-1].features.energy > 0.8


def test_the_lift_is_bounded(listen):
    energy = listen(tone(-45, 30), max_gain_db=10)[-1].features.energy
    most = 10 ** ((-45 + 10) / 20) / 0.15
    assert energy == pytest.approx(most, rel=0.05)


def test_gain_is_frozen_under_the_gate(listen):
    music, pause = tone(-30, 4), tone(-70, 30)
    heard = listen(np.concatenate((music, pause, music)))
    before = heard[int(3.9 * SAMPLE_RATE / 512)].features.energy
    after = heard[int(34.3 * SAMPLE_RATE / 512)].features.energy
    assert after == pytest.approx(before, rel=0.1), "the pause has not made it louder"


def test_gain_falls_at_once_and_rises_slowly():
    gain = AutoGain(0.15, 24)
    for _ in range(5000):
        quiet = gain.step(0.015)
    assert quiet == pytest.approx(10, rel=0.05)
    assert gain.step(0.15) == pytest.approx(1.0)
    assert gain.step(0.015) < 1.02


@given(st.lists(st.floats(0, 10), max_size=60), st.floats(0, 60))
def test_gain_stays_between_one_and_its_bound(levels, most_db):
    gain = AutoGain(0.15, most_db)
    assert all(1.0 <= gain.step(level) <= 10 ** (most_db / 20) * 1.000001 for level in levels)


def test_smoothing_of_no_time_is_none():
    smoother = Smoother(2, 0.0, 0.0)
    assert smoother.step([1.0, 0.2]) == [1.0, 0.2]
    assert smoother.step([0.0, 0.7]) == [0.0, 0.7]


def test_settings_say_what_is_wrong():
    with pytest.raises(ValidationError, match="twice min_bpm"):
        EarsSettings(min_bpm=100, max_bpm=150)
    with pytest.raises(ValidationError, match="brightness_max_hz"):
        EarsSettings(brightness_min_hz=900, brightness_max_hz=800)
