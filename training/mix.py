"""From a song to what a line-in hears: instruments, mixing desk, mastering, rooms, bad feeds."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from training import drums, soundfont, tones

SR = 44100
_PROGRAMS = {
    "bass": [*range(32, 40), 58, 87, 43],
    "chords": [*range(8), *range(16, 32), *range(48, 56), 61, 62, 63, *range(88, 96)],
    "arp": [*range(16), *range(24, 29), 45, 46, *range(80, 88), *range(104, 109)],
    "lead": [*range(15), *range(22, 32), 40, 41, *range(56, 88), *range(104, 112)],
}
_ENVELOPES = {
    "bass": ("hold", "pluck"),
    "chords": ("hold", "pluck", "soft", "pad"),
    "arp": ("pluck", "hold"),
    "lead": ("hold", "pluck", "soft"),
}


def _add(out, at, y, gain):
    i = int(at * SR)
    m = min(len(y), len(out) - i)
    if m > 0:
        out[i : i + m] += gain * y[:m]


def _own_drums(rng, part, n):
    out = np.zeros(n, np.float32)
    kit = drums.kit(rng)
    gains = {v: 10 ** (rng.uniform(-10, 2) / 20) for v in kit}
    gains["kick"] = 10 ** (rng.uniform(-3, 4) / 20)
    for v in ("hat", "openhat", "ride", "crash", "shaker"):
        gains[v] *= 0.5
    for t, _, voice, loud in part.notes:
        _add(out, t, kit[voice], loud * gains[voice])
    return out


def _rough(rng, y):
    """A tracker's sample memory: few bits at a low rate, and no filter where it is played back."""
    step, bits = int(rng.integers(1, 6)), 2.0 ** rng.integers(4, 8)
    peak = np.abs(y).max() + 1e-9
    return np.repeat(np.round(y[::step] / peak * bits) * (peak / bits), step)[: len(y)].astype(np.float32)


def _own_tones(rng, part, n):
    out = np.zeros(n, np.float32)
    as_chip = part.role in ("chords", "arp") and rng.random() < 0.15
    play = tones.chip(rng) if as_chip else tones.instrument(rng, rng.choice(_ENVELOPES[part.role]))
    shots = {}
    release = np.linspace(1, 0, int(rng.uniform(0.005, 0.12) * SR)).astype(np.float32)
    for t, length, pitch, loud in part.notes:
        if pitch not in shots:
            hertz = 440 * 2 ** ((pitch - 69) / 12)
            shots[pitch] = play([hertz, hertz * 1.26, hertz * 1.5]) if as_chip else play(hertz)
        shot = shots[pitch]
        m = min(int(length * SR) + len(release), len(shot))
        y = shot[:m].copy()
        k = min(len(release), m)
        y[-k:] *= release[-k:]
        _add(out, t, y, loud)
    return out


def _played(rng, part, n, fluid, font):
    """A part through a soundfont."""
    drums_too = part.role == "drums"
    channel = 9 if drums_too else 0
    programs = {channel: int(rng.choice(soundfont.KITS if drums_too else _PROGRAMS[part.role]))}
    keys = {voice: int(rng.choice(choice)) for voice, choice in soundfont.DRUMS.items()} if drums_too else {}
    events = []
    for t, length, pitch, loud in part.notes:
        key = keys[pitch] if drums_too else int(np.clip(pitch, 20, 108))
        events.append((t, 1, channel, key, int(np.clip(loud * 110, 20, 127))))
        events.append((t + length, 0, channel, key, 0))
    return fluid.render(font, programs, events, n)


def _room(rng, y):
    t = np.arange(int(rng.uniform(0.2, 2.0) * SR)) / SR
    tail = rng.standard_normal(len(t)) * np.exp(-t / rng.uniform(0.05, 0.6))
    tail = drums.band(tail, rng.uniform(60, 400), rng.uniform(2500, 9000), 1)
    tail *= 10 ** (rng.uniform(-14, 2) / 20) / np.sqrt((tail**2).sum())
    return y + fftconvolve(y, tail.astype(np.float32))[: len(y)]


def _echo(rng, y, bpm):
    delay = 60 / bpm * rng.choice([0.5, 0.75, 1, 0.25]) if rng.random() < 0.7 else rng.uniform(0.1, 0.6)
    k, gain = int(delay * SR), rng.uniform(0.2, 0.6)
    out = y.copy()
    for n in (1, 2, 3):
        if n * k < len(y):
            out[n * k :] += gain**n * y[: -n * k]
    return out


