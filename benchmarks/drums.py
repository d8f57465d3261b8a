"""How well the ears tell kick, snare and hat: loops whose every stroke is known, through kits nobody has heard.

    python -m benchmarks.drums [--loops 40] [--first 7000] [--json]

Each loop (``training/loops.py``) is sixteen seconds: one of seven grooves at a tempo of its own, a kit drawn anew, in
most of them bass and pads, then everything a finished song goes through (compression, clipping, rooms, filters, noise,
level). A stroke counts as told when the likelihood rises past 0.5 from 15 ms before to 50 ms after
it; baseline: a start in the low, mid or high band. The demo track's kicks stand beside. Training and tuning use
other seeds (``training/drum_net.py``). Needs scipy.
"""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bridge.ears import Drums, Ears, EarsSettings
from bridge.inputs.audio import DEMO_SECTIONS, demo_beats, demo_track
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock, Features

Samples = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]

VOICES: Final = {"kick": "onset_low", "snare": "onset_mid", "hat": "onset_high"}
EARLY_S, LATE_S = 0.015, 0.05


def hear(samples: Samples) -> list[Features]:
    ears = Ears(EarsSettings(), drums=Drums())
    blocks = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    return [ears.push(AudioBlock((n + 1) * HOP / SAMPLE_RATE, block)).features for n, block in enumerate(blocks)]


def told(heard: list[Features], name: str, level: float = 0.5) -> Times:
    """When a feature rises past ``level``."""
    over = np.array([float(getattr(features, name)) > level for features in heard])
    rises = over & ~np.concatenate(([False], over[:-1]))
    return np.array([features.t for features, rise in zip(heard, rises, strict=True) if rise])


def counts(found: Times, truth: Times) -> npt.NDArray[np.int64]:
    """Strokes told rightly, told wrongly, and missed."""
    left = list(truth)
    right = 0
    for t in found:
        match = next((at for at in left if at - EARLY_S <= t <= at + LATE_S), None)
        if match is not None:
            left.remove(match)
            right += 1
    return np.array([right, len(found) - right, len(left)])


def f_of(count: npt.NDArray[np.int64]) -> dict[str, float]:
    right, wrong, missed = count.tolist()
    return {
        "f": round(2 * right / max(2 * right + wrong + missed, 1), 3),
        "precision": round(right / max(right + wrong, 1), 3),
        "recall": round(right / max(right + missed, 1), 3),
    }


def measure(loops: range) -> dict[str, Any]:
    from training.loops import loop

    totals = {(voice, by): np.zeros(3, np.int64) for voice in VOICES for by in ("ours", "baseline")}
    for seed in loops:
        samples, struck = loop(seed)
        heard = hear(samples)
        for voice, onset in VOICES.items():
            totals[voice, "ours"] += counts(told(heard, voice), struck[voice])
            totals[voice, "baseline"] += counts(told(heard, onset), struck[voice])
    return {voice: {by: f_of(totals[voice, by]) for by in ("ours", "baseline")} for voice in VOICES}


def demo_kicks() -> dict[str, dict[str, float]]:
    """The same for the demo track, whose kicks fall on every beat but those of the breakdown and the bar before a drop."""
    bars = [bar for first, end in DEMO_SECTIONS.values() for bar in range(first, end)]
    silent = {*range(*DEMO_SECTIONS["breakdown"]), DEMO_SECTIONS["build"][1] - 1}
    kicks = demo_beats().reshape(-1, 4)[[bar for bar in bars if bar not in silent]].ravel()
    heard = hear(demo_track())
    return {"ours": f_of(counts(told(heard, "kick"), kicks)), "baseline": f_of(counts(told(heard, "onset_low"), kicks))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--loops", type=int, default=40)
    parser.add_argument("--first", type=int, default=7000, help="seed of the first loop")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = measure(range(options.first, options.first + options.loops)) | {"demo track, kick": demo_kicks()}
    if options.json:
        print(json.dumps(results))
        return
    print(f"{'':20}{'F':>7}{'precision':>11}{'recall':>8}   baseline: start in the band, F, precision, recall")
    for name, row in results.items():
        ours, base = row["ours"], row["baseline"]
        print(
            f"{name:20}{ours['f']:>7.3f}{ours['precision']:>11.3f}{ours['recall']:>8.3f}   "
            f"{base['f']:.3f}, {base['precision']:.3f}, {base['recall']:.3f}"
        )


if __name__ == "__main__":
    main()
