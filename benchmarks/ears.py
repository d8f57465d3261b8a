"""What listening costs: features alone, aubio as it comes, aubio mended, our own tracker, and all together.

    python benchmarks/ears.py [--seconds 60] [--rounds 3] [--json]

Runs the demo track through each, hop by hop in one thread, and reports CPU as a share of real time on one core
(median over rounds), microseconds per hop (p50, p99), and how well the beats fit the track's own truth (F within
70 ms, first five seconds left out). aubio alone is the baseline.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import aubio
import numpy as np

from bridge.ears import AubioTracker, Drums, Ears, EarsSettings, ScopeTracker, Tracker
from bridge.inputs.audio import demo_beats, demo_track
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

Push = Callable[[AudioBlock], list[float]]


def features_alone() -> Push:
    ears = Ears(EarsSettings(), drums=Drums())
    return lambda block: [beat.announced for beat in ears.push(block).beats]


def aubio_alone() -> Push:
    tempo = aubio.tempo("default", 1024, HOP, SAMPLE_RATE)
    return lambda block: [block.t] if tempo(block.samples)[0] > 0 else []


def tracker_alone(tracker: Tracker) -> Push:
    def push(block: AudioBlock) -> list[float]:
        track = tracker.push(block.samples, gated=False)
        return [max(block.t, block.t + beat.offset) for beat in track.beats]

    return push


def everything() -> Push:
    ears = Ears(EarsSettings(), ScopeTracker(), Drums())
    return lambda block: [beat.announced for beat in ears.push(block).beats]


RUNS = {
    "features alone": features_alone,
    "aubio alone (baseline)": aubio_alone,
    "aubio mended": lambda: tracker_alone(AubioTracker()),
    "our tracker alone": lambda: tracker_alone(ScopeTracker()),
    "features and our tracker": everything,
}


def f_measure(found: np.ndarray, truth: np.ndarray) -> float:
    found, truth = found[found > 5], truth[truth > 5]
    if not len(found) or not len(truth):
        return 0.0
    nearest = np.abs(found[:, None] - truth[None, :])
    hits = len({int(row.argmin()) for row in nearest if row.min() <= 0.07})
    return 2 * hits / (len(found) + len(truth))


def measure(make: Callable[[], Push], blocks: list[AudioBlock], rounds: int) -> dict[str, float | None]:
    shares, hops, beats = [], [], []
    for _ in range(rounds):
        push, beats, begun = make(), [], time.process_time()
        for block in blocks:
            started = time.perf_counter()
            beats += push(block)
            hops.append(time.perf_counter() - started)
        shares.append((time.process_time() - begun) / (len(blocks) * HOP / SAMPLE_RATE))
    truth = demo_beats()
    return {
        "cpu_percent": round(100 * float(np.median(shares)), 2),
        "hop_us_p50": round(1e6 * float(np.percentile(hops, 50)), 1),
        "hop_us_p99": round(1e6 * float(np.percentile(hops, 99)), 1),
        "f": round(f_measure(np.array(beats), truth[truth < blocks[-1].t]), 3) if beats else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=65.0, help="how much of the track, at most all of it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    hops = int(min(options.seconds * SAMPLE_RATE, len(demo_track()))) // HOP
    samples = demo_track()[: hops * HOP].reshape(hops, HOP)
    blocks = [AudioBlock((n + 1) * HOP / SAMPLE_RATE, row) for n, row in enumerate(samples)]
    results = {name: measure(make, blocks, options.rounds) for name, make in RUNS.items()}
    if options.json:
        print(json.dumps(results))
        return
    print(f"{'':26}{'% of a core':>12}{'p50 us':>9}{'p99 us':>9}{'F':>8}")
    for name, row in results.items():
        f = "" if row["f"] is None else f"{row['f']:.3f}"
        print(f"{name:26}{row['cpu_percent']:>12}{row['hop_us_p50']:>9}{row['hop_us_p99']:>9}{f:>8}")


if __name__ == "__main__":
    main()
