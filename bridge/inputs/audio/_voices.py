"""The demo track's instruments: every function renders one sound, float32, peak about 1.

Band-limited waves come from one-cycle tables that are read with a running phase: a table look-up costs a
tenth of summing sines, and the whole track has to be ready in a fraction of a second.
"""

from __future__ import annotations

__all__ = ["clap", "hat", "kick", "noise_sweep", "pluck", "saw_chord", "sub_bass"]

from functools import cache

import numpy as np
import numpy.typing as npt

from bridge.model.features import SAMPLE_RATE

Wave = npt.NDArray[np.float32]

_TABLE = 4096


def _seconds(samples: int) -> Wave:
    return np.asarray(np.arange(samples) / SAMPLE_RATE, dtype=np.float32)


def _decay(samples: int, seconds: float) -> Wave:
    return np.asarray(np.exp(_seconds(samples) / np.float32(-seconds)), dtype=np.float32)


def _unit(wave: npt.NDArray[np.floating]) -> Wave:
    return np.asarray(wave / max(float(np.abs(wave).max()), 1e-9), dtype=np.float32)


def frequency_of(note: int) -> float:
    """Hertz of a MIDI note number."""
    return float(440.0 * 2.0 ** ((note - 69) / 12))


@cache
def _saw_table(harmonics: int) -> Wave:
    phase = np.arange(_TABLE) * (2 * np.pi / _TABLE)
    # Sigma factors smooth the ringing that cutting the series off would leave.
    total = sum(np.sinc(k / (harmonics + 1)) * np.sin(k * phase) / k for k in range(1, harmonics + 1))
    return _unit(np.asarray(total, dtype=np.float32))


def _saw(hertz: float, samples: int, brightness_hz: float, start: float = 0.0) -> Wave:
    table = _saw_table(max(1, min(int(brightness_hz / hertz), 64)))
    phase = np.arange(samples, dtype=np.float64) * (hertz / SAMPLE_RATE * _TABLE) + start * _TABLE
    return np.asarray(table[phase.astype(np.int64) & (_TABLE - 1)])


def _banded_noise(samples: int, low_hz: float, high_hz: float, rng: np.random.Generator) -> Wave:
    spectrum = np.fft.rfft(rng.standard_normal(samples, dtype=np.float32))
    hertz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    spectrum *= (hertz >= low_hz) & (hertz < high_hz)
    return _unit(np.fft.irfft(spectrum, samples).astype(np.float32))


def kick(rng: np.random.Generator) -> Wave:
    """A falling sine with a click: 0.3 s, from 180 Hz down to 48 Hz."""
    samples = int(0.3 * SAMPLE_RATE)
    t = _seconds(samples)
    phase = 2 * np.pi * (48 * t + 132 * 0.028 * (1 - np.exp(-t / 0.028)))
    body = np.cos(phase) * _decay(samples, 0.11)
    click = _banded_noise(samples, 1500, 9000, rng) * _decay(samples, 0.004)
    fade = np.clip((samples - np.arange(samples)) / 800, 0, 1)
    return _unit((np.tanh(1.6 * body) + 0.5 * click) * fade)


def hat(rng: np.random.Generator, *, is_open: bool) -> Wave:
    """Noise above 7 kHz, short when closed, long when open."""
    samples = int((0.22 if is_open else 0.07) * SAMPLE_RATE)
    return _unit(_banded_noise(samples, 7000, 16000, rng) * _decay(samples, 0.07 if is_open else 0.015))


def clap(rng: np.random.Generator) -> Wave:
    """Three quick bursts of noise around 1.5 kHz and a short room."""
    samples = int(0.2 * SAMPLE_RATE)
    noise = _banded_noise(samples, 900, 5000, rng)
    envelope = 0.55 * _decay(samples, 0.06)
    for burst in range(3):
        start = int(burst * 0.009 * SAMPLE_RATE)
        envelope[start:] += _decay(samples - start, 0.004)
    return _unit(noise * envelope)


@cache
def sub_bass(note: int, samples: int) -> Wave:
    """A round saw with a plucked envelope; ends in a fade so that notes never click."""
    hertz = frequency_of(note)
    soft, bright = _saw(hertz, samples, 3 * hertz), _saw(hertz, samples, 900)
    wave = soft + bright * _decay(samples, 0.07)
    fade = np.clip((samples - np.arange(samples, dtype=np.float32)) / 600, 0, 1)
    attack = np.clip(np.arange(samples, dtype=np.float32) / 120, 0, 1)
    return _unit(np.tanh(wave) * fade * attack)


@cache
def saw_chord(notes: tuple[int, ...], samples: int, brightness_hz: float) -> Wave:
    """Two detuned saws per note, as a pad; in and out over 20 ms."""
    wave = np.zeros(samples, np.float32)
    for index, note in enumerate(notes):
        for side, detune in ((0.13, 0.9965), (0.61, 1.0035)):
            wave += _saw(frequency_of(note) * detune, samples, brightness_hz, start=side + 0.17 * index)
    edge = int(0.02 * SAMPLE_RATE)
    ramp = np.clip(np.minimum(np.arange(samples), samples - np.arange(samples)) / edge, 0, 1)
    return _unit(wave * ramp.astype(np.float32))


@cache
def pluck(note: int) -> Wave:
    """A bright short note with a soft attack."""
    samples = int(0.45 * SAMPLE_RATE)
    hertz = frequency_of(note)
    wave = _saw(hertz, samples, 2 * hertz) + _saw(hertz, samples, 5000) * _decay(samples, 0.05)
    attack = np.clip(np.arange(samples, dtype=np.float32) / 100, 0, 1)
    return _unit(wave * _decay(samples, 0.13) * attack)


def noise_sweep(samples: int, rng: np.random.Generator, *, rising: bool) -> Wave:
    """Noise whose colour climbs from 300 Hz to 12 kHz (or falls): five bands that fade into each other."""
    edges = np.geomspace(300, 12000, 6)
    position = np.linspace(0, 4, samples, dtype=np.float32)
    wave = np.zeros(samples, np.float32)
    for band in range(5):
        weight = np.clip(1 - np.abs(position - band), 0, 1)
        wave += _banded_noise(samples, edges[band], edges[band + 1], rng) * weight
    loudness = np.linspace(0.05, 1, samples, dtype=np.float32) ** 2
    wave = _unit(wave * loudness)
    return wave if rising else wave[::-1].copy()
