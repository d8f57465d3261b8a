"""Recovery: the server is killed (SIGKILL) and started again. When is there a live picture, and with what state?

Counted from the moment the server says that its pipeline is loaded again to the first new picture in the daemon; the
The state compared is
the server's own (its parameters and its prompts). The outputs are asked how many of their ticks they missed.

    python -m benchmarks.recovery               # five kills
    python -m benchmarks.recovery --kills 10 --json
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any, Final

from benchmarks.playhouse import Daemon, Stage, daemon, stage
from benchmarks.processes import moment_of, quietly, until

LIMIT_S: Final = 3.0
PARAM: Final = "vace_context_scale"
KEPT: Final = ("prompts", "manage_cache", PARAM)
"""What the server must hold again. A transition that is over is not part of it."""


def main() -> int:
    """Measure, print, and give 0 when all is reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--down", type=float, default=3.0, help="seconds from the kill to the start")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with stage() as server, daemon(server, "audio.source=off", "show.ambient=false") as show:
        show.osc.send_message(f"/bridge/param/{PARAM}", 1.375)
        until(lambda: server.journal()["state"].get(PARAM) == 1.375, "the value")
        calm = ticks(show, given.down + 2.0)
        before = settled(server)
        runs = [kill(server, show, given.down, before) for _ in range(given.kills)]
    took = [run["picture_s"] for run in runs]
    figures = {
        "picture_s": {"median": statistics.median(took), "worst": max(took), "all": took},
        "same_state": sum(run["same_state"] for run in runs),
        "kills": given.kills,
        "missed_ticks_per_s": {
            "calm": calm,
            "through kills": sum(run["missed"] for run in runs) / sum(run["seconds"] for run in runs),
        },
        "longest_silence_of_outputs_ms": max(run["silence_ms"] for run in runs),
    }
    reached = max(took) <= LIMIT_S and figures["same_state"] == given.kills
    if given.json:
        print(json.dumps({**figures, "reached": reached}))
    else:
        print(
            f"live after the pipeline is loaded: median {statistics.median(took):.2f} s, worst {max(took):.2f} s "
            f"(at most {LIMIT_S:g} s)\n"
            f"state identical: {figures['same_state']} of {given.kills}\n"
            f"ticks missed a second: {figures['missed_ticks_per_s']['through kills']:.3f} through the kills, "
            f"{calm:.3f} before\n{'reached' if reached else 'NOT reached'}"
        )
    return 0 if reached else 1


def held(server: Stage) -> dict[str, Any]:
    """The server's state, as far as it must be the same again."""
    state = server.journal()["state"]
    return {name: state.get(name) for name in KEPT}


def settled(server: Stage) -> dict[str, Any]:
    """The server's state once it has stayed the same for a few pipeline calls."""
    state = held(server)
    while True:
        time.sleep(3.0)
        if (later := held(server)) == state:
            return state
        state = later


def kill(server: Stage, show: Daemon, down: float, before: dict[str, Any]) -> dict[str, Any]:
    """One kill and its end."""
    began, missed = time.monotonic(), show.status()["program"]["missed"]
    server.kill()
    silence = watch(show, down)
    server.start()
    loaded = moment_of(lambda: quietly(server.loaded), "the pipeline")
    frames = show.status()["scope"]["video"]["frames"]
    live = moment_of(lambda: show.status()["scope"]["video"]["frames"] > frames and show.is_live(), "the picture")
    until(lambda: server.journal()["counts"]["chunks"] > 2, "pipeline calls")
    return {
        "picture_s": live - loaded,
        "same_state": held(server) == before,
        "missed": show.status()["program"]["missed"] - missed,
        "seconds": time.monotonic() - began,
        "silence_ms": silence,
    }


def watch(show: Daemon, seconds: float) -> float:
    """Look at the outputs while nothing comes in; the longest time without a new tick, in ms (polled)."""
    end = time.monotonic() + seconds
    last, seen, longest = show.status()["program"]["ticks"], time.monotonic(), 0.0
    while time.monotonic() < end:
        now_ticks, now = show.status()["program"]["ticks"], time.monotonic()
        longest = max(longest, now - seen)
        if now_ticks != last:
            last, seen = now_ticks, now
        time.sleep(0.01)
    return 1000 * longest


def ticks(show: Daemon, seconds: float) -> float:
    """Ticks missed a second while nothing is wrong."""
    before = show.status()["program"]["missed"]
    watch(show, seconds)
    return float((show.status()["program"]["missed"] - before) / seconds)


if __name__ == "__main__":
    raise SystemExit(main())
