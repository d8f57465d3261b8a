"""Mixing, resampling, cutting into blocks, and the times of blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bridge.inputs.audio._blocks import Blocker, Mixer, Resampler, Schedule
from bridge.inputs.audio._times import StreamClock
from bridge.model.errors import AudioDeviceError
from bridge.model.features import HOP, SAMPLE_RATE

FRAMES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
)


def test_all_channels_are_mixed_and_picks_are_counted_from_one():
    frames = np.array([[0.2, 0.4, 0.9], [-0.2, 0.0, 0.5]], np.float32)
    assert Mixer(()).mix(frames) == pytest.approx([0.5, 0.1])
    assert Mixer((1, 2)).mix(frames) == pytest.approx([0.3, -0.1])
    assert Mixer((3,)).mix(frames) == pytest.approx([0.9, 0.5])


def test_gain_is_in_decibels_and_stops_at_full_scale():
    frames = np.array([[0.1], [-0.4]], np.float32)
    assert Mixer((), gain_db=20).mix(frames) == pytest.approx([1.0, -1.0])
    assert Mixer((), gain_db=-20).mix(frames) == pytest.approx([0.01, -0.04])


def test_a_channel_that_is_not_there_is_named():
    with pytest.raises(AudioDeviceError, match=r"Channel 3 .* only 2"):
        Mixer((1, 3)).mix(np.zeros((4, 2), np.float32))


@given(FRAMES)
def test_any_samples_become_finite_ones_and_are_counted(frames):
    mixer = Mixer(())
    mono = mixer.mix(frames)
    assert mono.shape == (len(frames),)
    assert np.all(np.abs(mono) <= 1)
    assert mixer.mended == (~np.isfinite(frames)).sum()


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000, 192000])
def test_a_sine_keeps_pitch_level_and_time(rate):
    resampler = Resampler(rate)
    t = np.arange(rate) / rate
    wave = np.sin(2 * np.pi * 1000 * t).astype(np.float32)
    pieces = [resampler.push(piece) for piece in np.array_split(wave, 77)]
    out = np.concatenate([*pieces, resampler.flush()])
    assert len(out) == pytest.approx(SAMPLE_RATE, abs=2)
    want = np.sin(2 * np.pi * 1000 * np.arange(len(out)) / SAMPLE_RATE)
    middle = slice(2000, -2000)
    assert np.abs(out[middle] - want[middle]).max() < 0.01


def test_what_no_44100_hz_stream_can_hold_does_not_fold_back():
    rate = 96000
    wave = np.sin(2 * np.pi * 30000 * np.arange(rate) / rate).astype(np.float32)
    assert np.abs(Resampler(rate).push(wave)[2000:]).max() < 0.003


def level_db(rate: int, hertz: float) -> float:
    """What a full sine of ``hertz`` at ``rate`` is at 44.1 kHz, in dB."""
    wave = np.sin(2 * np.pi * hertz * np.arange(rate) / rate).astype(np.float32)
    out = Resampler(rate).push(wave)[2000:-2000].astype(np.float64)
    return float(20 * np.log10(np.sqrt(2 * np.mean(out * out)) + 1e-12))


@pytest.mark.parametrize("rate", [8000, 16000, 48000, 96000, 192000])
def test_the_pass_band_is_flat_and_what_would_fold_back_is_gone(rate):
    top = min(rate, SAMPLE_RATE) / 2
    for hertz in (50, 1000, 0.5 * top, 0.8 * top):
        assert level_db(rate, hertz) == pytest.approx(0, abs=0.2)
    for hertz in (1.2 * top, 1.5 * top, 1.9 * top):
        if hertz < rate / 2:
            assert level_db(rate, hertz) < -80


def test_held_seconds_are_few_and_never_negative():
    resampler = Resampler(48000)
    for size in (1, 100, 555, 4096):
        resampler.push(np.zeros(size, np.float32))
        assert 0 <= resampler.held_s < 0.002


@pytest.mark.parametrize("rate", [0, -1, 999, 2_000_000])
def test_rates_that_cannot_be_are_refused(rate):
    with pytest.raises(AudioDeviceError, match="sample rate"):
        Resampler(rate)


@given(st.lists(st.integers(0, 3000), max_size=30))
def test_blocks_hold_every_sample_once_in_order_at_its_time(sizes):
    blocker = Blocker()
    samples = np.arange(sum(sizes), dtype=np.float32)
    blocks, fed = [], 0
    for size in sizes:
        fed += size
        blocks += blocker.push(samples[fed - size : fed], fed / SAMPLE_RATE)
    assert len(blocks) == fed // HOP
    for index, block in enumerate(blocks):
        assert np.array_equal(block.samples, samples[index * HOP : (index + 1) * HOP])
        assert block.t == pytest.approx((index + 1) * HOP / SAMPLE_RATE)
    last = blocker.flush()
    rest = fed % HOP
    assert (last is None) == (rest == 0)
    if last is not None:
        assert np.array_equal(last[:rest], samples[fed - rest :])
        assert not last[rest:].any()


def test_the_schedule_never_drifts_however_late_it_is_asked():
    schedule = Schedule(100.0)
    rng = np.random.default_rng(0)
    now = 100.0
    for count in range(1, 5000):
        due = schedule.next_due(now)
        assert due == pytest.approx(100 + count * HOP / SAMPLE_RATE)
        now = due + rng.uniform(0, 0.1)


def test_after_a_stall_blocks_do_not_rush_out():
    schedule = Schedule(0.0)
    schedule.next_due(0.0)
    assert schedule.next_due(30.0) == 30.0
    assert schedule.next_due(30.0) == pytest.approx(30.0 + HOP / SAMPLE_RATE)


def jitter(count: int, rate: float, sd: float, frames: int = 512) -> tuple[np.ndarray, np.ndarray]:
    truth = 50 + np.arange(1, count + 1) * frames / rate
    late = np.abs(np.random.default_rng(1).normal(0, sd, count))
    return truth, truth + late


def test_stream_times_are_smoother_than_the_calls():
    truth, calls = jitter(4000, 48000, 0.004)
    clock = StreamClock(48000)
    errors = np.array([clock.feed(512, t) for t in calls]) - truth
    settled = errors[1000:]
    assert settled.std() < 0.25 * (calls - truth).std()
    assert abs(settled.mean() - (calls - truth).mean()) < 0.001


def test_a_device_that_runs_fast_is_followed():
    truth, calls = jitter(8000, 48000 * 1.001, 0.002)
    clock = StreamClock(48000)
    errors = np.array([clock.feed(512, t) for t in calls]) - truth
    assert np.abs(errors[4000:]).max() < 0.004


def test_a_gap_starts_the_clock_anew():
    clock = StreamClock(48000)
    for n in range(100):
        clock.feed(512, n * 512 / 48000)
    assert clock.feed(512, 70.0) == 70.0


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 1e6)), max_size=50))
def test_stream_times_are_finite_and_near_the_call(chunks):
    clock = StreamClock(44100)
    for frames, t in chunks:
        assert abs(clock.feed(frames, t) - t) <= 1.0000001
