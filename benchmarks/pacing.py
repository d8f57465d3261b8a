"""Pacing: a knob turned at 60 Hz on a pipeline that takes one message per chunk. What is lost, and how old is the rest?

Subject is the whole daemon, turned by OSC datagrams; baseline is a client that sends its whole state 30 times a second.
Both play on the real rehearsal server (queue of eight, one message per call, newest dropped) over WebRTC, one after the
other. Age is from the moment the value was given to the pipeline call that takes it, in chunks; both processes read the
machine's monotonic clock.

    python benchmarks/pacing.py
    python benchmarks/pacing.py --seconds 10 --json
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.stagehands import PARAM, Sender, Server, bridge_daemon, fixed_rate_sender, quantile, rehearsal

CHUNK: Final = 12
FPS: Final = 15.0
KNOB_HZ: Final = 60.0
SETTLE_CHUNKS: Final = 12


@dataclass(frozen=True)
class Result:
    """What the server saw of one sender. Ages are in chunks."""

    name: str
    turned: int
    received: int
    dropped: int
    applied: int
    last_value_applied: bool
    age_p50: float
    age_p95: float
    age_max: float


def measure(name: str, open_sender: Callable[[Server, int], AbstractContextManager[Sender]], seconds: float) -> Result:
    """Turn the knob for ``seconds`` and read the server's journal."""
    period = CHUNK / FPS
    with rehearsal(chunk=CHUNK, fps=FPS) as server, open_sender(server, CHUNK) as sender:
        time.sleep(4 * period)
        began = time.monotonic()
        dropped_before = server.journal(began)["dropped"]
        given: dict[float, float] = {}
        value = 0.0
        for number in range(round(seconds * KNOB_HZ)):
            time.sleep(max(0.0, began + number / KNOB_HZ - time.monotonic()))
            value = (number + 1) / 1000
            given[value] = time.monotonic()
            sender.send(value)
        time.sleep(SETTLE_CHUNKS * period)
        journal = server.journal(began)
    ages, seen = [], set()
    for entry in journal["applied"]:
        taken = round(entry["message"].get(PARAM, 0.0), 4)  # OSC carries 32-bit floats
        if taken in given and taken not in seen:
            seen.add(taken)
            ages.append((entry["t"] - given[taken]) / period)
    return Result(
        name,
        len(given),
        len(journal["received"]),
        journal["dropped"] - dropped_before,
        len(journal["applied"]),
        round(journal["state"].get(PARAM, 0.0), 4) == round(value, 4),
        quantile(ages, 0.5),
        quantile(ages, 0.95),
        max(ages),
    )


def main() -> int:
    """Measure both, print a table or JSON; exit 1 when the subject misses its target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the knob is turned")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    subject = measure("bridge", bridge_daemon, options.seconds)
    baseline = measure("30 Hz sender", fixed_rate_sender, options.seconds)
    reached = subject.dropped == 0 and subject.last_value_applied and subject.age_p95 <= 1.25
    if options.json:
        print(json.dumps({"reached": reached, "subject": asdict(subject), "baseline": asdict(baseline)}))
    else:
        print(f"{'':14}{'received':>10}{'dropped':>9}{'applied':>9}  last value  age p50   p95   max (chunks)")
        for result in (subject, baseline):
            last = "applied" if result.last_value_applied else "LOST"
            print(
                f"{result.name:14}{result.received:>10}{result.dropped:>9}{result.applied:>9}  {last:>10}"
                f"{result.age_p50:>9.2f}{result.age_p95:>6.2f}{result.age_max:>6.2f}"
            )
        print(f"target (no drop, last value applied, p95 at most 1.25 chunks): {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
