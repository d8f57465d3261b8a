"""What the features say of sounds whose nature is known."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bridge.ears import Ears, EarsSettings
from bridge.model.features import BAND_EDGES_HZ, BANDS, HOP, SAMPLE_RATE, AudioBlock, Features

SECONDS = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
UNITS = (
    *("energy", "energy_peak", "energy_long", "brightness", "texture", "low", "mid", "high"),
    *("kick", "snare", "hat", "harmonic_change", "build_up"),
)


def sine(hertz: float, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * SECONDS)).astype(np.float32)


def noise(rms: float = 0.1) -> np.ndarray:
    return (rms * np.random.default_rng(3).standard_normal(len(SECONDS))).astype(np.float32)


def test_level_is_dbfs_of_the_rms(listen):
    assert listen(sine(440, 1.0))[-1].features.level_db == pytest.approx(-3.01, abs=0.1)
    assert listen(np.sign(sine(86.13)))[-1].features.level_db == pytest.approx(0.0, abs=0.1)
    assert listen(sine(440, 0.1))[-1].features.level_db == pytest.approx(-23.01, abs=0.1)


def test_silence_is_at_rest_and_gated(listen):
    last = listen(np.zeros(SAMPLE_RATE, np.float32))[-1].features
    assert last == Features(t=last.t, level_db=-120.0, gated=True)


@pytest.mark.parametrize("hertz", [300, 1000, 3000, 5500])
def test_brightness_of_a_sine_is_where_it_lies_between_100_and_6000_hz(listen, hertz):
    last = listen(sine(hertz))[-1].features
    assert last.brightness == pytest.approx((hertz - 100) / 5900, abs=0.02)
    assert last.texture < 0.05


def test_noise_is_bright_and_rough(listen):
    last = listen(noise())[-1].features
    assert last.brightness > 0.95
    assert last.texture > 0.95


@pytest.mark.parametrize(("hertz", "band"), [(80, "low"), (800, "mid"), (8000, "high")])
def test_a_sine_fills_its_own_band_alone(listen, hertz, band):
    last = listen(sine(hertz))[-1].features
    assert getattr(last, band) > 0.95
    assert all(getattr(last, other) < 0.15 for other in {"low", "mid", "high"} - {band})


@pytest.mark.parametrize("number", range(BANDS))
def test_a_sine_fills_its_own_of_the_eight_bands(listen, number):
    hertz = math.sqrt(BAND_EDGES_HZ[number] * BAND_EDGES_HZ[number + 1])
    last = listen(sine(hertz, 0.2))[-1].features
    assert last.bands[number] > 0.9
    assert max(range(BANDS), key=last.raw.bands.__getitem__) == number
    assert last.raw.bands[number] == pytest.approx(0.2 / math.sqrt(2), rel=0.15)


def test_raw_values_are_as_measured(listen):
    loud, quiet = (listen(sine(1000, amplitude))[-1].features for amplitude in (0.4, 0.04))
    assert loud.raw.rms == pytest.approx(0.4 / math.sqrt(2), rel=0.01)
    assert quiet.raw.rms == pytest.approx(0.04 / math.sqrt(2), rel=0.01)
    assert quiet.raw.mid == pytest.approx(loud.raw.mid / 10, rel=0.01)
    assert quiet.raw.centroid_hz == pytest.approx(1000, abs=20)
    assert quiet.raw.flatness < 0.05
    assert listen(noise())[-1].features.raw.flatness > 0.5


def test_peak_is_dbfs_of_the_highest_sample(listen):
    samples = np.zeros(2 * HOP, np.float32)
    samples[HOP + 3] = -0.5
    first, second = (h.features.peak_db for h in listen(samples))
    assert (first, second) == (-120.0, pytest.approx(-6.02, abs=0.01))


def test_energy_peak_holds_the_highest_energy_of_ten_hops(listen):
    heard = [h.features for h in listen(np.concatenate((sine(440)[: HOP * 40], np.zeros(HOP * 40, np.float32))))]
    for index, now in enumerate(heard):
        assert now.energy_peak == max(f.energy for f in heard[max(0, index - 9) : index + 1])


def test_bands_are_normalised_each_against_its_own_peak(listen):
    last = listen(sine(80, 0.5) + sine(8000, 0.03))[-1].features
    assert last.low > 0.9
    assert last.high > 0.9


def test_energy_reaches_its_ceiling_at_an_rms_of_015_and_stays_below_one_when_louder(listen):
    exact = listen(sine(440, 0.15 * math.sqrt(2)))[-1].features.energy
    assert exact == pytest.approx(1 / 1.12, abs=0.02)
    assert listen(sine(440, 1.0))[-1].features.energy == pytest.approx(1 / 1.12, abs=0.02)


def test_energy_follows_the_music_within_the_adaptive_ceiling(listen):
    swell = sine(440, 0.9)
    swell[SAMPLE_RATE : 2 * SAMPLE_RATE] *= 0.25
    energy = [heard.features.energy for heard in listen(swell)]
    loud, quiet = energy[80], energy[160]
    assert quiet < 0.5 * loud


def test_energy_rise_is_the_change_since_the_hop_before(listen):
    heard = [h.features for h in listen(np.concatenate((np.zeros(SAMPLE_RATE, np.float32), sine(440))))]
    for before, now in pairwise(heard):
        assert now.energy_rise == pytest.approx(now.energy - before.energy)
    assert max(f.energy_rise for f in heard) > 0.3


def test_a_release_is_slower_than_an_attack(listen):
    burst = np.concatenate((np.zeros(HOP * 20), sine(440)[: HOP * 20], np.full(HOP * 60, 0.0))).astype(np.float32)
    energy = [h.features.energy for h in listen(burst, attack_ms=5, release_ms=300)]
    top = max(energy)
    rising = sum(0.1 * top < value < 0.9 * top for value in energy[:40])
    falling = sum(0.1 * top < value < 0.9 * top for value in energy[40:])
    assert falling > 5 * max(rising, 1)


def test_a_constant_offset_is_no_sound(listen):
    features = listen(np.full(5 * SAMPLE_RATE, 0.5, np.float32))[-1].features
    assert features.gated
    assert features.energy < 0.01
    assert features.level_db == pytest.approx(-6.02, abs=0.05)


def test_an_offset_changes_no_feature(listen):
    plain, shifted = (listen(sine(1000, 0.3) + np.float32(offset))[-1].features for offset in (0.0, 0.4))
    for name in set(UNITS) - {"energy_long"}:  # which remembers the half second until the offset was known
        assert getattr(shifted, name) == pytest.approx(getattr(plain, name), abs=0.02)


def test_full_scale_lights_the_clip_lamp_for_half_a_second(listen):
    samples = sine(100, 0.5)
    samples[HOP * 10 + 5 : HOP * 10 + 8] = 1.0
    lit = [h.features.clipping for h in listen(samples)]
    assert lit.index(True) == 10
    assert sum(lit) == pytest.approx(43, abs=1)


def test_one_sample_at_full_scale_is_no_clipping(listen):
    samples = sine(100, 0.5)
    samples[HOP * 10] = 1.0
    assert not any(h.features.clipping for h in listen(samples))


def test_square_at_full_scale_is_sane(listen):
    last = listen(np.sign(sine(86.13)))[-1].features
    assert last.clipping
    assert all(0 <= getattr(last, name) <= 1 for name in UNITS)


def test_a_block_of_another_size_is_refused():
    with pytest.raises(ValueError, match="512"):
        Ears(EarsSettings()).push(AudioBlock(0.0, np.zeros(511, np.float32)))


def test_the_same_samples_give_the_same_features(listen):
    assert listen(noise()) == listen(noise())


ANY_BLOCK = arrays(np.float32, HOP, elements=st.floats(width=32, allow_nan=True, allow_infinity=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_BLOCK, min_size=1, max_size=4))
def test_features_stay_in_bounds_for_any_samples(blocks):
    ears = Ears(EarsSettings(gate_db=-90))
    for index, samples in enumerate(blocks):
        heard = ears.push(AudioBlock(float(index), samples)).features
        assert all(0.0 <= getattr(heard, name) <= 1.0 for name in UNITS)
        assert all(0.0 <= value <= 1.0 for value in heard.bands)
        assert len(heard.bands) == len(heard.onset_bands) == len(heard.raw.bands) == BANDS
        assert -1.0 <= heard.energy_rise <= 1.0
        assert all(math.isfinite(value) and value >= 0 for value in dataclasses.astuple(heard.raw)[:-1])
        assert all(0.0 <= value <= 1.0 for value in heard.raw.bands)
        assert -120.0 <= heard.peak_db <= 0.0
        assert -120.0 <= heard.level_db <= 0.01


def test_what_is_no_number_is_heard_as_silence_and_counted(listen):
    ears = Ears(EarsSettings())
    bad = np.full(HOP * 4, np.nan, np.float32)
    bad[::2] = np.inf
    heard = listen(bad, ears=ears)
    assert ears.mended == 4
    assert heard[-1].features.level_db == -120.0
    assert listen(sine(440), ears=ears)[-1].features.energy > 0.5
