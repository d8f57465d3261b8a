"""The figures of inputs section 2.1, on the same signals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.tempo.ticks import DelayLockedLoop, TickFilter, fit_line

CAPTURE = Path(__file__).parents[1] / "fixtures" / "captures" / "midi_jack_midi_clock.json"


def tempo_after_each(times: np.ndarray) -> np.ndarray:
    ticks = TickFilter()
    bpm = []
    for t in times:
        ticks.feed(float(t))
        bpm.append(60.0 / (24 * ticks.period) if ticks.period else np.nan)
    return np.array(bpm)


def jittered(bpm: float, beats: int, sd_s: float, seed: int, start: float = 0.0) -> np.ndarray:
    times = start + np.arange(1, beats * 24 + 1) * 60.0 / bpm / 24
    return np.maximum.accumulate(times + np.random.default_rng(seed).normal(0.0, sd_s, len(times)))


def test_line_through_exact_ticks_is_exact() -> None:
    period, last = fit_line(5.0 + 0.25 * np.arange(9))
    assert period == pytest.approx(0.25)
    assert last == pytest.approx(7.0)


def test_loop_keeps_a_perfect_clock_perfect() -> None:
    loop = DelayLockedLoop(0.0, 0.02)
    for i in range(1, 500):
        loop.feed(i * 0.02)
    assert loop.period == pytest.approx(0.02)
    assert loop.t == pytest.approx(499 * 0.02)


@pytest.mark.parametrize(("jitter_s", "most_sd"), [(0.001, 0.02), (0.003, 0.05)])
def test_jitter_is_smoothed_after_eight_beats(jitter_s: float, most_sd: float) -> None:
    settled = tempo_after_each(jittered(128.0, 64, jitter_s, seed=1))[8 * 24 :]
    assert settled.std() <= most_sd
    assert abs(settled.mean() - 128.0) < 0.02


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("jitter_s", [0.001, 0.003])
@pytest.mark.parametrize("to_bpm", [128.0, 112.0, 90.0, 174.0])
def test_step_of_tempo_is_followed_within_five_beats(seed: int, jitter_s: float, to_bpm: float) -> None:
    before = jittered(120.0, 24, jitter_s, seed)
    after = jittered(to_bpm, 24, jitter_s, seed + 100, start=float(before[-1]))
    bpm = tempo_after_each(np.concatenate([before, after]))[len(before) :]
    assert np.all(np.abs(bpm[5 * 24 :] - to_bpm) <= 0.5)


def test_recorded_clock_stays_calm() -> None:
    packets = json.loads(CAPTURE.read_text(encoding="utf-8"))["packets"]
    until_stop = [p["t"] for p in packets[: [p["hex"] for p in packets].index("fc")] if p["hex"] == "f8"]
    bpm = tempo_after_each(np.array(until_stop))[48:]
    assert bpm.std() <= 0.6
    assert np.abs(bpm - 128.0).max() <= 1.5


def test_one_stall_of_the_sender_is_no_change_of_tempo() -> None:
    times = jittered(128.0, 32, 0.001, seed=3)
    times[300:] += 0.018
    bpm = tempo_after_each(times)
    assert np.abs(bpm[300 + 24 * 2 :] - 128.0).max() < 0.5


@given(st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=300))
def test_any_rising_times_are_taken(gaps: list[float]) -> None:
    ticks = TickFilter()
    t = 0.0
    for gap in gaps:
        t += gap
        ticks.feed(t)
        assert np.isfinite(ticks.t)
        assert ticks.period is None or (ticks.period > 0 and np.isfinite(ticks.period))
        assert ticks.rms >= 0
