"""A long night with a fault every 20 seconds: does anything grow, linger or slow down?

The daemon plays on a rehearsal server that is stalled, cut off, starved, killed, taken over and flooded in turn. After
each fault the picture must be back, and a value sent by OSC must reach the server. Once a second memory, threads, file
descriptors, tasks of the media loop and the age of the picture (server to canvas, by the stamp in it) are read in
quiet moments; the first fifth of the time is warm-up, and the last fifth is compared with the one that follows it.

    python -m benchmarks.soak --minutes 30      # as in `make soak`
    python -m benchmarks.soak --minutes 3 --every 10 --only kill --only vanish

Reach: memory at most 5 MB more, no task, thread or descriptor more, the picture at most 5 ms older.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import socket
import statistics
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psutil

from benchmarks.playhouse import Daemon, Stage, daemon, stage
from benchmarks.processes import moment_of, quietly, until

PARAM: Final = "vace_context_scale"
CALM_S: Final = 3.0
MOST_MB: Final = 5.0
MOST_DRIFT_MS: Final = 5.0
FLOOD: Final = 5000
WATCHERS: Final = 10

Fault = Callable[[Stage, Daemon], None]


def close(server: Stage, show: Daemon) -> None:
    """The server ends the session and says so."""
    server.fault("drop_session", how="close")


def vanish(server: Stage, show: Daemon) -> None:
    """The server forgets the session without a word."""
    server.fault("drop_session", how="vanish")


def stall(server: Stage, show: Daemon) -> None:
    """Nothing is made for four seconds."""
    server.fault("stall", seconds=4)
    time.sleep(4.0)


def restart(server: Stage, show: Daemon) -> None:
    """The server restarts within two seconds."""
    server.fault("restart", down_seconds=2)


def kill(server: Stage, show: Daemon) -> None:
    """The server's process dies and is started again."""
    server.kill()
    time.sleep(1.0)
    server.start()


def refuse(server: Stage, show: Daemon) -> None:
    """Two offers are refused."""
    server.fault("reject", what="offer", status=503, count=2)
    server.fault("drop_session", how="vanish")


def fail_load(server: Stage, show: Daemon) -> None:
    """The pipeline fails to load once after a restart."""
    server.fault("fail_load", count=1)
    server.fault("restart")


def lose(server: Stage, show: Daemon) -> None:
    """One packet in twenty is lost for six seconds."""
    server.fault("lose_packets", fraction=0.05)
    time.sleep(6.0)


def oom(server: Stage, show: Daemon) -> None:
    """The pipeline runs out of memory."""
    server.fault("oom")


def taken(server: Stage, show: Daemon) -> None:
    """Another client loads a pipeline of its own."""
    server.load("streamdiffusionv2")


def flood(server: Stage, show: Daemon) -> None:
    """A patch gone wild: thousands of OSC messages, and datagrams that are none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wild:
        wild.connect((show.osc._address, show.osc._port))
        for number in range(FLOOD):
            show.osc.send_message(f"/bridge/param/{PARAM}", number / FLOOD)
            wild.send(b"\xff/not osc at all" * (number % 7))


def watchers(server: Stage, show: Daemon) -> None:
    """Browsers come, look at page and picture, and leave without a word."""
    with contextlib.ExitStack() as open_ones:
        for path in itertools.islice(itertools.cycle(("events", "preview.mjpeg", "monitor")), WATCHERS):
            look = urllib.request.urlopen(f"http://127.0.0.1:{show.web}/api/v1/{path}", timeout=10)
            open_ones.enter_context(contextlib.closing(look)).read(64)


def themes(server: Stage, show: Daemon) -> None:
    """Themes in quick succession, and a broken theme file that is mended."""
    folder = show.home / "scope-bridge" / "themes"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "soak.toml").write_text("version = 1\n[about\n")
    for _ in range(8):
        show.osc.send_message("/bridge/action/theme_next", 1)
    (folder / "soak.toml").unlink()


FAULTS: Final[Sequence[Fault]] = (
    close, vanish, stall, restart, kill, refuse, fail_load, lose, oom, taken, flood, watchers, themes,
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """One look at a quiet moment. ``age_ms`` is the picture's, None when its stamp could not be read."""

    t: float
    rss_mb: float
    threads: int
    descriptors: int
    tasks: int
    age_ms: float | None


