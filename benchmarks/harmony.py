"""How well a change of chord is told: random triads of two seconds on random instruments, alone and under drums.

    python -m benchmarks.harmony [--songs 24] [--first 5000] [--json]

Instruments and kits are those of ``training/tones.py`` and ``training/drums.py``, none ever seen by a tuning of the
ears. A change counts as told when ``harmonic_change`` rises past 0.4 within 0.6 s; baseline: a start in the mid band.
Beside it, for what has no changes (held chords, drums alone, noise), the highest value after the first 1.5 s.
Needs scipy.
"""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.drums import Samples, Times, f_of, hear, told
from bridge.model.features import SAMPLE_RATE, Features

CHORDS: Final = 8
CHORD_S: Final = 2.0
LATE_S: Final = 0.6
RISES_PAST: Final = 0.4
SETTLED_S: Final = 1.5


def chords(seed: int, *, held: bool = False) -> Samples:
    """Triads, each with another root or another third than the one before; ``held``: the first for as long."""
    from training import tones

    rng = np.random.default_rng(seed)
    length = CHORDS * CHORD_S if held else CHORD_S
    play = tones.instrument(rng, "pad" if held else str(rng.choice(["pad", "hold", "soft", "pluck"])), length)
    out, before = [], (-1, -1)
    for _ in range(1 if held else CHORDS):
        triad = before
        while triad == before:
            triad = (int(rng.integers(12)), int(rng.choice([3, 4])))
        before = triad
        root, third = triad
        notes = sum(play(220 * 2 ** ((root + step) % 12 / 12)) for step in (0, third, 7))
        out.append(notes * np.minimum(1, (length - np.arange(len(notes)) / SAMPLE_RATE) / 0.02))
    return np.asarray(0.15 * np.concatenate(out), np.float32)


def drums(seed: int, size: int) -> Samples:
    """Four to the floor through a kit of its own."""
    from training import drums as kits

    rng = np.random.default_rng(seed)
    kit, beat = kits.kit(rng), 60 / rng.uniform(90, 150)
    out = np.zeros(size + 3 * SAMPLE_RATE, np.float32)
    for number in range(int(size / SAMPLE_RATE / beat)):
        strokes = [("kick", 0.0, 0.5), ("hat", 0.5, 0.2), *([("snare", 0.0, 0.3)] if number % 2 else [])]
        for voice, late, gain in strokes:
            start = int((number + late) * beat * SAMPLE_RATE)
            out[start : start + len(kit[voice])] += np.float32(gain) * kit[voice]
    return out[:size]


def counts(found: Times) -> npt.NDArray[np.int64]:
    """Changes told, false ones, and changes missed; the beginning is no change."""
    truth = CHORD_S * np.arange(1, CHORDS)
    found = found[found > LATE_S]
    right = sum(bool(((found > at) & (found <= at + LATE_S)).any()) for at in truth)
    false = sum(not bool(((found > truth) & (found <= truth + LATE_S)).any()) for found in found)
    return np.array([right, false, len(truth) - right])


def highest(heard: list[Features]) -> float:
    return max(features.harmonic_change for features in heard if features.t > SETTLED_S)


def measure(seeds: range) -> dict[str, Any]:
    totals = {
        (name, by): np.zeros(3, np.int64) for name in ("chords alone", "with drums") for by in ("ours", "baseline")
    }
    still: dict[str, list[float]] = {"held chords": [], "drums alone": [], "noise": []}
    for seed in seeds:
        music = chords(seed)
        beats = drums(seed, len(music))
        for name, samples in (("chords alone", music), ("with drums", music + beats)):
            heard = hear(np.clip(samples, -1, 1).astype(np.float32))
            totals[name, "ours"] += counts(told(heard, "harmonic_change", RISES_PAST))
            totals[name, "baseline"] += counts(told(heard, "onset_mid"))
        noise = 0.1 * np.random.default_rng(seed).standard_normal(len(music))
        for name, samples in (("held chords", chords(seed, held=True)), ("drums alone", beats), ("noise", noise)):
            still[name].append(highest(hear(samples.astype(np.float32))))
    return {name: {by: f_of(totals[name, by]) for by in ("ours", "baseline")} for name, _ in totals} | {
        name: {"median": round(float(np.median(values)), 3), "highest": round(max(values), 3)}
        for name, values in still.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--first", type=int, default=5000, help="seed of the first song")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = measure(range(options.first, options.first + options.songs))
    if options.json:
        print(json.dumps(results))
        return
    for name, row in results.items():
        print(f"{name:14} " + "; ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
