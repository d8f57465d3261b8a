"""How far the harmony moves, for chords whose changes are known, and for what has no harmony."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.inputs.audio import DEMO_SECTIONS, demo_beats, demo_track
from bridge.model.features import HOP, SAMPLE_RATE

CHORD_S = 2.0
TRIADS = ((0, 4, 7), (1, 5, 8), (7, 11, 2), (3, 7, 10), (9, 1, 4), (0, 3, 7))


def chord(pitch_classes, seconds: float, partials: int = 6) -> np.ndarray:
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    notes = [220 * 2 ** (((pitch - 9) % 12) / 12) for pitch in pitch_classes]
    wave = sum(np.sin(2 * np.pi * k * hertz * t) / k for hertz in notes for k in range(1, partials + 1))
    edge = np.minimum(np.minimum(t, seconds - t) / 0.01, 1)
    return (0.08 * wave * edge).astype(np.float32)


def drums(seconds: float) -> np.ndarray:
    """A kick every half second, noise between."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    since, off = t % 0.5, (t + 0.25) % 0.5
    kick = np.sin(2 * np.pi * (50 * since + 3 * (1 - np.exp(-since / 0.02)))) * np.exp(-since / 0.1)
    hiss = np.random.default_rng(4).standard_normal(len(t)) * np.exp(-off / 0.03)
    return (0.5 * kick + 0.15 * hiss).astype(np.float32)


def changes(heard) -> np.ndarray:
    return np.array([h.features.harmonic_change for h in heard])


def between(values: np.ndarray, start: float, end: float) -> np.ndarray:
    return values[int(start * SAMPLE_RATE / HOP) : int(end * SAMPLE_RATE / HOP)]


@pytest.mark.parametrize("beaten", [False, True], ids=["chords alone", "with drums"])
def test_it_peaks_at_each_change_of_chord_and_rests_between(listen, beaten):
    music = np.concatenate([chord(triad, CHORD_S) for triad in TRIADS])
    values = changes(listen(music + drums(len(music) / SAMPLE_RATE) if beaten else music))
    for number in range(1, len(TRIADS)):
        at = number * CHORD_S
        assert between(values, at, at + 0.5).max() > 0.4
        assert between(values, at + 0.8, at + CHORD_S).max() < 0.2
    assert 0 <= values.min() <= values.max() <= 1


def test_a_held_chord_does_not_move(listen):
    assert between(changes(listen(chord(TRIADS[0], 6.0))), 1.5, 6).max() < 0.08


def test_drums_and_noise_have_no_harmony(listen, noises):
    assert between(changes(listen(drums(8.0))), 1, 8).max() < 0.1
    for name in ("white", "pink", "silence", "whisper"):
        assert changes(listen(noises[name][: 6 * SAMPLE_RATE])).max() < 0.05, name


def test_the_chords_of_the_demo_track_are_told(listen):
    first, end = DEMO_SECTIONS["drop"]
    bars = demo_beats()[4 * first : 4 * end : 4]
    start = int(bars[0] * SAMPLE_RATE) // HOP * HOP
    values = changes(listen(demo_track()[start : int((bars[-1] + 1.9) * SAMPLE_RATE)]))
    near = [between(values, at, at + 0.5).max() for at in bars[1:] - start / SAMPLE_RATE]
    calm = [between(values, at + 0.9, at + 1.8).max() for at in bars[1:] - start / SAMPLE_RATE]
    assert min(near) > max(calm)
    assert np.median(near) > 2 * np.median(calm)