def main() -> int:
    """Measure, print, and give 0 when nothing grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=20.0, help="seconds from fault to fault")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the faults")
    parser.add_argument("--only", action="append", choices=[fault.__name__ for fault in FAULTS])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    chosen = [fault for fault in FAULTS if not given.only or fault.__name__ in given.only]
    with stage() as server, daemon(server) as show:
        samples, recoveries, missed = play(server, show, chosen, given)
    figures = sum_up(samples, recoveries, missed)
    print(json.dumps(figures) if given.json else table(figures))
    return 0 if figures["reached"] else 1


def play(
    server: Stage, show: Daemon, faults: Sequence[Fault], given: argparse.Namespace
) -> tuple[list[Sample], dict[str, list[float]], float]:
    """Faults in rounds, each round in an order of its own; samples in the calm after each."""
    dice = random.Random(given.seed)
    samples: list[Sample] = []
    recoveries: dict[str, list[float]] = defaultdict(list)
    began = time.monotonic()
    missed = show.status()["program"]["missed"]
    order: list[Fault] = []
    for number in range(max(1, round(given.minutes * 60 / given.every))):
        order = order or dice.sample(faults, len(faults))
        fault = order.pop()
        calm_until(show, samples, began + number * given.every)
        recoveries[fault.__name__].append(suffer(fault, server, show, number))
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{(time.monotonic() - began) / 60:5.1f} min, {number + 1} faults, {fault.__name__:9} ")
    calm_until(show, samples, time.monotonic() + CALM_S + given.every / 2)
    return samples, recoveries, (show.status()["program"]["missed"] - missed) / (time.monotonic() - began)


def suffer(fault: Fault, server: Stage, show: Daemon, number: int) -> float:
    """One fault, until the picture is back and a value arrives; seconds from the end of the fault."""
    fault(server, show)
    ended = time.monotonic()
    server.heal()
    # The watchdogs need a moment to see what happened; until then the old picture still counts as live.
    time.sleep(1.0)
    until(lambda: quietly(show.is_live), f"the picture after {fault.__name__}")
    value = 0.5 + number % 1000 / 2000
    show.osc.send_message(f"/bridge/param/{PARAM}", value)
    return moment_of(lambda: arrived(server, value), f"a value after {fault.__name__}") - ended


def arrived(server: Stage, value: float) -> bool:
    """Whether the server holds the value, in whatever session."""
    held = (quietly(server.journal) or {"state": {}})["state"].get(PARAM)
    return held is not None and abs(held - value) < 1e-6


def calm_until(show: Daemon, samples: list[Sample], end: float) -> None:
    """Look once a second, from a few seconds after the last trouble on."""
    quiet = time.monotonic() + CALM_S
    process = psutil.Process(show.pid)
    while (now := time.monotonic()) < end:
        if now >= quiet:
            status = show.status()
            age = show.age_of_picture()
            samples.append(
                Sample(
                    now,
                    process.memory_info().rss / 1e6,
                    process.num_threads(),
                    process.num_fds(),
                    status["process"]["media_tasks"],
                    None if age is None else 1000 * age,
                )
            )
        time.sleep(min(1.0, max(0.0, end - time.monotonic())))


def sum_up(samples: Sequence[Sample], recoveries: dict[str, list[float]], missed: float) -> dict[str, Any]:
    """The last fifth against the first fifth after the warm-up."""
    if len(samples) < 10:
        raise SystemExit("Too short: give it more minutes.")
    first, last = samples[0].t, samples[-1].t
    fifth = (last - first) / 5
    early = [sample for sample in samples if first + fifth <= sample.t < first + 2 * fifth]
    late = [sample for sample in samples if sample.t >= last - fifth]

    def grown(read: Callable[[Sample], float | None]) -> dict[str, float]:
        before, after = (
            statistics.median(value for sample in part if (value := read(sample)) is not None) for part in (early, late)
        )
        return {"before": round(before, 2), "after": round(after, 2), "grown": round(after - before, 2)}

    figures: dict[str, Any] = {
        "minutes": round((last - first) / 60, 1),
        "faults": sum(map(len, recoveries.values())),
        "rss_mb": grown(lambda sample: sample.rss_mb),
        "threads": grown(lambda sample: sample.threads),
        "descriptors": grown(lambda sample: sample.descriptors),
        "media_tasks": grown(lambda sample: sample.tasks),
        "picture_age_ms": grown(lambda sample: sample.age_ms),
        "missed_ticks_per_s": round(missed, 4),
        "recovery_s": {
            name: {"median": round(statistics.median(took), 2), "worst": round(max(took), 2), "count": len(took)}
            for name, took in sorted(recoveries.items())
        },
    }
    figures["reached"] = (
        figures["rss_mb"]["grown"] <= MOST_MB
        and all(figures[name]["grown"] <= 0 for name in ("threads", "descriptors", "media_tasks"))
        and figures["picture_age_ms"]["grown"] <= MOST_DRIFT_MS
    )
    return figures


def table(figures: dict[str, Any]) -> str:
    """For people."""
    lines = [f"{figures['minutes']} minutes, {figures['faults']} faults"]
    for name in ("rss_mb", "threads", "descriptors", "media_tasks", "picture_age_ms"):
        entry = figures[name]
        lines.append(f"{name:16} {entry['before']:9.2f} -> {entry['after']:9.2f}  ({entry['grown']:+.2f})")
    lines.append(f"ticks missed a second: {figures['missed_ticks_per_s']:.4f}")
    for name, took in figures["recovery_s"].items():
        lines.append(
            f"back after {name:10} median {took['median']:5.2f} s, worst {took['worst']:5.2f} s of {took['count']}"
        )
    lines.append("reached" if figures["reached"] else "NOT reached")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