def _pump(rng, y, kicks):
    depth, tau = rng.uniform(0.2, 0.95), rng.uniform(0.05, 0.2)
    shape = (1 - depth * np.exp(-np.arange(int(0.5 * SR)) / SR / tau)).astype(np.float32)
    gain = np.ones_like(y)
    for t in kicks:
        i = int(t * SR)
        m = min(len(shape), len(gain) - i)
        gain[i : i + m] = np.minimum(gain[i : i + m], shape[:m])
    return y * gain


def _sweep(rng, y):
    """A DJ's filter that opens or closes over seconds: a crossfade to a filtered copy."""
    low = rng.random() < 0.5
    wet = drums.band(y, 0, rng.uniform(150, 800), 3) if low else drums.band(y, rng.uniform(800, 4000), 0, 3)
    knots = np.sort(rng.uniform(0, len(y), 4))
    mix = np.interp(np.arange(len(y)), knots, rng.choice([0, 1, 0.8, 0.3], 4)).astype(np.float32)
    return y * (1 - mix) + wet.astype(np.float32) * mix


def _compress(rng, y):
    """A slow compressor on 10 ms levels, then a soft clip."""
    block = 441
    n = len(y) // block
    level = np.sqrt((y[: n * block].reshape(n, block) ** 2).mean(1)) + 1e-5
    smooth = np.empty(n)
    now, rise, fall = level[0], rng.uniform(0.05, 0.8), rng.uniform(0.01, 0.15)
    for i, v in enumerate(level):
        now += (rise if v > now else fall) * (v - now)
        smooth[i] = now
    gain = (smooth / smooth.max()) ** -rng.uniform(0.2, 0.7)
    return y * np.interp(np.arange(len(y)), np.arange(n) * block, gain).astype(np.float32)


def render(rng, song, fluid):
    """Mono, peak at most 1."""
    n = int(song.seconds * SR)
    drum_parts = [p for p in song.parts if p.role == "drums"]
    world = rng.choice(["own", "font", "mixed"], p=[0.4, 0.35, 0.25])
    rough = rng.random(len(song.parts)) < (0.6 if song.rough else 0.05)
    kicks = [t for p in drum_parts for t, _, v, _ in p.notes if v == "kick"]
    font = int(rng.integers(3))
    beat_bus, tone_bus = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for k, part in enumerate(song.parts):
        if not part.notes:
            continue
        own = world == "own" or (world == "mixed" and rng.random() < 0.5)
        if own:
            y = _own_drums(rng, part, n) if part.role == "drums" else _own_tones(rng, part, n)
        else:
            y = _played(rng, part, n, fluid, font)
        if rough[k]:
            y = _rough(rng, y)
        if part.role != "drums" and rng.random() < 0.15:
            y = _echo(rng, y, song.bpm)
        loud = np.sqrt(np.mean(y[::7] ** 2)) + 1e-6
        if part.role == "drums":
            beat_bus += y / loud * 10 ** (rng.uniform(-8, 5) / 20)
        else:
            tone_bus += y / loud * 10 ** (rng.uniform(-12, 1) / 20)
    if kicks and rng.random() < 0.2:
        tone_bus = _pump(rng, tone_bus, kicks)
    if rng.random() < 0.3:
        tone_bus = _room(rng, tone_bus)
    y = beat_bus + tone_bus
    if not np.any(y):
        return y
    return master(rng, y)


def master(rng, y):
    """What a finished song goes through until it is heard."""
    n = len(y)
    if rng.random() < 0.15:
        y = _room(rng, y)
    if rng.random() < 0.35:
        y = _compress(rng, y)
    y = y / (np.percentile(np.abs(y[::5]), 99.7) + 1e-6)
    if rng.random() < 0.6:
        y = np.tanh(y * rng.choice([0.7, 1.0, 1.5, 3.0]))
    if rng.random() < 0.12:
        y = _sweep(rng, y)
    if rng.random() < 0.12:
        y = drums.band(y, rng.uniform(40, 400), rng.uniform(2500, 11000))
    if rng.random() < 0.25:
        noise = rng.standard_normal(n)
        if rng.random() < 0.5:
            swell = np.interp(np.arange(n), np.linspace(0, n, 60), rng.uniform(0.1, 1, 60))
            noise = drums.band(noise, 300, 3500) * swell * 2
        y = y + noise * 10 ** (rng.uniform(-55, -18) / 20)
    if rng.random() < 0.15:
        knots = np.sort(rng.uniform(0, n, 4))
        y = y * 10 ** (np.interp(np.arange(n), knots, rng.uniform(-24, 0, 4)) / 20)
    y = y / (np.abs(y).max() + 1e-6) * 10 ** (rng.uniform(-30, 0) / 20 * (rng.random() < 0.5))
    return (y + rng.standard_normal(n) * 10 ** (rng.uniform(-90, -68) / 20)).astype(np.float32)


