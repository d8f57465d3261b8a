"""Where sounds start, overall and per band."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.inputs.audio import DEMO_SECTIONS, demo_beats, demo_track
from bridge.model.features import SAMPLE_RATE


def times(heard, name="onset"):
    return np.array([h.features.t for h in heard if getattr(h.features, name)])


def bursts(hertz: float, every: float, seconds: float, level: float = 0.5) -> np.ndarray:
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    since = t % every
    wave = np.sin(2 * np.pi * hertz * since) * np.exp(-since / 0.05) * np.clip(since / 0.002, 0, 1)
    return (level * wave).astype(np.float32)


@pytest.mark.parametrize(("hertz", "band"), [(80, "onset_low"), (900, "onset_mid"), (7000, "onset_high")])
def test_each_burst_starts_once_in_its_band_within_30_ms(listen, hertz, band):
    heard = listen(bursts(hertz, 0.4, 8.0))
    found = times(heard, band)
    truth = np.arange(1, 20) * 0.4
    assert all(((found > start) & (found < start + 0.03)).sum() == 1 for start in truth)
    assert len(found) <= 20


@pytest.mark.parametrize(("number", "hertz"), [*enumerate((40, 100, 260, 650, 1600, 3600, 7000, 12000), 1)])
def test_each_burst_starts_once_in_its_own_of_the_eight_bands(listen, number, hertz):
    heard = listen(bursts(hertz, 0.4, 8.0))
    found = np.array([h.features.t for h in heard if h.features.onset_bands[number - 1]])
    truth = np.arange(1, 20) * 0.4
    assert all(((found > start) & (found < start + 0.03)).sum() == 1 for start in truth)
    assert len(found) <= 20


def test_quiet_bursts_are_found_as_well_as_loud_ones(listen):
    found = times(listen(bursts(900, 0.4, 20.0, level=0.02)))
    assert (found > 8).sum() == pytest.approx(30, abs=2)


def test_a_steady_tone_starts_once(listen):
    t = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    assert len(times(listen((0.4 * np.sin(2 * np.pi * 300 * t)).astype(np.float32)))) == 1


def test_steady_noise_hardly_ever_starts(listen, noises):
    for name in ("white", "pink", "hum", "pad", "silence"):
        heard = listen(noises[name])
        for band in ("onset", "onset_low", "onset_mid", "onset_high"):
            assert len(times(heard, band)) <= 12, (name, band)
        of_eight = np.sum([h.features.onset_bands for h in heard], axis=0)
        assert of_eight.max() <= 14, (name, of_eight)


def test_kicks_stand_out_from_the_bass_of_the_demo_track(listen):
    first, end = DEMO_SECTIONS["groove"]
    beats = demo_beats()[: end * 4]
    heard = listen(demo_track()[: int(beats[-1] * SAMPLE_RATE)])
    low = times(heard, "onset_low")
    hits = [bool(((low > beat) & (low < beat + 0.05)).any()) for beat in beats[first * 4 : -1]]
    assert np.mean(hits) > 0.8


def test_starts_rest_for_80_ms(listen):
    rng = np.random.default_rng(0)
    clicks = np.zeros(5 * SAMPLE_RATE, np.float32)
    clicks[rng.integers(0, len(clicks), 400)] = 1.0
    gaps = np.diff(times(listen(clicks)))
    assert gaps.min() > 0.08
