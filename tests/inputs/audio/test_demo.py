"""The demo track: its truth is exact, it loops, it is the same every time."""

from __future__ import annotations

import wave

import numpy as np

from bridge.inputs.audio import DEMO_BPM, DEMO_SECTIONS, demo_beats, demo_track, write_wav
from bridge.model.features import HOP, SAMPLE_RATE


def rms_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))))


def section(name: str) -> np.ndarray:
    first, end = DEMO_SECTIONS[name]
    bar = len(demo_track()) // 32
    return demo_track()[first * bar : end * bar]


def test_is_a_minute_of_whole_blocks_within_full_scale():
    track = demo_track()
    assert track.dtype == np.float32
    assert 55 < len(track) / SAMPLE_RATE < 70
    assert len(track) % HOP == 0
    assert 0.8 < np.abs(track).max() < 0.9
    assert abs(float(track.mean())) < 0.005


def test_is_rendered_alike_every_time():
    first = demo_track()
    demo_track.cache_clear()
    assert np.array_equal(first, demo_track())


def test_beats_are_at_a_constant_tempo_through_the_whole_loop():
    beats = demo_beats()
    assert len(beats) == 128
    assert np.allclose(np.diff(beats), 60 / DEMO_BPM)
    assert np.isclose(beats[-1] + 60 / DEMO_BPM, len(demo_track()) / SAMPLE_RATE)


def test_kicks_stand_exactly_on_the_beats():
    track = demo_track()
    for beat in demo_beats()[:8]:
        at = round(beat * SAMPLE_RATE)
        before = track[max(at - 200, 0) : at] if at else track[-200:]
        assert np.abs(track[at : at + 200]).max() > 3 * np.abs(before).max()


def test_sections_are_what_they_say():
    assert list(DEMO_SECTIONS) == ["intro", "groove", "build", "drop", "breakdown", "second drop", "outro"]
    bounds = [bar for pair in DEMO_SECTIONS.values() for bar in pair]
    assert bounds == sorted(bounds)
    assert bounds[-1] == 32
    assert rms_db(section("drop")) > rms_db(section("breakdown")) + 6

    def deep(samples: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(samples))
        return float(spectrum[: int(len(samples) * 90 / SAMPLE_RATE)].sum() / spectrum.sum())

    assert deep(section("breakdown")) < 0.2 * deep(section("drop")), "no kick in the breakdown"


def test_the_end_joins_the_beginning():
    track = demo_track()
    steps = np.abs(np.diff(np.concatenate((track[-2000:], track[:1]))))
    assert steps[-1] <= steps.max()
    assert abs(float(track[-1])) < 0.1


def test_the_wav_holds_the_same_samples(tmp_path):
    write_wav(tmp_path / "demo.wav")
    with wave.open(str(tmp_path / "demo.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, SAMPLE_RATE, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.allclose(pcm / 32767, demo_track(), atol=1 / 32000)
