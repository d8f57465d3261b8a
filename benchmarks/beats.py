"""Beat trackers beside each other over whole clips: aubio and ours in the same run, per family.

    python -m benchmarks.beats --set FOLDER [--trackers scope,aubio] [--clips] [--json]
    python -m benchmarks.beats [--songs 60]

A set is a folder of FLAC or WAV files, each with its truth beside it in JSON (beats in seconds; regions
``silent`` and ``ambiguous``; events ``start``, ``tempo_change``, ``cut``, ``resume``; family). Without one, songs are
made by the project's own generator from seeds that training never uses (needs scipy and libfluidsynth:
training/README.md); every fourth of them changes to another song halfway.

The whole ear runs hop by hop, as live. A beat counts when a listener is told of it, or when it is scheduled if that is
later (``announced``). F and F40 within 70 and 40 ms, AMLt, seconds to lock (median, p90) and to lock again after a
change, false beats a minute where there is no music, announced error (median of the clips' medians, and of their
95th percentiles), CPU time of the tracker alone, as a share of real time and per hop.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.beat_scores import Truth, score
from bridge.ears import AubioTracker, Ears, EarsSettings, ScopeTracker, Track, Tracker
from bridge.inputs.audio import Mixer, read_blocks
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

UNSEEN = 90_000_000
TRACKERS = {
    "scope": lambda settings: ScopeTracker(settings.min_bpm, settings.max_bpm),
    "aubio": lambda settings: AubioTracker(settings.min_bpm, settings.max_bpm),
}
COLUMNS = (
    ("F", "F", ".3f"),
    ("F40", "F40", ".3f"),
    ("CMLt", "CMLt", ".3f"),
    ("AMLt", "AMLt", ".3f"),
    ("lock_s", "lock", ".1f"),
    ("lock90_s", "lock90", ".1f"),
    ("relock_s", "relock", ".1f"),
    ("false_per_min", "false/min", ".1f"),
    ("error_ms", "err ms", "+.1f"),
    ("error95_ms", "p95 ms", ".1f"),
)


class Timed:
    """A tracker with a stopwatch."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self.name = tracker.name
        self.hops: list[float] = []

    def push(self, samples: np.ndarray, *, gated: bool) -> Track:
        before = time.thread_time()
        track = self._tracker.push(samples, gated=gated)
        self.hops.append(time.thread_time() - before)
        return track


def clips_of(folder: Path) -> Iterator[tuple[str, np.ndarray, Truth]]:
    """Name, hops of samples and truth of every clip of a set."""
    for path in sorted(folder.glob("*.json")):
        sound = next((path.with_suffix(s) for s in (".flac", ".wav") if path.with_suffix(s).exists()), None)
        if sound is None:
            continue
        told = json.loads(path.read_text())
        spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for region in told.get("regions", []):
            spans[region["kind"]].append((region["t0"], region["t1"]))
        events = told.get("events", [])
        truth = Truth(
            seconds=told["dur"],
            beats=np.array(told["beats"], float),
            family=told.get("family", "all"),
            start=next((e["t"] for e in events if e["kind"] == "start"), None),
            changes=tuple(e["t"] for e in events if e["kind"] != "start"),
            silent=tuple(spans["silent"]),
            unclear=tuple(spans["ambiguous"]),
        )
        yield path.stem, np.stack([block.samples for block in read_blocks(sound, Mixer(()))]), truth


