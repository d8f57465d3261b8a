"""The one clock: is its uncertainty honest, and does the lead change hands without a jolt?

    python -m benchmarks.clock [--set FOLDER]

First every source alone with its own kind of noise: how far predicted beats are from the true ones, what the clock
says of that (``BeatGrid.predict``), and how many of the true beats lie within one standard deviation (68 % if honest).
Then every change of leader over many seeds, where the sources agree and where they do not, against a clock that
switches at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.beats import clips_of  # noqa: E402 - run as a script, the tree is not installed
from bridge.ears import Ears, EarsSettings, ScopeTracker  # noqa: E402
from bridge.model.events import BeatEvent, BpmReport, MidiClockEvent, TapEvent, TrackedBeat  # noqa: E402
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock  # noqa: E402
from bridge.tempo import TempoClock, TempoSettings  # noqa: E402
from bridge.tempo.clock import TempoEvent  # noqa: E402

AHEAD = (1, 4, 16)
SETTLED_BEATS = 8
MUSIC_SETTLED_S = 8.0
SEEDS = range(40)
HONEST = (0.55, 0.90)
FLOOR_MS = 1.0
"""Below this the clock says more than it sees, for what drivers and networks add."""
AGREE_S = 0.020
CLEAR_S = 0.002
"""This near to the limit, the noise of the sources decides."""
ON_BEAT_S = 0.008
MAX_MOVE_S = 0.005
MAX_ANCHOR_BEATS = 2


@dataclass(frozen=True)
class Beats:
    """True beats: the first at ``start``, ``count`` of them at ``bpm``."""

    start: float
    bpm: float
    count: int

    @property
    def period(self) -> float:
        """Seconds per beat."""
        return 60.0 / self.bpm

    def times(self, per_beat: int = 1) -> np.ndarray:
        """Times of the beats, or of ``per_beat`` even parts of each."""
        return self.start + np.arange(self.count * per_beat) * self.period / per_beat

    def off(self, t: float) -> float:
        """Seconds from the nearest beat (of a line without end) to ``t``."""
        beats = (t - self.start) / self.period
        return float(beats - np.round(beats)) * self.period


Source = Callable[[Beats, np.random.Generator], list[TempoEvent]]


def midi(jitter_s: float) -> Source:
    """MIDI clock with Gaussian jitter on every tick."""

    def events(beats: Beats, rng: np.random.Generator) -> list[TempoEvent]:
        exact = beats.times(24)
        times = np.maximum.accumulate(exact + rng.normal(0.0, jitter_s, len(exact)))
        return [MidiClockEvent(float(t), "deck", "clock") for t in times]

    return events


def audio(jitter_s: float, missed: float = 0.0, beside_s: float = 0.0) -> Source:
    """Heard beats with Gaussian jitter, some of them missed, the tempo told to half a percent.

    ``beside_s``: a tracker stays beside the beat for a whole song, this much (standard deviation over songs).
    """

    def events(beats: Beats, rng: np.random.Generator) -> list[TempoEvent]:
        exact = beats.times()
        times = exact + rng.normal(0.0, beside_s) + rng.normal(0.0, jitter_s, len(exact))
        told = beats.bpm * (1.0 + rng.normal(0.0, 0.005, len(exact)))
        kept = rng.random(len(exact)) >= missed
        return [
            TrackedBeat(float(t), float(t), float(bpm), 0.8)
            for t, bpm, keep in zip(times, told, kept, strict=True)
            if keep
        ]

    return events


def tap(jitter_s: float, taps: int = 8) -> Source:
    """A person who taps the first ``taps`` beats."""

    def events(beats: Beats, rng: np.random.Generator) -> list[TempoEvent]:
        return [TapEvent(float(t + rng.normal(0.0, jitter_s))) for t in beats.times()[:taps]]

    return events


def told(source: str, late_s: float, *, bpm: bool = True) -> Source:
    """A program that tells each beat up to ``late_s`` late."""

    def events(beats: Beats, rng: np.random.Generator) -> list[TempoEvent]:
        return [
            BpmReport(float(t + rng.uniform(0.0, late_s)), beats.bpm if bpm else None, number, source=source)  # type: ignore[arg-type]
            for number, t in enumerate(beats.times())
        ]

    return events


@dataclass
class Run:
    """What a clock gave while it was fed: its beats, and who led from when."""

    clock: TempoClock
    now: float = 0.0
    beats: list[BeatEvent] = field(default_factory=list)
    led: list[tuple[float, str]] = field(default_factory=list)
    on_beat: Callable[[BeatEvent], None] = lambda beat: None

    def play(self, events: Iterable[TempoEvent], end: float) -> Run:
        """Feed events in the order of their times, and give every beat at its own."""
        for event in sorted(events, key=lambda one: one.t):
            self._advance(event.t)
            self.clock.feed(event, event.t)
            self._note(event.t)
        self._advance(end)
        return self

    def _advance(self, end: float) -> None:
        while self.now < end:
            due = self.clock.next_due(self.now)
            step = end if due is None else min(end, max(due, self.now + 1e-6))
            self.now = min(step, self.now + 0.25)
            for beat in self.clock.advance(self.now):
                self.beats.append(beat)
                self.on_beat(beat)
            self._note(self.now)

    def _note(self, t: float) -> None:
        source = self.clock.grid.source
        if not self.led or self.led[-1][1] != source:
            self.led.append((t, source))


def calibrate(source: Source, beats: int, seeds: int) -> dict[int, tuple[float, float, float]]:
    """Over true runs of ``beats``, for each number of beats ahead: (root mean square error in ms, mean sd said in ms, share within one sd)."""
    found: dict[int, list[tuple[float, float]]] = {n: [] for n in AHEAD}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        truth = Beats(1.0 + rng.random(), rng.uniform(100.0, 150.0), beats)
        run = Run(TempoClock(TempoSettings(hold_s=30.0)))
        settled = truth.start + SETTLED_BEATS * truth.period

        def look(beat: BeatEvent, run: Run = run, truth: Beats = truth, settled: float = settled) -> None:
            if beat.t < settled:
                return
            for n in AHEAD:
                predicted = run.clock.grid.predict(beat.t + 1e-6, n)
                if predicted is not None:
                    found[n].append((truth.off(predicted.time), predicted.sd_s))

        run.on_beat = look
        run.play(source(truth, rng), truth.start + truth.count * truth.period)
    return {n: summed_up(pairs) for n, pairs in found.items()}


def summed_up(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Of pairs of error and sd said, in seconds: error (root mean square) and mean sd in ms, share within one sd."""
    errors, said = np.array(pairs).T
    rms = float(np.sqrt(np.mean(errors**2)))
    return rms * 1e3, float(said.mean() * 1e3), float(np.mean(np.abs(errors) <= said))


