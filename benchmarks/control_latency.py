"""Control latency: how soon does a sparse change arrive on the server's DataChannel?

A change is sparse when none came in the two chunks before it. Subject is the whole daemon, from the OSC datagram on (its
Scope client alone is shown, too); baseline is a client that sends its newest state 30 times a second. Both play on the real rehearsal server over WebRTC,
in turns, so that a noisy machine is noisy for both; both processes read the machine's monotonic clock.

    python benchmarks/control_latency.py
    python benchmarks/control_latency.py --changes 50 --repeats 2 --json
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.stagehands import (
    PARAM,
    Sender,
    Server,
    bridge_client,
    bridge_daemon,
    fixed_rate_sender,
    quantile,
    rehearsal,
)

CHUNK: Final = 4
FPS: Final = 25.0
TARGET_P50_MS: Final = 2.0
TARGET_P99_MS: Final = 10.0

SUBJECTS: Final[dict[str, Callable[[Server, int], AbstractContextManager[Sender]]]] = {
    "bridge": bridge_daemon,
    "its client": bridge_client,
    "30 Hz sender": fixed_rate_sender,
}
"""Name -> how to open it."""


@dataclass(frozen=True)
class Result:
    """Latencies of one sender in milliseconds."""

    name: str
    changes: int
    lost: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def latencies(name: str, changes: int) -> tuple[list[float], int]:
    """Milliseconds from each change to its arrival, and how many never arrived."""
    period = CHUNK / FPS
    with rehearsal(chunk=CHUNK, fps=FPS) as server, SUBJECTS[name](server, CHUNK) as sender:
        time.sleep(8 * period)
        began = time.monotonic()
        given: dict[float, float] = {}
        for number in range(changes):
            time.sleep(period * random.uniform(2.2, 4.5))
            value = (number + 1) / 1000
            given[value] = time.monotonic()
            sender.send(value)
        time.sleep(4 * period)
        received = server.journal(began)["received"]
    found: dict[float, float] = {}
    for entry in received:
        value = round(entry["message"].get(PARAM, 0.0), 4)  # OSC carries 32-bit floats
        if value in given:
            found.setdefault(value, (entry["t"] - given[value]) * 1000)
    return list(found.values()), changes - len(found)


def main() -> int:
    """Measure both in turns, print a table or JSON; exit 1 when the subject misses its target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=100, help="changes per turn")
    parser.add_argument("--repeats", type=int, default=2, help="turns of each")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    taken: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    lost = dict.fromkeys(SUBJECTS, 0)
    for _ in range(options.repeats):
        for name in SUBJECTS:
            values, missing = latencies(name, options.changes)
            taken[name] += values
            lost[name] += missing
    results = [
        Result(name, len(values) + lost[name], lost[name], quantile(values, 0.5), quantile(values, 0.99), max(values))
        for name, values in taken.items()
    ]
    subject = results[0]
    reached = subject.lost == 0 and subject.p50_ms <= TARGET_P50_MS and subject.p99_ms <= TARGET_P99_MS
    if options.json:
        print(json.dumps({"reached": reached, "results": [asdict(result) for result in results]}))
    else:
        print(f"{'':14}{'changes':>9}{'lost':>6}{'p50':>8}{'p99':>8}{'max':>8}  (ms)")
        for result in results:
            print(
                f"{result.name:14}{result.changes:>9}{result.lost:>6}"
                f"{result.p50_ms:>8.2f}{result.p99_ms:>8.2f}{result.max_ms:>8.2f}"
            )
        print(f"target (p50 at most 2 ms, p99 at most 10 ms): {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
