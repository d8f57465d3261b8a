"""OSC flood: how old is a value when it is handled, and what is lost, at 10,000 messages a second?

Subject is the bridge's OscInput, baseline python-osc's AsyncIOOSCUDPServer with one handler per address. Each runs
in a process of its own, so does the sender; runs alternate, so that a noisy machine is noisy for both. Every
message carries the time it was sent; its age is taken when the handler is called.

    python benchmarks/osc_flood.py
    python benchmarks/osc_flood.py --seconds 10 --repeats 5 --rate 20000 --json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import AsyncIOOSCUDPServer

sys.path.insert(0, str(Path(__file__).parents[1]))

from bridge.inputs.osc import OscInput, OscListenSettings, OscSettings
from bridge.inputs.osc.sockets import kernel_drops
from bridge.model.board import ProblemBoard
from bridge.model.events import OscEvent

LOOPBACK: Final = "127.0.0.1"
VALUES: Final = tuple(f"/bridge/param/p{number:02d}" for number in range(64))
TRIGGER: Final = "/bridge/action/pulse"
TRIGGER_EVERY: Final = 100
TICK_S: Final = 0.001
MAX_PER_TICK: Final = 64
"""A sender that was held up catches up at this pace; more at once would test the kernel's buffer alone."""

QUIET_S: Final = 0.3
MAX_AGE_MS: Final = 5.0


@dataclass
class Run:
    """One flood through one receiver."""

    receiver: str
    sent: int
    triggers_sent: int
    handled: int
    triggers: int
    kernel_drops: int
    newest_applied: int
    age_p50_ms: float
    age_p99_ms: float
    age_max_ms: float
    cpu: float
    received: int


class Tally:
    """What the handler of a receiver notes."""

    def __init__(self) -> None:
        self.ages: list[float] = []
        self.newest: dict[str, int] = {}
        self.triggers = 0

    def note(self, address: str, sent_at: float, number: int) -> None:
        self.ages.append(time.monotonic() - sent_at)
        if address == TRIGGER:
            self.triggers += 1
        else:
            self.newest[address] = number


def send(port: int, rate: int, seconds: float, control: Connection) -> None:
    """Send ``rate`` messages a second and report how many, and the last number of each address."""
    heads = [_head(address) for address in (*VALUES, TRIGGER)]
    pack = struct.Struct(">di").pack
    last: dict[str, int] = {}
    triggers = number = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((LOOPBACK, port))
        started = time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds:
            for _ in range(min(MAX_PER_TICK, int(elapsed * rate) - number)):
                if number % TRIGGER_EVERY == 0:
                    which, triggers = len(VALUES), triggers + 1
                else:
                    which = number % len(VALUES)
                    last[VALUES[which]] = number
                sock.send(heads[which] + pack(time.monotonic(), number))
                number += 1
            time.sleep(TICK_S)
    control.send((number, triggers, last))


def _head(address: str) -> bytes:
    raw = address.encode() + b"\0"
    return raw + b"\0" * (-len(raw) % 4) + b",di\0"


def receive_with_bridge(control: Connection) -> None:
    asyncio.run(_bridge(control))


async def _bridge(control: Connection) -> None:
    tally = Tally()

    def on_event(event: OscEvent) -> None:
        sent_at, number = event.args
        tally.note(event.address, sent_at, number)  # type: ignore[arg-type]

    osc = OscInput(
        OscSettings(listen=(OscListenSettings(port=0),)),
        on_event=on_event,
        is_trigger=lambda address: address == TRIGGER,
        board=ProblemBoard(),
    )
    await osc.start()
    port = int(osc.status()[0].address.rpartition(":")[2])
    cpu = await _until_told(control, port)
    status = osc.status()[0]
    control.send((tally.ages, tally.newest, tally.triggers, status.received, status.dropped, cpu))
    await osc.stop()


def receive_with_python_osc(control: Connection) -> None:
    asyncio.run(_python_osc(control))


async def _python_osc(control: Connection) -> None:
    tally = Tally()
    dispatcher = Dispatcher()
    for address in (*VALUES, TRIGGER):
        dispatcher.map(address, tally.note)
    server = AsyncIOOSCUDPServer((LOOPBACK, 0), dispatcher, asyncio.get_running_loop())  # type: ignore[arg-type]
    transport, _ = await server.create_serve_endpoint()
    sock: Any = transport.get_extra_info("socket")
    cpu = await _until_told(control, sock.getsockname()[1])
    with socket.socket(fileno=os.dup(sock.fileno())) as same:
        drops = kernel_drops(same)
    control.send((tally.ages, tally.newest, tally.triggers, len(tally.ages), drops, cpu))
    transport.close()


