"""Loops whose every kick, snare and hat is known, for the drum net and its benchmark."""

from __future__ import annotations

import numpy as np

from training import drums, mix, tones

SR = 44100
SECONDS = 16.0
# Sixteenths of a bar.
GROOVES = (
    {"kick": "x...x...x...x...", "snare": "....x.......x...", "hat": "..x...x...x...x."},
    {"kick": "x...x...x...x...", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
    {"kick": "x.......x.x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
    {"kick": "x..x..x...x.....", "snare": "....x..x.x..x...", "hat": "x.x.x.x.x.x.x.x."},
    {"kick": "x.........x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.xx"},
    {"kick": "x..x..x.x..x..x.", "snare": "....x.......x...", "hat": "xxxxxxxxxxxxxxxx"},
    {"kick": "x.....x...x..x..", "snare": "........x.......", "hat": "x.xxx.x.x.xxx.x."},
)

RESTING = 0.3
"""Share of loops in which one or two of the voices are not played."""


def loop(seed):
    """Sixteen seconds, mono, at most 1, and the times at which each voice is struck.

    One of seven grooves at 84 to 176 beats a minute, a kit of its own, bass and pads in four of five, and what a
    finished song goes through.
    """
    rng = np.random.default_rng(seed)
    sixteenth = 15 / rng.uniform(84, 176)
    groove = GROOVES[int(rng.integers(len(GROOVES)))]
    kit = drums.kit(rng)
    sounds = {"kick": kit["kick"], "snare": kit[str(rng.choice(["snare", "snare", "clap"]))], "hat": kit["hat"]}
    loud = {"kick": 1.0, "snare": rng.uniform(0.5, 1.0), "hat": rng.uniform(0.15, 0.5)}
    resting = rng.choice(list(groove), rng.integers(1, 3), replace=False) if rng.random() < RESTING else ()
    out = np.zeros(int((SECONDS + 3) * SR), np.float32)
    struck = {voice: [] for voice in groove}
    steps = int(SECONDS / sixteenth)
    for step in range(steps):
        for voice, pattern in groove.items():
            if pattern[step % 16] == "x" and voice not in resting:
                _add(out, step * sixteenth, sounds[voice], loud[voice] * rng.uniform(0.8, 1.0))
                struck[voice].append(step * sixteenth)
    if rng.random() < 0.8:
        level = np.sqrt(np.mean(out**2))
        music = _music(rng, steps, sixteenth, len(out))
        out += music * (level / (np.sqrt(np.mean(music**2)) + 1e-6)) * 10 ** (rng.uniform(-12, 0) / 20)
    mastered = mix.master(rng, out[: int(SECONDS * SR)])
    return np.clip(mastered, -1, 1).astype(np.float32), {voice: np.array(times) for voice, times in struck.items()}


def _music(rng, steps, sixteenth, size):
    """A bass in eighths and a chord a bar."""
    out = np.zeros(size, np.float32)
    root = int(rng.integers(30, 42))
    bass, pad = tones.instrument(rng, "hold"), tones.instrument(rng, str(rng.choice(["pad", "hold", "pluck"])))
    for step in range(0, steps, 2):
        if rng.random() < 0.7:
            note = bass(_hertz(root + (12 if rng.random() < 0.2 else 0)))[: int(1.8 * sixteenth * SR)]
            _add(out, step * sixteenth, note, 0.6)
    for step in range(0, steps, 16):
        for third in (0, int(rng.choice([3, 4])), 7):
            _add(out, step * sixteenth, pad(_hertz(root + 24 + third)), 0.15)
    return out


def _add(out, at, sound, gain):
    start = int(at * SR)
    size = min(len(sound), len(out) - start)
    out[start : start + size] += np.float32(gain) * sound[:size]


def _hertz(pitch):
    return 440 * 2 ** ((pitch - 69) / 12)
