"""Quantise: theme changes on the bar. How far from the boundary is a change first visible?

Subject is the whole daemon with ``quantize_mode`` "bar", baseline the same daemon with "none"; both are asked for the next
theme by OSC at the same random times, in turns, at a tempo told by OSC. The rehearsal server's journal is the truth: a
pipeline call that took the change at t shows its first frame one chunk later, and the first chunk of a transition is still
the old picture. Distances are to the nearest bar line, either side, in beats; a sender that knows nothing of bars lies
a quarter of a bar off in the median. The best that can be done with whole chunks is a quarter of a chunk.

    python -m benchmarks.quantize
    python -m benchmarks.quantize --changes 20 --bpm 126 --json
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.processes import until
from benchmarks.stagehands import Daemon, Server, bridge_daemon, quantile, rehearsal

CHUNK: Final = 12
FPS: Final = 15.0
BAR: Final = 4
MODES: Final = ("bar", "none")


@dataclass(frozen=True)
class Result:
    """Distances of one mode from the nearest bar line, in beats, and what the daemon said of itself."""

    mode: str
    changes: int
    median_beats: float
    p95_beats: float
    told_median_ms: float | None


def status_of(web: str) -> Any:
    """The daemon's status document."""
    with urllib.request.urlopen(f"{web}/api/v1/status", timeout=5) as answer:
        return json.load(answer)


def measure(changes: int, bpm: float, seed: int) -> list[Result]:
    """Change the theme ``changes`` times in each mode, in turns."""
    period, beat = CHUNK / FPS, 60.0 / bpm
    dice = random.Random(seed)
    distances: dict[str, list[float]] = {mode: [] for mode in MODES}
    with rehearsal(chunk=CHUNK, fps=FPS) as server, bridge_daemon(server, CHUNK) as sender:
        sender.tell("/bridge/bpm", bpm)
        until(lambda: status_of(sender.web)["tempo"]["bpm"], "the tempo")
        for _ in range(changes):
            for mode in MODES:
                sender.tell("/bridge/quantize", mode)
                time.sleep(dice.uniform(0.0, BAR * beat))
                seen = _theme_next(server, sender) + 2.0 * period
                distances[mode].append(_in_bar(sender, seen) % BAR)
        told = status_of(sender.web)["quantize"]["median_ms"]
    nearest = {mode: [min(d, BAR - d) for d in found] for mode, found in distances.items()}
    return [
        Result(mode, changes, statistics.median(near), quantile(near, 0.95), told if mode == "bar" else None)
        for mode, near in nearest.items()
    ]


def _theme_next(server: Server, sender: Daemon) -> float:
    """Ask for the next theme; when the pipeline call that took its prompts began."""
    asked = time.monotonic()
    before = server.journal(asked)["state"].get("prompts")
    sender.tell("/bridge/action/theme_next", 1.0)

    def taken() -> list[float]:
        applied = server.journal(asked)["applied"]
        return [entry["t"] for entry in applied if entry["message"].get("prompts", before) != before]

    return float(until(taken, "the change")[0])


def _in_bar(sender: Daemon, time_seen: float) -> float:
    """Beats from the last bar line before now to ``time_seen``, negative before it."""
    began = time.monotonic()
    tempo = status_of(sender.web)["tempo"]
    now = (began + time.monotonic()) / 2.0
    return float(tempo["in_bar"] + tempo["phase"] - (now - time_seen) * tempo["bpm"] / 60.0)


def main() -> int:
    """Measure, print a table or JSON; exit 1 where the subject is further off than half the baseline."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=12, help="changes of theme in each mode")
    parser.add_argument("--bpm", type=float, default=127.0, help="tempo")
    parser.add_argument("--seed", type=int, default=1, help="of the random times")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    results = measure(options.changes, options.bpm, options.seed)
    subject, baseline = results
    reached = subject.median_beats <= baseline.median_beats / 2.0
    if options.json:
        print(json.dumps({"reached": reached, "subject": asdict(subject), "baseline": asdict(baseline)}))
    else:
        best = CHUNK / FPS / 4.0 * options.bpm / 60.0
        for result in results:
            told = "" if result.told_median_ms is None else f", itself says {result.told_median_ms:.0f} ms late"
            print(
                f"quantize {result.mode:5} {result.changes} changes: median {result.median_beats:.2f} beats from the bar, "
                f"p95 {result.p95_beats:.2f}{told}"
            )
        print(
            f"whole chunks allow a median of {best:.2f} beats; half the baseline: {'reached' if reached else 'MISSED'}"
        )
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
