"""Control-to-pixel latency: how well is it known, and how soon, without a marker in the picture?

The bridge's own client plays on the real rehearsal server over WebRTC, in text mode. A change that is seen (a prompt
cut, a reset, a strong step of a parameter) is made every few seconds at odd moments. The truth comes from the server's
journal: which call took each message, and when that call's first frame went to the encoder; the client sees none of it.

    python -m benchmarks.latency
    python -m benchmarks.latency --seconds 60 --repeats 5 --json
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.stagehands import bridge_stage, quantile, rehearsal

SETTINGS: Final = ((12, 15.0), (12, 8.0), (4, 25.0), (4, 15.0))
KINDS: Final = ("prompts", "reset", "mixed")
TARGET_ERROR: Final = 0.2  # of a chunk, in the median
STORY: Final = (
    "a lighthouse in a storm, cold blue light",
    "a desert at noon, burning orange sand",
    "deep forest, green fog and moss",
    "a violet nebula, crystals and stars",
)


@dataclass(frozen=True)
class Result:
    """One run. Seconds, but errors are shares of a chunk; ``known_after_*`` is None when it never was known."""

    chunk: int
    fps: float
    kind: str
    changes: int
    true_mean: float
    known_after_s: float | None
    known_after_changes: int | None
    error_p50: float
    error_p95: float
    within_two_sd: float


def run(chunk: int, fps: float, kind: str, seconds: float, seed: int) -> Result:
    """Make changes for ``seconds`` and compare each change's true latency with what was said before it."""
    period = chunk / fps
    dice = random.Random(seed)
    rows: list[tuple[float, float | None, float | None]] = []
    with rehearsal(chunk=chunk, fps=fps) as server, bridge_stage(server, chunk) as stage:
        time.sleep(3 * period)
        began = time.monotonic()
        stories = itertools.cycle(STORY[1:] + STORY[:1])
        known_at: float | None = None
        known_after = 0
        while (now := time.monotonic()) - began < seconds:
            facts = stage.facts.value
            if known_at is None and facts.latency_s is not None:
                known_at, known_after = now - began, len(rows)
            rows.append((now, facts.latency_s, facts.latency_sd_s))
            if kind == "reset" or (kind == "mixed" and dice.random() < 0.5):
                stage.reset()
            else:
                stage.prompt(next(stories))
            time.sleep(max(1.0, 3.0 * period) * dice.uniform(1.0, 2.0))
        journal = server.journal(began)
    truth = _true_latencies(journal, [row[0] for row in rows])
    pairs = [(true, said, sd) for (_, said, sd), true in zip(rows, truth, strict=True) if true is not None]
    mean = _true_mean(journal, period)
    told = [(true, said, sd) for true, said, sd in pairs if said is not None and sd is not None]
    errors = [abs(said - mean) / period for _, said, _ in told]
    inside = [abs(said - true) <= 2 * sd for true, said, sd in told]
    return Result(
        chunk,
        fps,
        kind,
        len(pairs),
        mean,
        known_at,
        known_after if known_at is not None else None,
        quantile(errors, 0.5),
        quantile(errors, 0.95),
        statistics.mean(inside) if inside else math.nan,
    )


def _true_latencies(journal: Any, given: list[float]) -> list[float | None]:
    """Of each change, from the moment it was given to the first frame of the call that took it; None: not shown yet."""
    shown = {entry["chunk"]: entry["t"] for entry in journal["shown"]}
    news = [e for e in journal["applied"] if "reset_cache" in e["message"] or "prompts" in e["message"]]
    found: list[float | None] = []
    for at, until in itertools.zip_longest(given, given[1:], fillvalue=math.inf):
        call = next((entry["chunk"] for entry in news if at < entry["t"] < until), None)
        found.append(shown[call] - at if call in shown else None)
    return found


def _true_mean(journal: Any, period: float) -> float:
    """The mean latency of a change at any moment: half a call of waiting, and from a call's start to its first frame."""
    shown = {entry["chunk"]: entry["t"] for entry in journal["shown"]}
    spans = [shown[entry["chunk"]] - entry["t"] for entry in journal["applied"] if entry["chunk"] in shown]
    return 0.5 * period + statistics.mean(spans)


def main() -> int:
    """Measure every setting, print a table or JSON; exit 1 when the estimate misses its target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=45.0, help="length of each run")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each setting")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    results = []
    for repeat in range(options.repeats):
        for chunk, fps in SETTINGS:
            kind = KINDS[(len(results) + repeat) % len(KINDS)]
            results.append(run(chunk, fps, kind, options.seconds, seed=len(results)))
    reached = all(result.known_after_s is not None and result.error_p50 <= TARGET_ERROR for result in results)
    if options.json:
        print(json.dumps({"reached": reached, "results": [asdict(result) for result in results]}))
        return 0 if reached else 1
    print("chunk  fps  changes made of  true mean   known after          error p50   p95 (chunks)  within 2 sd")
    for one in results:
        known = (
            "never" if one.known_after_s is None else f"{one.known_after_s:4.1f} s, {one.known_after_changes} changes"
        )
        print(
            f"{one.chunk:5}{one.fps:5g}{one.changes:5} {one.kind:10}{one.true_mean:11.3f} s   {known:20}"
            f"{one.error_p50:9.2f}{one.error_p95:7.2f}{one.within_two_sd:16.0%}"
        )
    print(f"target (known, error at most {TARGET_ERROR} chunks in the median): {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