def music(folder: Path) -> dict[int, tuple[float, float, float]]:
    """The same for the whole ear on the clips of a set (``benchmarks.beats``): where it is on the beat, how near."""
    found: dict[int, list[tuple[float, float]]] = {n: [] for n in AHEAD}
    for _, hops, truth in clips_of(folder):
        settings = EarsSettings()
        ears, clock = Ears(settings, ScopeTracker(settings.min_bpm, settings.max_bpm)), TempoClock()
        for number, samples in enumerate(hops, start=1):
            now = number * HOP / SAMPLE_RATE
            for heard in ears.push(AudioBlock(now, samples)).beats:
                clock.feed(heard, now)
            if not clock.advance(now) or now < MUSIC_SETTLED_S:
                continue
            for n in AHEAD:
                predicted, period = clock.grid.predict(now, n), clock.grid.period
                if predicted is None or period is None or predicted.time > truth.beats[-1]:
                    continue
                error = float(np.abs(truth.beats - predicted.time).min())
                if error < period / 4:
                    found[n].append((error, predicted.sd_s))
    return {n: summed_up(pairs) for n, pairs in found.items()}


def lengths(name: str) -> tuple[int, int]:
    """Beats and seeds of a calibration: taps soon know nothing, MIDI clock takes long."""
    return (12, 48) if "taps" in name else (40, 12 if "MIDI" in name else 48)


@dataclass(frozen=True)
class HandOver:
    """One change of leader."""

    move_s: float
    anchor_beats: int
    broken: int
    at_once_move_s: float
    at_once_broken: int


def hand_over(first: Source, second: Source, names: tuple[str, str], *, agree: bool, seed: int) -> HandOver | None:
    """Play ``first``, then ``second`` beside or after it.

    None where the lead did not change, or where the sources at that time were not (or were) within 20 ms: a tapped
    tempo, and one that differs, drift.
    """
    rng = np.random.default_rng(seed)
    bpm = rng.uniform(100.0, 150.0)
    before = Beats(1.0, bpm, 40)
    apart = rng.uniform(-AGREE_S, AGREE_S) if agree else rng.uniform(-0.5, 0.5) * before.period
    other_bpm = bpm if agree else bpm * rng.uniform(0.94, 1.06)
    lasts = names[1] in ("audio", "tap")
    after = Beats(before.start + 20 * before.period + apart, other_bpm, 80)
    heard = first(before, rng)
    if lasts and names[0] != "tap":
        heard = [event for event in heard if event.t < before.start + 30.2 * before.period]
    end = after.start + 75 * after.period
    run = Run(TempoClock(TempoSettings(by_hand_s=12.0))).play(heard + second(after, rng), end)
    took = [t for t, source in run.led if source == names[1] and t > after.start]
    if not took:
        return None
    later = [beat for beat in run.beats if beat.t > took[0] + 0.001]
    previous, last = [beat for beat in run.beats if beat.t <= took[0] + 0.001][-2:]
    rest = 1.0 - (took[0] - last.t) / (last.t - previous.t)
    apart_s = abs(after.off(took[0] + rest * after.period))
    if apart_s > AGREE_S - CLEAR_S if agree else apart_s < AGREE_S + CLEAR_S:
        return None
    times = np.array([last.t] + [beat.t for beat in later])
    spans = np.diff(times)
    shortest, longest = min(before.period, after.period) * 2 / 3, max(before.period, after.period) * 5 / 3
    counted = np.diff([last.beat] + [beat.beat for beat in later])
    broken = int(np.sum((spans < shortest - 0.002) | (spans > longest + 0.002)) + np.sum(counted != 1))
    off = np.abs([after.off(t) for t in times[1:]])
    missed = np.nonzero(off[:8] > ON_BEAT_S)[0]
    anchored = int(missed[-1]) + 2 if len(missed) else 1
    next_other = after.start + np.ceil((took[0] - after.start) / after.period) * after.period
    jump = float(next_other - last.t)
    return HandOver(
        move_s=float(np.abs(spans[:12] - after.period).max()),
        anchor_beats=anchored,
        broken=broken,
        at_once_move_s=abs(after.off(last.t)),
        at_once_broken=int(jump < shortest or jump > longest),
    )