def made_clips(count: int) -> Iterator[tuple[str, np.ndarray, Truth]]:
    """Songs that no training has seen."""
    from training.generate import song
    from training.soundfont import Fluid

    fluid = Fluid()
    for seed in range(UNSEEN, UNSEEN + count):
        samples, beats, _ = song(seed, fluid)
        seconds, changes = len(samples) / SAMPLE_RATE, ()
        if seed % 4 == 3 and len(beats):
            half = int(seconds / 2 * SAMPLE_RATE)
            other, more, _ = song(seed + 50_000_000, fluid)
            samples = np.concatenate((samples[:half], other[: len(samples) - half]))
            middle, seconds = half / SAMPLE_RATE, len(samples) / SAMPLE_RATE
            beats = np.concatenate((beats[beats < middle - 0.02], more[more < seconds - middle] + middle))
            changes = (middle,) if len(more) else ()
        silent = () if len(beats) else ((0.0, seconds),)
        start = float(beats[0]) if len(beats) else None
        hops = samples[: len(samples) // HOP * HOP].reshape(-1, HOP).astype(np.float32)
        yield str(seed), hops, Truth(seconds, beats, "made", start, changes, silent)


def listen(hops: np.ndarray, tracker: Timed, settings: EarsSettings) -> np.ndarray:
    """The times at which beats were announced."""
    ears = Ears(settings, tracker)
    told = []
    for n, samples in enumerate(hops, start=1):
        told += [beat.announced for beat in ears.push(AudioBlock(n * HOP / SAMPLE_RATE, samples)).beats]
    return np.array(told)


class Figures:
    """Collects what clips say and sums it up."""

    def __init__(self) -> None:
        self._lists: dict[str, list[float]] = defaultdict(list)
        self.clips = 0

    def add(self, figures: dict[str, list[float]]) -> None:
        self.clips += 1
        for name, values in figures.items():
            self._lists[name] += values

    def row(self) -> dict[str, Any]:
        lists = self._lists
        row: dict[str, Any] = {"clips": self.clips}
        row |= {name: float(np.mean(lists[name])) for name in ("F", "F40", "CMLt", "AMLt") if lists[name]}
        row |= {
            name: float(np.median(lists[name]))
            for name in ("lock_s", "relock_s", "error_ms", "error95_ms")
            if lists[name]
        }
        if lists["lock_s"]:
            row["lock90_s"] = float(np.percentile(lists["lock_s"], 90))
        if lists["quiet_s"]:
            row["false_per_min"] = 60 * sum(lists["false"]) / sum(lists["quiet_s"])
        return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, metavar="FOLDER", help="a folder of clips with their truth")
    parser.add_argument("--songs", type=int, default=60, help="how many to make without --set")
    parser.add_argument("--trackers", default="scope,aubio", help="which, with commas between")
    parser.add_argument("--clips", action="store_true", help="also a line for every clip")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    settings, names = EarsSettings(), given.trackers.split(",")
    figures: dict[tuple[str, str], Figures] = defaultdict(Figures)
    heard, hops_s = 0.0, {name: [] for name in names}
    for clip, hops, truth in clips_of(given.set) if given.set else made_clips(given.songs):
        heard += len(hops) * HOP / SAMPLE_RATE
        line = []
        for name in names:
            tracker = Timed(TRACKERS[name](settings))
            got = score(truth, listen(hops, tracker, settings))
            for family in ("all", truth.family) if truth.family != "all" else ("all",):
                figures[family, name].add(got)
            hops_s[name] += tracker.hops
            line.append(
                f"{name} "
                + (f"{got['F'][0]:.2f}/{got['AMLt'][0]:.2f}" if "F" in got else f"false {got['false'][0]:.0f}")
            )
        if given.clips:
            print(f"{clip[:40]:40} {'   '.join(line)}", flush=True)
    cost = {
        name: {
            "cpu_percent": 100 * sum(hops_s[name]) / heard,
            "hop_us_p50": 1e6 * np.median(hops_s[name]),
            "hop_us_p99": 1e6 * np.percentile(hops_s[name], 99),
        }
        for name in names
    }
    rows = [{"family": family, "tracker": name} | kept.row() for (family, name), kept in sorted(figures.items())]
    if given.json:
        print(json.dumps({"rows": rows, "cost": cost}))
        return
    print(f"{'family':12}{'tracker':9}{'clips':>6}" + "".join(f"{title:>10}" for _, title, _ in COLUMNS))
    for row in rows:
        cells = "".join(f"{format(row[key], form) if key in row else '-':>10}" for key, _, form in COLUMNS)
        print(f"{row['family']:12}{row['tracker']:9}{row['clips']:>6}{cells}")
    for name, spent in cost.items():
        print(
            f"{name}: {spent['cpu_percent']:.2f} % of a core, {spent['hop_us_p50']:.0f} us a hop, p99 {spent['hop_us_p99']:.0f} us"
        )


if __name__ == "__main__":
    main()
