"""MIDI clock to tempo: our filter against an exponential average of the tick spacing, on the same ticks.

    python -m benchmarks.midi_clock

Signals: 128 BPM with Gaussian jitter, the recorded clock of a real JACK server, and a step from 120 to 128 BPM.
Every figure is the median over ten seeds (the recording has one).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bridge.tempo.ticks import PPQN, TickFilter  # noqa: E402 - run as a script, the tree is not installed

Series = npt.NDArray[np.float64]

CAPTURE = ROOT / "tests" / "fixtures" / "captures" / "midi_jack_midi_clock.json"
SEEDS = range(10)
SETTLED_BEATS = 8
EMA_SHARE = 0.05


def ours(times: Series) -> Series:
    """BPM after each tick by the daemon's filter."""
    ticks = TickFilter()
    bpm = []
    for t in times:
        ticks.feed(float(t))
        bpm.append(60.0 / (PPQN * ticks.period) if ticks.period else np.nan)
    return np.array(bpm)


def average(times: Series) -> Series:
    """BPM after each tick by an exponential moving average, what most programs do."""
    spacing = float(times[1] - times[0])
    bpm = [np.nan]
    for gap in np.diff(times):
        spacing += EMA_SHARE * (float(gap) - spacing)
        bpm.append(60.0 / (PPQN * spacing))
    return np.array(bpm)


def steady(bpm: float, beats: int, jitter_s: float, seed: int, start: float = 0.0) -> Series:
    """Times of ticks; a later tick never comes before an earlier one."""
    times = start + np.arange(1, beats * PPQN + 1) * 60.0 / bpm / PPQN
    return np.maximum.accumulate(times + np.random.default_rng(seed).normal(0.0, jitter_s, len(times)))


def recorded() -> Series:
    """The recorded ticks up to the first stop."""
    packets = json.loads(CAPTURE.read_text(encoding="utf-8"))["packets"]
    stop = next(i for i, packet in enumerate(packets) if packet["hex"] == "fc")
    return np.array([packet["t"] for packet in packets[:stop] if packet["hex"] == "f8"])


def calm(estimate: Callable[[Series], Series], signals: list[Series]) -> tuple[float, float]:
    """Standard deviation and largest error in BPM after eight beats."""
    settled = [estimate(times)[SETTLED_BEATS * PPQN :] for times in signals]
    return float(np.median([s.std() for s in settled])), float(np.median([np.abs(s - 128.0).max() for s in settled]))


def settle(estimate: Callable[[Series], Series], jitter_s: float) -> str:
    """Beats after the step until the tempo stays within half a BPM."""
    beats = []
    for seed in SEEDS:
        before = steady(120.0, 24, jitter_s, seed)
        after = steady(128.0, 32, jitter_s, seed + 100, float(before[-1]))
        error = np.abs(estimate(np.concatenate([before, after]))[len(before) :] - 128.0)
        outside = np.nonzero(error > 0.5)[0]
        beats.append((outside[-1] + 1) / PPQN if len(outside) else 0.0)
    median = float(np.median(beats))
    return "never" if median > 28 else f"{median:.1f}"


def cost(estimate: Callable[[Series], Series]) -> float:
    """Microseconds of processor time a tick, best of five."""
    times = steady(128.0, 64, 0.003, 0)
    best = np.inf
    for _ in range(5):
        began = time.process_time()
        estimate(times)
        best = min(best, time.process_time() - began)
    return float(best / len(times) * 1e6)


def main() -> None:
    """Print the table."""
    estimators = {"ours": ours, f"EMA {EMA_SHARE}": average}
    print(f"{'':34}" + "".join(f"{name:>18}" for name in estimators))
    rows: list[tuple[str, list[Series]]] = [
        ("Gaussian 1 ms: sd / max error BPM", [steady(128.0, 64, 0.001, seed) for seed in SEEDS]),
        ("Gaussian 3 ms: sd / max error BPM", [steady(128.0, 64, 0.003, seed) for seed in SEEDS]),
        ("recorded JACK: sd / max error BPM", [recorded()]),
    ]
    for label, signals in rows:
        cells = ["{:.3f} / {:.2f}".format(*calm(estimate, signals)) for estimate in estimators.values()]
        print(f"{label:34}" + "".join(f"{cell:>18}" for cell in cells))
    for jitter_s in (0.001, 0.003):
        label = f"120 to 128, {jitter_s * 1000:.0f} ms: beats"
        print(f"{label:34}" + "".join(f"{settle(estimate, jitter_s):>18}" for estimate in estimators.values()))
    print(f"{'cost a tick: microseconds':34}" + "".join(f"{cost(estimate):>18.1f}" for estimate in estimators.values()))


if __name__ == "__main__":
    main()