CALIBRATED: dict[str, Source] = {
    "MIDI clock, jitter 1 ms": midi(0.001),
    "MIDI clock, jitter 3 ms": midi(0.003),
    "heard, jitter 5 ms": audio(0.005, beside_s=0.007),
    "heard, jitter 15 ms, 10 % missed": audio(0.015, missed=0.1, beside_s=0.007),
    "8 taps, jitter 15 ms": tap(0.015),
    "4 taps, jitter 15 ms": tap(0.015, taps=4),
    "OSC, up to 100 ms late": told("osc", 0.1),
    "OS2L, up to 10 ms late": told("os2l", 0.01),
    "Link, up to 2 ms late": told("link", 0.002),
}
SOURCES: dict[str, Source] = {
    "link": told("link", 0.001),
    "midi_clock": midi(0.0003),
    "osc": told("osc", 0.001),
    "os2l": told("os2l", 0.001),
    "tap": tap(0.001),
    "audio": audio(0.0005),
}
"""Nearly without noise of their own, so that what moves is the hand-over."""
PAIRS = (
    ("audio", "link"),
    ("audio", "midi_clock"),
    ("audio", "osc"),
    ("audio", "os2l"),
    ("os2l", "midi_clock"),
    ("osc", "link"),
    ("midi_clock", "link"),
    ("tap", "midi_clock"),
    ("tap", "audio"),
    ("link", "audio"),
    ("midi_clock", "audio"),
    ("os2l", "audio"),
)


def main() -> int:
    """Print both tables; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", metavar="FOLDER", type=Path, help="music with its beats, as for benchmarks.beats")
    given = parser.parse_args()
    missed = False
    print("beats predicted: error (RMS) / sd said, in ms, and the share of true beats within one sd")
    print(f"{'':34}" + "".join(f"{f'{n} ahead':>24}" for n in AHEAD))
    for name, source in CALIBRATED.items():
        cells = []
        for error, said, share in calibrate(source, *lengths(name)).values():
            missed |= share < HONEST[0] or (share > HONEST[1] and said > FLOOR_MS)
            cells.append(f"{error:.1f} / {said:.1f}  {share:4.0%}")
        print(f"{name:34}" + "".join(f"{cell:>24}" for cell in cells), flush=True)
    if given.set is not None:
        cells = [f"{error:.1f} / {said:.1f}  {share:4.0%}" for error, said, share in music(given.set).values()]
        print(f"{'music, heard':34}" + "".join(f"{cell:>24}" for cell in cells), flush=True)
    print(f"\nhand-over, {len(SEEDS)} seeds each: ours (switched at once)")
    head = ("agree: largest move, ms", "apart: beats to re-anchor", "doubled or missing")
    print(f"{'':24}" + "".join(f"{title:>28}" for title in head))
    for pair in PAIRS:
        sources = SOURCES[pair[0]], SOURCES[pair[1]]
        alike = [hand_over(*sources, pair, agree=True, seed=seed) for seed in SEEDS]
        apart = [hand_over(*sources, pair, agree=False, seed=seed) for seed in SEEDS]
        close, far = [one for one in alike if one], [one for one in apart if one]
        if not close or not far:
            print(f"{' to '.join(pair):24}  never")
            missed = True
            continue
        move, naive = max(one.move_s for one in close), max(one.at_once_move_s for one in close)
        anchored = max(one.anchor_beats for one in far)
        broken = sum(one.broken for one in close + far)
        missed |= move > MAX_MOVE_S or anchored > MAX_ANCHOR_BEATS or broken > 0
        cells = (
            f"{move * 1e3:.1f} ({naive * 1e3:.1f})",
            f"{anchored} (1)",
            f"{broken} ({sum(one.at_once_broken for one in close + far)}) of {len(close) + len(far)}",
        )
        print(f"{' to '.join(pair):24}" + "".join(f"{cell:>28}" for cell in cells))
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