async def _until_told(control: Connection, port: int) -> float:
    """Say where we listen, run until the parent says that the flood is over, and give the CPU time it took."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(control, over.set)
    cpu = time.process_time()
    control.send(port)
    await over.wait()
    asyncio.get_running_loop().remove_reader(control)
    control.recv()
    await asyncio.sleep(QUIET_S)
    return time.process_time() - cpu


RECEIVERS: Final[dict[str, Callable[[Connection], None]]] = {
    "bridge": receive_with_bridge,
    "python-osc": receive_with_python_osc,
}


def flood(receiver: str, rate: int, seconds: float) -> Run:
    """One flood, with receiver and sender in processes of their own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    hearing = context.Process(target=RECEIVERS[receiver], args=(there,), daemon=True)
    hearing.start()
    port = here.recv()
    mine, its = context.Pipe()
    sending = context.Process(target=send, args=(port, rate, seconds, its), daemon=True)
    sending.start()
    sent, triggers_sent, last = mine.recv()
    sending.join()
    here.send("over")
    ages, newest, triggers, received, drops, cpu = here.recv()
    hearing.join()
    ages.sort()
    return Run(
        receiver=receiver,
        sent=sent,
        triggers_sent=triggers_sent,
        handled=len(ages),
        triggers=triggers,
        kernel_drops=drops,
        newest_applied=sum(newest.get(address) == number for address, number in last.items()),
        age_p50_ms=1000 * ages[len(ages) // 2],
        age_p99_ms=1000 * ages[len(ages) * 99 // 100],
        age_max_ms=1000 * ages[-1],
        cpu=cpu / seconds,
        received=received,
    )


def report(runs: list[Run]) -> dict[str, Any]:
    """Medians per receiver, their ratio, and whether the issue's figures are met."""
    figures = ("age_p50_ms", "age_p99_ms", "age_max_ms", "kernel_drops", "cpu")
    median = {
        name: {f: statistics.median(getattr(r, f) for r in runs if r.receiver == name) for f in figures}
        for name in RECEIVERS
    }
    ours = [run for run in runs if run.receiver == "bridge"]
    bridge, baseline = median["bridge"], median["python-osc"]
    return {
        "benchmark": "osc_flood",
        "runs": [asdict(run) for run in runs],
        "median": median,
        "ratio_age_p99": bridge["age_p99_ms"] / baseline["age_p99_ms"],
        "ratio_cpu": bridge["cpu"] / baseline["cpu"],
        "met": {
            "newest value applied": all(len(VALUES) - r.newest_applied <= r.kernel_drops for r in ours),
            f"age p99 at most {MAX_AGE_MS:g} ms": bridge["age_p99_ms"] <= MAX_AGE_MS,
            "nothing lost once received": all(
                r.received == r.sent - r.kernel_drops and r.triggers_sent - r.triggers <= r.kernel_drops for r in ours
            ),
            "kernel drops no more than the baseline's": sum(r.kernel_drops for r in ours)
            <= sum(r.kernel_drops for r in runs if r.receiver == "python-osc"),
        },
    }


def print_table(summary: dict[str, Any]) -> None:
    print(
        f"{'receiver':<12}{'sent':>8}{'received':>10}{'dropped':>9}{'handled':>9}{'triggers':>12}{'newest':>9}"
        f"{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'CPU':>7}"
    )
    for run in summary["runs"]:
        print(
            f"{run['receiver']:<12}{run['sent']:>8}{run['received']:>10}{run['kernel_drops']:>9}{run['handled']:>9}"
            f"{run['triggers']:>6}/{run['triggers_sent']:<5}{run['newest_applied']:>6}/{len(VALUES)}"
            f"{run['age_p50_ms']:>9.3f}{run['age_p99_ms']:>9.3f}{run['age_max_ms']:>9.2f}{run['cpu']:>7.0%}"
        )
    for name, figures in summary["median"].items():
        print(f"median {name}: " + ", ".join(f"{figure} {value:.3f}" for figure, value in figures.items()))
    print(f"age p99, bridge to baseline: {summary['ratio_age_p99']:.3f}; CPU: {summary['ratio_cpu']:.2f}")
    for figure, met in summary["met"].items():
        print(f"{'met' if met else 'NOT MET':<8} {figure}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each run (default 6)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each receiver (default 3)")
    parser.add_argument("--rate", type=int, default=10_000, help="messages a second (default 10,000)")
    parser.add_argument("--json", action="store_true", help="end with the whole result as one line of JSON")
    options = parser.parse_args()
    runs = [flood(name, options.rate, options.seconds) for _ in range(options.repeats) for name in RECEIVERS]
    summary = report(runs)
    print_table(summary)
    if options.json:
        print(json.dumps(summary))
    return 0 if all(summary["met"].values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
