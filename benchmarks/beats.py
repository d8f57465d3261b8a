"""Beat trackers beside each other over whole clips: aubio and ours in the same run, per family.

    python -m benchmarks.beats --set FOLDER [--set FOLDER ...] [--trackers scope,aubio] [--clips] [--json]
    python -m benchmarks.beats [--songs 40] [--no-music 30]

A set is a folder of FLAC or WAV files, each with its truth beside it in JSON (beats in seconds; regions
``silent`` and ``ambiguous``; events ``start``, ``tempo_change``, ``cut``, ``resume``; family). Without one, songs of 40 s
and recordings of 20 s without music are made by the project's own generator from seeds that training never uses (needs
scipy and libfluidsynth: training/README.md); every fourth song changes to another one halfway.

The whole ear runs hop by hop, as live, and is judged twice. ``announced``: a beat counts when a listener is told of it,
or when it is scheduled if that is later. ``scheduled``: what a listener gets who fires each beat by foretelling it from
those before (``beat_scores.foretold``), the same for every tracker. F and F40 within 70 and 40 ms, AMLt, seconds to lock
(median, p90) and to lock again after a change, false beats a minute where there is no music, error (median of the
clips' medians, and of their 95th percentiles), CPU time of the tracker alone, as a share of real time and per hop.
Rows: all clips, each family, and at the end the worst family by F.
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

from benchmarks.beat_scores import Truth, foretold, score
from bridge.ears import AubioTracker, Ears, EarsSettings, ScopeTracker, Track, Tracker
from bridge.inputs.audio import Mixer, read_blocks
from bridge.model.events import TrackedBeat
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

UNSEEN = 90_000_000
TRACKERS = {
    "scope": lambda settings: ScopeTracker(settings.min_bpm, settings.max_bpm),
    "aubio": lambda settings: AubioTracker(settings.min_bpm, settings.max_bpm),
}
MODES = ("announced", "scheduled")
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

    def push(self, samples: np.ndarray, *, gated: bool, amplitudes: np.ndarray | None = None) -> Track:
        del amplitudes  # a tracker alone makes its own, and is timed with that
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


def made_clips(songs: int, without: int) -> Iterator[tuple[str, np.ndarray, Truth]]:
    """Songs that no training has seen, and recordings without music."""
    from training.generate import song
    from training.mix import no_music
    from training.soundfont import Fluid

    fluid = Fluid()
    for seed in range(UNSEEN, UNSEEN + songs):
        samples, beats, _ = song(seed, fluid)
        if not len(beats):
            yield _without_music(seed, samples)
            continue
        seconds, changes = len(samples) / SAMPLE_RATE, ()
        if seed % 4 == 3:
            half = int(seconds / 2 * SAMPLE_RATE)
            other, more, _ = song(seed + 50_000_000, fluid)
            samples = np.concatenate((samples[:half], other[: len(samples) - half]))
            middle, seconds = half / SAMPLE_RATE, len(samples) / SAMPLE_RATE
            beats = np.concatenate((beats[beats < middle - 0.02], more[more < seconds - middle] + middle))
            changes = (middle,) if len(more) else ()
        yield str(seed), _hops(samples), Truth(seconds, beats, "made", float(beats[0]), changes)
    for seed in range(UNSEEN, UNSEEN + without):
        yield _without_music(seed, no_music(np.random.default_rng(seed), 20.0))


def _without_music(seed: int, samples: np.ndarray) -> tuple[str, np.ndarray, Truth]:
    seconds = len(samples) / SAMPLE_RATE
    truth = Truth(seconds, np.zeros(0), "no music", None, silent=((0.0, seconds),))
    return f"{seed} without music", _hops(samples), truth


def _hops(samples: np.ndarray) -> np.ndarray:
    return samples[: len(samples) // HOP * HOP].reshape(-1, HOP).astype(np.float32)


def listen(hops: np.ndarray, tracker: Timed, settings: EarsSettings) -> list[TrackedBeat]:
    """The beats in the order heard."""
    ears = Ears(settings, tracker)
    told: list[TrackedBeat] = []
    for n, samples in enumerate(hops, start=1):
        told += ears.push(AudioBlock(n * HOP / SAMPLE_RATE, samples)).beats
    return told


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


class Report:
    """What each tracker reached in one set."""

    def __init__(self, name: str, trackers: list[str]) -> None:
        self.name = name
        self._figures: dict[tuple[str, str, str], Figures] = defaultdict(Figures)
        self._hops: dict[str, list[float]] = {tracker: [] for tracker in trackers}

    def listen(self, tracker: str, hops: np.ndarray, truth: Truth, settings: EarsSettings) -> dict[str, list[float]]:
        """Run one tracker over one clip; its figures as announced."""
        timed = Timed(TRACKERS[tracker](settings))
        beats = listen(hops, timed, settings)
        self._hops[tracker] += timed.hops
        announced = np.array([beat.announced for beat in beats])
        told = {"announced": announced, "scheduled": foretold(np.array([beat.t for beat in beats]), announced)}
        got = {mode: score(truth, times) for mode, times in told.items()}
        for mode, figures in got.items():
            for family in {"all", truth.family}:
                self._figures[mode, family, tracker].add(figures)
        return got["announced"]

    def rows(self) -> list[dict[str, Any]]:
        """All clips first, then every family, then the worst one again."""
        rows = [
            {"set": self.name, "mode": mode, "family": family, "tracker": tracker} | kept.row()
            for (mode, family, tracker), kept in sorted(self._figures.items())
        ]
        for mode in MODES:
            for tracker in self._hops:
                of = [r for r in rows if (r["mode"], r["tracker"]) == (mode, tracker) and r["family"] != "all"]
                judged = [row for row in of if "F" in row]
                if len(judged) > 1:
                    worst = min(judged, key=lambda row: float(row["F"]))
                    rows.append(worst | {"family": f"worst: {worst['family']}"})
        return rows

    def cost(self) -> dict[str, dict[str, float]]:
        """CPU of each tracker, in percent of a core and microseconds a hop."""
        return {
            tracker: {
                "cpu_percent": 100 * sum(hops) / (len(hops) * HOP / SAMPLE_RATE),
                "hop_us_p50": 1e6 * float(np.median(hops)),
                "hop_us_p99": 1e6 * float(np.percentile(hops, 99)),
            }
            for tracker, hops in self._hops.items()
            if hops
        }

    def show(self) -> None:
        rows = self.rows()
        for mode in MODES:
            print(f"{self.name}, {mode}")
            print(f"{'family':18}{'tracker':9}{'clips':>6}" + "".join(f"{title:>10}" for _, title, _ in COLUMNS))
            for row in rows:
                if row["mode"] == mode:
                    cells = "".join(f"{format(row[key], form) if key in row else '-':>10}" for key, _, form in COLUMNS)
                    print(f"{row['family']:18}{row['tracker']:9}{row['clips']:>6}{cells}")
        for tracker, spent in self.cost().items():
            print(
                f"{tracker}: {spent['cpu_percent']:.2f} % of a core, {spent['hop_us_p50']:.0f} us a hop, "
                f"p99 {spent['hop_us_p99']:.0f} us"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, metavar="FOLDER", action="append", help="clips with their truth")
    parser.add_argument("--songs", type=int, default=40, help="how many to make without --set")
    parser.add_argument("--no-music", type=int, default=30, help="how many recordings without music to make")
    parser.add_argument("--trackers", default="scope,aubio", help="which, with commas between")
    parser.add_argument("--clips", action="store_true", help="also a line for every clip")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    settings, trackers = EarsSettings(), given.trackers.split(",")
    reports = []
    for folder in given.set or (None,):
        report = Report(str(folder or "made songs"), trackers)
        for clip, hops, truth in clips_of(folder) if folder else made_clips(given.songs, given.no_music):
            got = {tracker: report.listen(tracker, hops, truth, settings) for tracker in trackers}
            if given.clips:
                print(
                    f"{clip[:40]:40} " + "   ".join(f"{name} {in_short(found)}" for name, found in got.items()),
                    flush=True,
                )
        reports.append(report)
        if not given.json:
            report.show()
    if given.json:
        print(json.dumps([{"rows": report.rows(), "cost": report.cost()} for report in reports]))


def in_short(figures: dict[str, list[float]]) -> str:
    """F, AMLt and seconds to lock of one clip; where there is no music, false beats."""
    if "F" not in figures:
        return f"false {figures['false'][0]:.0f} in {figures['quiet_s'][0]:.0f} s" if "false" in figures else "-"
    lock = f"/{figures['lock_s'][0]:.1f} s" if "lock_s" in figures else ""
    return f"{figures['F'][0]:.2f}/{figures['AMLt'][0]:.2f}{lock}"


if __name__ == "__main__":
    main()
