"""Pacing: a knob turned at 60 Hz on a pipeline that takes one message per chunk. What is lost, and how old is the rest?

Subject is the whole daemon, turned by OSC datagrams; baselines are the same daemon with ``scope.aim`` off, which sends
at its own pace, and a client that sends its whole state 30 times a second. All play on the real rehearsal server (queue of eight, one message per call, newest dropped) over WebRTC, one after the
other, as often as ``--repeats`` says; the table has the medians. Age is from the moment the value was given to the pipeline call that takes it, in chunks; both processes read the
machine's monotonic clock.

    python benchmarks/pacing.py
    python benchmarks/pacing.py --seconds 10 --json
    python benchmarks/pacing.py --chunk 4 --fps 25 --repeats 5
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.stagehands import PARAM, Sender, Server, bridge_daemon, fixed_rate_sender, quantile, rehearsal

KNOB_HZ: Final = 60.0
SETTLE_CHUNKS: Final = 12
GAIN: Final = 0.6  # the part of the unaimed age that may be left, in the median


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


Opener = Callable[[Server, int], AbstractContextManager[Sender]]


def unaimed(server: Server, chunk: int) -> AbstractContextManager[Sender]:
    """The daemon as it is without knowledge of the server's calls."""
    return bridge_daemon(server, chunk, "scope.aim=false")


SENDERS: Final[tuple[tuple[str, Opener], ...]] = (
    ("bridge", bridge_daemon),
    ("aim off", unaimed),
    ("30 Hz sender", fixed_rate_sender),
)


def measure(name: str, open_sender: Opener, seconds: float, *, chunk: int, fps: float) -> Result:
    """Turn the knob for ``seconds`` and read the server's journal."""
    period = chunk / fps
    with rehearsal(chunk=chunk, fps=fps) as server, open_sender(server, chunk) as sender:
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


def middle(results: Sequence[Result]) -> Result:
    """The figures of several runs as one: medians, and whether the last value was applied every time."""
    figures = {}
    for field in fields(Result)[1:]:
        values = [getattr(result, field.name) for result in results]
        is_flag = field.name == "last_value_applied"
        figures[field.name] = all(values) if is_flag else statistics.median(values)
    figures["dropped"] = sum(result.dropped for result in results)
    return Result(results[0].name, **figures)


def main() -> int:
    """Measure all, print a table or JSON; exit 1 when the subject misses its target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the knob is turned")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each, interleaved")
    parser.add_argument("--chunk", type=int, default=12, help="frames of one pipeline call")
    parser.add_argument("--fps", type=float, default=15.0, help="frames a second the pipeline makes")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    runs: dict[str, list[Result]] = {name: [] for name, _ in SENDERS}
    for _ in range(options.repeats):
        for name, open_sender in SENDERS:
            runs[name].append(measure(name, open_sender, options.seconds, chunk=options.chunk, fps=options.fps))
    results = [middle(run) for run in runs.values()]
    subject, plain = results[:2]
    left = subject.age_p50 / plain.age_p50
    reached = subject.dropped == 0 and subject.last_value_applied and subject.age_p95 <= 1.25 and left <= GAIN
    if options.json:
        print(json.dumps({"reached": reached, "age_left": left, "results": [asdict(result) for result in results]}))
    else:
        print(f"{'':14}{'received':>10}{'dropped':>9}{'applied':>9}  last value  age p50   p95   max (chunks)")
        for result in results:
            last = "applied" if result.last_value_applied else "LOST"
            print(
                f"{result.name:14}{result.received:>10}{result.dropped:>9}{result.applied:>9}  {last:>10}"
                f"{result.age_p50:>9.2f}{result.age_p95:>6.2f}{result.age_max:>6.2f}"
            )
        target = f"no drop, last value applied, p95 at most 1.25 chunks, p50 at most {GAIN} of that without aim"
        print(f"target ({target}: {left:.2f}): {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
