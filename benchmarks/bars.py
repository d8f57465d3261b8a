"""How well the bar is found: downbeats told by the ears, and the one of the clock that follows them.

    python -m benchmarks.bars --set FOLDER [--clips] [--json]

The set is one of ``benchmarks.beats``, with ``downbeats`` in its truth; clips without them are left out. The whole ear
and the clock run hop by hop, as live. ``F`` is of the downbeats told (70 ms, first five seconds left out, as for beats);
``right`` the share of beats that the clock, set to bars of four, counts at their true place in the bar;
``sure`` the same where the clock's ``bar_confidence`` is at least a half, and ``of`` how many beats those are.
Beside them every fourth beat from the first, as a tracker without downbeats would count (``F/4``, ``right/4``), and what
the beats found would allow at best (``F best``). ``right`` needs bars of four; other clips count for ``F`` alone.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.beat_scores import SKIP_S, TOLERANCE_S, f_measure
from benchmarks.beats import clips_of
from bridge.ears import Ears, EarsSettings, ScopeTracker
from bridge.model.beatgrid import BeatGrid
from bridge.model.events import TrackedBeat
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock
from bridge.tempo import TempoClock, TempoSettings

COLUMNS = ("F", "F/4", "F best", "right", "right/4", "sure", "of")
SURE = 0.5
LATER_S = 0.05


def listen(hops: np.ndarray) -> list[TrackedBeat]:
    settings = EarsSettings()
    ears = Ears(settings, ScopeTracker(settings.min_bpm, settings.max_bpm))
    blocks = (AudioBlock(n * HOP / SAMPLE_RATE, samples) for n, samples in enumerate(hops, start=1))
    return [beat for block in blocks for beat in ears.push(block).beats]


def grids(beats: list[TrackedBeat], seconds: float, *, downbeats: bool) -> list[BeatGrid]:
    """The clock's grid every 10 ms; without ``downbeats`` it opens bars at every fourth beat from its first."""
    clock, waiting, found = TempoClock(TempoSettings()), list(beats), []
    for tick in range(int(seconds * 100)):
        now = tick / 100
        while waiting and waiting[0].announced <= now:
            beat = waiting.pop(0)
            clock.feed(beat if downbeats else TrackedBeat(beat.t, beat.announced, beat.bpm, beat.confidence), now)
        clock.advance(now)
        found.append(clock.grid)
    return found


def place_shares(grid_at: list[BeatGrid], beats: np.ndarray, downs: np.ndarray) -> tuple[float, float, float]:
    """Share of the beats that are counted at their place in the bar; the same of the sure ones; share of those."""
    right, sure = [], []
    for t in beats:
        bar = int(np.searchsorted(downs, t + 0.02)) - 1
        if bar < 0:
            continue
        place = int(((beats > downs[bar] + 0.02) & (beats < t + 0.02)).sum())
        grid = grid_at[min(round((t + LATER_S) * 100), len(grid_at) - 1)]
        right.append(grid.bpm is not None and grid.in_bar_at(t + 0.1 * (grid.period or 0.0)) == place)
        sure.append(grid.bar_confidence >= SURE)
    told = [r for r, s in zip(right, sure, strict=True) if s]
    return float(np.mean(right)), float(np.mean(told)) if told else float("nan"), float(np.mean(sure))


def measure(hops: np.ndarray, beats: np.ndarray, downs: np.ndarray, start: float, out: tuple) -> dict[str, float]:
    def scored(times: np.ndarray) -> np.ndarray:
        keep = np.ones(len(times), bool)
        for a, b in out:
            keep &= (times < a) | (times > b)
        return times[keep]

    def f(found: np.ndarray) -> float:
        found = scored(found)
        return f_measure(truth, found[found >= start + SKIP_S - TOLERANCE_S], TOLERANCE_S)

    heard = listen(hops)
    times = np.array([beat.announced for beat in heard])
    told = np.array([beat.announced for beat in heard if beat.downbeat])
    truth = scored(downs)
    truth = truth[truth >= start + SKIP_S]
    row = {"F": f(told), "F/4": f(times[::4]), "F best": max(f(times[k::4]) for k in range(4))}
    if np.median([((beats > a - 0.02) & (beats < b - 0.02)).sum() for a, b in itertools.pairwise(downs)]) == 4:
        seconds = len(hops) * HOP / SAMPLE_RATE
        late = scored(beats)
        late, ones = late[late >= start + SKIP_S], truth
        row["right"], row["sure"], row["of"] = place_shares(grids(heard, seconds, downbeats=True), late, ones)
        row["right/4"] = place_shares(grids(heard, seconds, downbeats=False), late, ones)[0]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, metavar="FOLDER", required=True, help="a folder of clips with their truth")
    parser.add_argument("--clips", action="store_true", help="also a line for every clip")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows: dict[str, list[dict[str, float]]] = defaultdict(list)
    for clip, hops, truth in clips_of(given.set):
        downs = np.array(json.loads((given.set / f"{clip}.json").read_text()).get("downbeats", []), float)
        if len(downs) < 5:
            continue
        row = measure(hops, truth.beats, downs, truth.start or 0.0, (*truth.silent, *truth.unclear))
        for family in {"all", truth.family}:
            rows[family].append(row)
        if given.clips:
            print(f"{clip[:34]:34}" + cells(row), flush=True)
    means = {
        family: {"clips": len(found)}
        | {name: float(np.nanmean([row[name] for row in found if name in row])) for name in COLUMNS}
        for family, found in rows.items()
    }
    if given.json:
        print(json.dumps(means))
        return
    print(f"{'family':28}{'clips':>6}" + "".join(f"{name:>9}" for name in COLUMNS))
    for family, row in sorted(means.items()):
        print(f"{family:28}{row['clips']:>6}" + cells(row))


def cells(row: dict[str, float]) -> str:
    return "".join(f"{row[name]:9.3f}" if name in row else f"{'-':>9}" for name in COLUMNS)


if __name__ == "__main__":
    main()