def no_music(rng, seconds):
    """Sound without a beat: hiss, hum, crowd, talk, applause, drones, bumps, sweeps, notes out of time, nothing."""
    n = int(seconds * SR)
    t = np.arange(n) / SR
    y = rng.standard_normal(n) * 10 ** (rng.uniform(-110, -66) / 20)
    kind = rng.choice(
        [
            *("hiss", "hum", "crowd", "talk", "talk", "talk", "applause", "drone", "bumps", "still", "irregular"),
            *("free", "free", "sweeps", "irregular"),
        ]
    )
    if kind == "hiss":
        y += drums.band(rng.standard_normal(n), rng.uniform(20, 2000), rng.uniform(3000, 16000)) * 0.2
    elif kind == "hum":
        f = rng.choice([50, 60]) * (1 + rng.normal(0, 0.001))
        y += sum(rng.uniform(0, 0.3) * np.sin(2 * np.pi * f * k * t) for k in range(1, 8))
    elif kind == "crowd":
        swell = _swell(rng, t, 0.3, 0.2)
        y += drums.band(rng.standard_normal(n), 300, 3500) * swell * 0.4
    elif kind == "talk":
        for _ in range(rng.integers(1, 3)):
            y += _talk(rng, n)
    elif kind in ("applause", "bumps", "irregular"):
        rate = {"applause": rng.uniform(20, 300), "bumps": rng.uniform(0.2, 2), "irregular": rng.uniform(1, 5)}[kind]
        kit = drums.kit(rng)
        names = ("clap", "rim") if kind == "applause" else list(kit)
        for at in np.cumsum(rng.exponential(1 / rate, int(rate * seconds))):
            if at < seconds:
                _add(y, at, kit[str(rng.choice(names))], rng.uniform(0.1, 0.8))
    elif kind == "free":
        y += _free(rng, n)
    elif kind == "sweeps":
        for _ in range(rng.integers(2, 6)):
            a, b = np.sort(rng.integers(0, n, 2))
            f = np.geomspace(*rng.uniform(60, 6000, 2), b - a)
            y[a:b] += 0.3 * np.sin(2 * np.pi * np.cumsum(f) / SR) * np.hanning(b - a) ** rng.uniform(0.1, 1)
    elif kind == "drone":
        swell = _swell(rng, t, 4.0, 0.0)
        for f in rng.uniform(50, 900, 4):
            y += 0.2 * swell * np.sin(2 * np.pi * f * t + rng.uniform(0, 3) * np.sin(2 * np.pi * 0.2 * t))
    y = y / max(np.abs(y).max(), 1e-3) if kind != "still" else y
    return (y * 10 ** (rng.uniform(-45, 0) / 20)).astype(np.float32)


def _free(rng, n):
    """Notes and chords of an instrument with gaps of any length: tuning up, a cadenza, chimes in the wind."""
    out = np.zeros(n, np.float32)
    play = tones.instrument(rng, rng.choice(["pluck", "hold", "soft", "pad"]), 3.0)
    shots = [play(110 * 2 ** (k / 12)) for k in rng.integers(0, 36, 8)]
    mean, shape = rng.uniform(0.15, 1.5), rng.uniform(1, 3)
    at = 0.0
    while at < n / SR:
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            _add(out, at, shots[rng.integers(len(shots))], rng.uniform(0.2, 1))
        at += rng.gamma(shape, mean / shape)
    if rng.random() < 0.5:
        out = _room(rng, out).astype(np.float32)
    return out


def _swell(rng, t, every, least):
    """A level that wanders between ``least`` and 1, with a new goal every so many seconds."""
    knots = np.arange(0, t[-1] + 2 * every, every)
    return np.interp(t, knots, rng.uniform(least, 1, len(knots)))


def _talk(rng, n):
    """Syllables of a buzzing source through two formants, with pauses, as irregular as speech."""
    out = np.zeros(n, np.float32)
    at, pitch = 0.0, rng.uniform(90, 240)
    while at < n / SR - 0.6:
        length = rng.gamma(4, 0.045)
        m = int(length * SR) + 1
        t = np.arange(m) / SR
        f = pitch * np.exp(rng.normal(0, 0.12)) * (1 + rng.uniform(-0.15, 0.15) * t / length)
        source = 2 * ((np.cumsum(f) / SR) % 1) - 1
        if rng.random() < 0.3:
            source = rng.standard_normal(m)
        low, high = rng.uniform(250, 900), rng.uniform(900, 2600)
        y = drums.band(source, low * 0.8, low * 1.2) + 0.7 * drums.band(source, high * 0.9, high * 1.1)
        _add(out, at, (y * np.hanning(m)).astype(np.float32), rng.uniform(0.3, 1))
        at += length * rng.uniform(0.7, 1.3) + (rng.exponential(0.5) if rng.random() < 0.15 else 0)
    return out
