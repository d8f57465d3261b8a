"""Pitched sounds: each part of a song draws an instrument, a function from frequency to a one-shot."""

from __future__ import annotations

import numpy as np

from training.drums import SR, band


def _envelope(rng, n, kind):
    t = np.arange(n) / SR
    if kind == "pluck":
        return np.minimum(t / rng.uniform(0.0005, 0.006), 1) * np.exp(-t / rng.uniform(0.08, 0.7))
    if kind == "pad":
        rise = rng.uniform(0.05, 0.5)
        return np.minimum(t / rise, 1)
    if kind == "soft":
        return np.minimum(t / rng.uniform(0.02, 0.09), 1) * (0.6 + 0.4 * np.exp(-t / 0.2))
    sustain = rng.uniform(0.3, 1)
    return np.minimum(t / rng.uniform(0.001, 0.015), 1) * (
        sustain + (1 - sustain) * np.exp(-t / rng.uniform(0.03, 0.3))
    )


def _darker(y, corner):
    return band(y, 0, corner, 1)


def instrument(rng, kind, seconds=2.0):
    """Draw an instrument; ``kind`` is its envelope: pluck, hold, soft or pad. The result takes hertz."""
    n = int(seconds * SR)
    t = np.arange(n) / SR
    env = _envelope(rng, n, kind)
    vibrato = 1 + (rng.uniform(0.001, 0.012) * np.sin(2 * np.pi * rng.uniform(3, 7) * t) if rng.random() < 0.3 else 0)
    cut, cut_tau = rng.uniform(300, 9000), rng.uniform(0.02, 0.5)
    filtered = rng.random() < 0.6
    shape = rng.choice(
        ["saw", "pulse", "super", "fm", "fm", "organ", "string", "bell", "triangle", "sine", "voice", "chop"]
    )
    detunes, partials = rng.uniform(0.992, 1.008, 5), rng.uniform(0, 1, 9) ** 2
    width, ratio, index = rng.uniform(0.08, 0.5), rng.choice([0.5, 1, 1, 2, 2, 3, 3.5, 4, 7, 1.41]), rng.uniform(0.5, 8)
    index_tau, floor = rng.uniform(0.03, 0.6), rng.uniform(0, 0.5)
    stretch, damp = rng.uniform(1.9, 2.9), rng.uniform(0.3, 0.5)
    formants = rng.uniform((300, 900, 2200), (900, 2200, 3500))
    grain = rng.standard_normal(n)
    seed = int(rng.integers(1 << 31))

    def play(hertz):
        phase = 2 * np.pi * np.cumsum(hertz * vibrato * np.ones(n)) / SR
        turn = phase / (2 * np.pi)
        if shape == "saw":
            y = 2 * (turn % 1) - 1
        elif shape == "pulse":
            y = np.where(turn % 1 < width, 1.0, -1.0)
        elif shape == "super":
            y = sum(2 * ((turn * d) % 1) - 1 for d in detunes) / 3
        elif shape == "fm":
            y = np.sin(phase + index * (floor + np.exp(-t / index_tau)) * np.sin(phase * ratio))
        elif shape == "organ":
            y = sum(a * np.sin(phase * (k + 1)) for k, a in enumerate(partials) if hertz * (k + 1) < 18000)
        elif shape == "string":
            y = _karplus(hertz, n, damp, seed)
        elif shape == "bell":
            y = sum(a * np.sin(phase * (k + 1) ** (stretch / 2)) * np.exp(-t * k * 2) for k, a in enumerate(partials))
        elif shape == "triangle":
            y = np.round((4 * np.abs(turn % 1 - 0.5) - 1) * 8) / 8
        elif shape == "sine":
            y = np.sin(phase) + 0.2 * np.sin(2 * phase)
        elif shape == "voice":
            y = sum(band(2 * (turn % 1) - 1, f * 0.9, f * 1.1) for f in formants)
        else:
            y = grain * 0.3 + np.sin(phase) * np.sin(2 * np.pi * 6 * t)
            y = band(y, 200, min(hertz * 6 + 800, 12000))
        if filtered:
            dark = _darker(y, cut)
            y = dark + (y - dark) * np.exp(-t / cut_tau)
        y = y * env
        return (y / (np.abs(y).max() + 1e-6)).astype(np.float32)

    return play


def chip(rng, seconds=1.5):
    """A chip's arpeggio: a chord told as notes of a fiftieth of a second. Takes a list of hertz."""
    n = int(seconds * SR)
    step = int(SR / rng.choice([50, 60, 25, 33]))
    width = rng.choice([0.125, 0.25, 0.5])
    env = _envelope(rng, n, rng.choice(["pluck", "hold"]))

    def play(chord):
        which = (np.arange(n) // step) % len(chord)
        turn = np.cumsum(np.array(chord)[which]) / SR
        return (np.where(turn % 1 < width, 0.7, -0.7) * env).astype(np.float32)

    return play


def _karplus(hertz, n, damp, seed):
    period = max(int(SR / hertz), 2)
    ring = np.random.default_rng(seed).uniform(-1, 1, period)
    rounds = []
    for _ in range(n // period + 1):
        rounds.append(ring)
        ring = (1 - damp) * ring + damp * np.roll(ring, 1)
        ring = ring * 0.998
    return np.concatenate(rounds)[:n]
