"""How evenly the clock is handed on: MIDI clock ticks against a loop that sleeps, and a Link peer's beat against ours.

    python -m benchmarks.clock_out               # about a minute

MIDI: when each tick is sent, at 126 BPM, alone and beside two threads that work as the ears and the program do. The
naive sender sleeps a tick's length between ticks. Link: a real peer in a network namespace of its own, which was there
first with another tempo; when its beats come, against the grid. Needs the package aalink, ``unshare`` and ``ip``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bridge.feedback import MidiClockOut, MidiClockOutSettings  # noqa: E402 - run as a script, the tree is not installed
from bridge.feedback.clock_ticks import CLOCK, PPQN  # noqa: E402
from bridge.inputs.link import LinkInput, LinkSettings  # noqa: E402
from bridge.model.beatgrid import BeatGrid  # noqa: E402
from bridge.model.board import ProblemBoard  # noqa: E402

BPM: Final = 126.0
TICK_S: Final = 60.0 / BPM / PPQN
MULTICAST: Final = "ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo"


class Recorder:
    """A MIDI system with one port, which writes down when ticks are sent."""

    name = "recorder"

    def __init__(self) -> None:
        self.times: list[float] = []

    def find(self, pattern: str) -> str:
        """See ClockPorts."""
        return pattern

    def open(self, name: str) -> Recorder:
        """See ClockPorts."""
        return self

    def open_virtual(self, name: str) -> Recorder:
        """See ClockPorts."""
        return self

    def alive(self) -> bool:
        """See ClockPorts."""
        return True

    def send(self, message: Sequence[int]) -> None:
        """See ClockPort."""
        if message == CLOCK:
            self.times.append(time.monotonic())

    def close(self) -> None:
        """See ClockPorts."""


def work(period: float, seconds: float, stop: threading.Event) -> None:
    """Python work for ``seconds`` out of each ``period``."""
    due = time.monotonic()
    while not stop.wait(max(0.0, due - time.monotonic())):
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            sum(range(200))
        due = max(due + period, time.monotonic())


def send_midi(how: str, seconds: float, busy: bool) -> None:
    """Send ticks and print their times, as offsets from where the grid has them."""
    stop, recorder, began = threading.Event(), Recorder(), time.monotonic()
    threads = [
        threading.Thread(target=work, args=(1 / 86, 0.0003, stop)),
        threading.Thread(target=work, args=(1 / 30, 0.002, stop)),
    ]
    for thread in threads if busy else []:
        thread.start()
    if how == "ours":
        grid = BeatGrid(bpm=BPM, anchor=began)
        out = MidiClockOut(
            MidiClockOutSettings(enabled=True, port="recorder"),
            grid=lambda: grid,
            follows=lambda: "",
            connect=lambda: recorder,
            board=ProblemBoard(),
        )
        out.start()
        time.sleep(seconds)
        out.stop()
    else:
        while time.monotonic() - began < seconds:
            recorder.send(CLOCK)
            time.sleep(TICK_S)
    stop.set()
    print(json.dumps([t - began for t in recorder.times]))


def midi_row(label: str, processes: dict[str, subprocess.Popen[str]]) -> None:
    """One line of the table for each sender."""
    for how, process in processes.items():
        times = np.array(json.loads(process.communicate()[0])) * 1000
        ticks = np.arange(len(times))
        drift = np.median((times - times[0] - ticks * TICK_S * 1000)[-PPQN:]) * 60_000 / (times[-1] - times[0])
        # Each is judged by a straight line of its own, so that the sleeper's drift does not count twice.
        off = np.abs(times - np.polyval(np.polyfit(ticks, times, 1), ticks))
        print(
            f"MIDI, {label:5}  {how:5}  {len(times):4} ticks, off their line: sd {np.sqrt(np.mean(off**2)):6.2f}, "
            f"p99 {np.percentile(off, 99):6.2f} ms; drift in a minute {drift:+8.1f} ms"
        )


async def lead(seconds: float) -> None:
    """Lead a Link session, and print the grid."""
    grid = BeatGrid(bpm=BPM, anchor=time.monotonic())
    print(json.dumps([grid.anchor]), flush=True)
    link = LinkInput(LinkSettings(enabled=True, mode="lead"), on_event=print, grid=lambda: grid, board=ProblemBoard())
    task = asyncio.create_task(link.run())
    await asyncio.sleep(seconds)
    print(link.status(), file=sys.stderr)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def follow() -> None:
    """A peer with a tempo of its own that prints when its beats come."""
    import aalink

    link: Any = aalink.Link(90.0)
    link.enabled, link.quantum = True, 4.0
    while True:
        beat = await link.sync(1)
        print(json.dumps([time.monotonic(), beat, link.tempo]), flush=True)


def link_rows(seconds: float) -> None:
    """Peer and leader in one namespace; how far the peer's beats are from the grid's."""
    me = [sys.executable, "-m", "benchmarks.clock_out"]
    peer = subprocess.Popen([*me, "--worker", "follow"], stdout=subprocess.PIPE, text=True)
    assert peer.stdout is not None
    for _ in range(4):
        peer.stdout.readline()
    leader = subprocess.Popen([*me, "--worker", "lead", "--seconds", str(seconds)], stdout=subprocess.PIPE, text=True)
    anchor = float(json.loads(leader.communicate()[0])[0])
    peer.terminate()
    beats = [
        (t, beat) for t, beat, _ in map(json.loads, peer.stdout.read().splitlines()) if anchor <= t < anchor + seconds
    ]
    off = [(t - anchor, ((t - anchor) * BPM / 60 - beat + 2) % 4 - 2) for t, beat in beats]
    outside = [t for t, beats_off in off if abs(beats_off) * 60 / BPM > 0.010]
    settled = outside[-1] if outside else 0.0
    errors = np.array([beats_off * 60_000 / BPM for t, beats_off in off if t > settled])
    print(
        f"Link, a peer at 90 BPM is led to {BPM:.0f}: in step after {settled:.1f} s; then {len(errors)} beats, "
        f"median off {np.median(np.abs(errors)):.2f} ms, largest {np.abs(errors).max():.2f} ms"
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", choices=["ours", "naive", "lead", "follow", "link"], help=argparse.SUPPRESS)
    parser.add_argument("--busy", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=30.0, help="seconds of each measurement (30)")
    given = parser.parse_args()
    if given.worker in ("ours", "naive"):
        send_midi(given.worker, given.seconds, given.busy)
    elif given.worker == "link":
        link_rows(given.seconds)
    elif given.worker is not None:
        asyncio.run(lead(given.seconds) if given.worker == "lead" else follow())
    else:
        me = [sys.executable, "-m", "benchmarks.clock_out", "--seconds", str(given.seconds)]
        for label, more in (("alone", []), ("busy", ["--busy"])):
            senders = {
                how: subprocess.Popen([*me, *more, "--worker", how], cwd=ROOT, stdout=subprocess.PIPE, text=True)
                for how in ("ours", "naive")
            }
            midi_row(label, senders)
        inside = ["unshare", "-rn", "sh", "-ec", f'{MULTICAST}; exec "$@"', "sh", *me, "--worker", "link"]
        return subprocess.run(inside, cwd=ROOT).returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
