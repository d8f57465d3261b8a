"""Times that survive lost samples, and rates that are not what the device says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inputs.audio._times import RateMeter, StreamClock

CHUNK = 480


def calls(rate: float, seconds: float, *, jitter: float = 0.0, start: float = 50.0, seed: int = 3):
    """(true, told) times of the chunks of a device that delivers ``rate`` a second; calls only come late."""
    truth = start + np.arange(1, int(seconds * rate / CHUNK) + 1) * CHUNK / rate
    late = np.abs(np.random.default_rng(seed).normal(0, jitter, len(truth))) if jitter else 0.0
    return truth, truth + late


@pytest.mark.parametrize("gap", [0.025, 0.1, 0.4])
@pytest.mark.parametrize("told", [False, True])
def test_what_was_lost_is_found_and_beats_do_not_slip(gap, told):
    clock = StreamClock(48000)
    truth, said = calls(48000, 20, jitter=0.002)
    truth[1000:] += gap
    said[1000:] += gap
    errors, missing = [], 0
    for number, (true, t) in enumerate(zip(truth, said, strict=True)):
        errors.append(clock.feed(CHUNK, t, lost=told and number == 1000) - true)
        missing += clock.missing
    assert missing / 48000 == pytest.approx(gap, abs=0.006)
    settled = 1000 + (10 if told else 30)
    assert np.abs(errors[settled:]).max() < 0.008
    assert np.abs(errors[500:1000]).max() < 0.006


def test_a_latency_that_settles_after_the_start_is_no_loss():
    clock = StreamClock(48000)
    truth, said = calls(48000, 20)
    wandering = np.interp(truth - truth[0], [1.0, 2.0], [-0.64, 0.0])
    errors = []
    for true, t in zip(truth, said + wandering, strict=True):
        errors.append(clock.feed(CHUNK, t) - true)
        assert clock.missing == 0
    assert np.abs(errors[400:]).max() < 0.016


def test_calls_that_come_late_together_are_not_believed():
    """A driver's thread that stands still for 200 ms, and then delivers all of it at once."""
    clock = StreamClock(48000)
    truth, said = calls(48000, 20)
    said[1000:1020] = truth[1020]
    errors = []
    for true, t in zip(truth, said, strict=True):
        errors.append(clock.feed(CHUNK, t) - true)
        assert clock.missing == 0
    assert np.abs(errors).max() < 0.02


@pytest.mark.parametrize(
    ("said", "real", "found"),
    [
        (48000, 44100, 44100),
        (44100, 48000, 48000),
        (48000, 48000 * 1.08, 51840),
        (48000, 48000 * 0.985, 47280),
        (44100, 88240, 88200),
        (192000, 8000, 8000),
    ],
)
def test_a_device_that_lies_about_its_rate_is_found_out(said, real, found):
    meter = RateMeter(said)
    _, times = calls(real, 12, jitter=0.003)
    changed = [t for t in times if meter.feed(CHUNK, t)]
    assert meter.rate == pytest.approx(found, rel=0.003)
    assert len(changed) == 1
    assert changed[0] - times[0] < 8


@pytest.mark.parametrize("off", [1.0, 1.0005, 0.9995, 1.004])
def test_a_crystal_that_is_a_little_off_is_no_lie(off):
    meter = RateMeter(48000)
    assert not any(meter.feed(CHUNK, t) for t in calls(48000 * off, 60, jitter=0.005)[1])
    assert meter.rate == 48000


def test_a_rate_that_changes_on_the_way_is_followed_there_and_back():
    meter = RateMeter(48000)
    start, found = 50.0, []
    for rate in (48000, 44100, 48000):
        times = calls(rate, 15, jitter=0.002, start=start)[1]
        found += [meter.rate for t in times if meter.feed(CHUNK, t)]
        start = times[-1]
    assert found == [44100, 48000]


def test_lost_samples_are_not_taken_for_another_rate():
    meter = RateMeter(48000)
    _, times = calls(48000, 60, jitter=0.002)
    late = np.cumsum(np.arange(len(times)) % 500 == 499) * 0.1
    assert not any(meter.feed(CHUNK, t) for t in times + late), "a hole of 100 ms every five seconds"
    told = np.cumsum(np.arange(len(times)) % 50 == 49) * 0.05
    assert not any(meter.feed(CHUNK, t, lost=n % 50 == 49) for n, t in enumerate(times + told))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(-1e6, 1e6), st.booleans()), max_size=100))
def test_any_times_leave_a_rate_that_can_be(chunks):
    meter, clock = RateMeter(44100), StreamClock(44100)
    for frames, t, lost in chunks:
        meter.feed(frames, t, lost=lost)
        assert np.isfinite(clock.feed(frames, t, lost=lost))
        assert 0 <= clock.missing <= 1.05 * 44100
    assert 1000 <= meter.rate <= 400_000
