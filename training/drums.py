"""Drum sounds, each song with a kit of its own. All one-shots at 44.1 kHz, peak about 1."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

SR = 44100


def band(y, low, high, order=2):
    """Keep ``low``..``high`` hertz; 0 or None leaves an end open."""
    if low and high:
        sos = butter(order, [low, min(high, 21000)], "bandpass", fs=SR, output="sos")
    elif low:
        sos = butter(order, low, "highpass", fs=SR, output="sos")
    else:
        sos = butter(order, min(high, 21000), "lowpass", fs=SR, output="sos")
    return sosfilt(sos, y)


def _t(seconds):
    return np.arange(int(seconds * SR)) / SR


def _peak(y):
    return y / (np.abs(y).max() + 1e-9)


def _fade(y):
    n = min(400, len(y) // 4)
    y[-n:] *= np.linspace(1, 0, n)
    return y


def kick(rng):
    t = _t(rng.uniform(0.12, 0.7))
    f0, drop, tau = rng.uniform(38, 70), rng.uniform(1, 9), rng.uniform(0.006, 0.06)
    f = f0 * (1 + drop * np.exp(-t / tau))
    y = np.sin(2 * np.pi * np.cumsum(f) / SR) * np.exp(-t / rng.uniform(0.05, 0.3))
    click = rng.standard_normal(len(t)) * np.exp(-t / rng.uniform(0.001, 0.008))
    y += rng.uniform(0, 0.5) * click
    if rng.random() < 0.3:
        y += 0.4 * band(rng.standard_normal(len(t)), 0, rng.uniform(200, 1200)) * np.exp(-t / 0.05)
    return np.tanh(y * rng.choice([1, 1, 2, 6])) if rng.random() < 0.6 else y


def snare(rng):
    t = _t(rng.uniform(0.1, 0.45))
    f = rng.uniform(140, 320)
    tone = np.sin(2 * np.pi * np.cumsum(f * (1 + 0.5 * np.exp(-t / 0.01))) / SR) * np.exp(-t / rng.uniform(0.03, 0.12))
    noise = band(rng.standard_normal(len(t)), rng.uniform(300, 2500), rng.uniform(6000, 16000))
    noise *= np.exp(-t / rng.uniform(0.03, 0.18))
    return rng.uniform(0, 1) * tone + rng.uniform(0.4, 1.2) * noise


def clap(rng):
    t = _t(rng.uniform(0.15, 0.45))
    noise = band(rng.standard_normal(len(t)), rng.uniform(500, 1200), rng.uniform(3000, 9000))
    env = np.exp(-t / rng.uniform(0.04, 0.15)) * 0.7
    for k in range(rng.integers(1, 5)):
        start = k * rng.uniform(0.007, 0.014)
        env = np.maximum(env, np.where(t >= start, np.exp(-(t - start) / 0.006), 0))
    return noise * env


def rim(rng):
    t = _t(0.08)
    f = rng.uniform(400, 2200)
    return (np.sin(2 * np.pi * f * t) + 0.6 * np.sin(2 * np.pi * f * 1.51 * t)) * np.exp(-t / rng.uniform(0.008, 0.03))


def _metal(rng, t):
    if rng.random() < 0.5:
        return rng.standard_normal(len(t))
    f = rng.uniform(200, 800)
    return sum(np.sign(np.sin(2 * np.pi * f * r * t)) for r in rng.uniform(1, 6, 6)) / 3


def hat(rng):
    t = _t(rng.uniform(0.03, 0.12))
    return band(_metal(rng, t), rng.uniform(3000, 9000), 0) * np.exp(-t / rng.uniform(0.008, 0.04))


def openhat(rng):
    t = _t(rng.uniform(0.2, 0.6))
    return band(_metal(rng, t), rng.uniform(3000, 8000), 0) * np.exp(-t / rng.uniform(0.08, 0.25))


def ride(rng):
    t = _t(rng.uniform(0.4, 1.2))
    ping = np.sin(2 * np.pi * rng.uniform(2500, 5000) * t) * np.exp(-t / 0.1)
    return 0.5 * band(_metal(rng, t), 2500, 0) * np.exp(-t / rng.uniform(0.1, 0.5)) + rng.uniform(0, 0.6) * ping


def crash(rng):
    t = _t(rng.uniform(1.0, 2.5))
    return band(_metal(rng, t), rng.uniform(800, 3000), 0) * np.exp(-t / rng.uniform(0.3, 0.9))


def tom(rng):
    t = _t(rng.uniform(0.2, 0.6))
    f = rng.uniform(70, 300) * (1 + rng.uniform(0.1, 1) * np.exp(-t / 0.03))
    y = np.sin(2 * np.pi * np.cumsum(f) / SR) * np.exp(-t / rng.uniform(0.06, 0.25))
    return y + 0.1 * rng.standard_normal(len(t)) * np.exp(-t / 0.01)


def conga(rng):
    t = _t(0.3)
    f = rng.uniform(150, 600)
    y = np.sin(2 * np.pi * f * t) * np.exp(-t / rng.uniform(0.03, 0.12))
    return y + rng.uniform(0, 0.4) * band(rng.standard_normal(len(t)), 800, 5000) * np.exp(-t / 0.01)


def cowbell(rng):
    t = _t(0.25)
    f = rng.uniform(400, 900)
    y = np.sign(np.sin(2 * np.pi * f * t)) + np.sign(np.sin(2 * np.pi * f * 1.48 * t))
    return band(y, f, 6000) * np.exp(-t / rng.uniform(0.03, 0.12))


def shaker(rng):
    t = _t(rng.uniform(0.05, 0.15))
    rise = rng.uniform(0.002, 0.04)
    return band(rng.standard_normal(len(t)), 4000, 14000) * np.minimum(t / rise, 1) * np.exp(-t / 0.04)


def zap(rng):
    t = _t(rng.uniform(0.05, 0.4))
    f = rng.uniform(300, 6000) * np.exp(-t / rng.uniform(0.02, 0.2)) + 50
    return np.sin(2 * np.pi * np.cumsum(f) / SR + rng.uniform(0, 4) * np.sin(2 * np.pi * 333 * t)) * np.exp(-t / 0.1)


VOICES = {
    "kick": kick, "snare": snare, "clap": clap, "rim": rim, "hat": hat, "openhat": openhat, "ride": ride,
    "crash": crash, "tom1": tom, "tom2": tom, "tom3": tom, "conga": conga, "conga2": conga, "cowbell": cowbell,
    "shaker": shaker, "zap": zap,
}  # fmt: skip


def kit(rng):
    """One sound per voice, and what the whole kit went through."""
    crush = rng.random() < 0.2
    bits, step = 2.0 ** rng.integers(4, 8), int(rng.integers(1, 6))
    colour = rng.random() < 0.2
    low, high = rng.uniform(30, 300), rng.uniform(2500, 9000)
    sounds = {}
    for name, make in VOICES.items():
        y = _fade(_peak(make(rng)))
        if crush:
            y = np.repeat(np.round(y[::step] * bits) / bits, step)
        if colour:
            y = band(y, low, high)
        sounds[name] = y.astype(np.float32)
    return sounds
