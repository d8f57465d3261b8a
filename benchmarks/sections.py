"""How well build-ups, drops and breakdowns are heard: made tracks with a known arrangement, and any folder of clips.

    python -m benchmarks.sections [--tracks 30] [--each] [--json]
    python -m benchmarks.sections --set FOLDER [--each]

Tracks are made here from seeds of their own in five styles (house, techno, trance, drum and bass, half step), with
fills, risers, rolls, quiet and loud masters, narrow feeds and noise; every fifth is no dance track at all (steady grooves
with fills, bells without drums, noise, talk). The whole ear runs hop by hop with its own tracker. A part counts as heard
when its event comes before the part is over (drops: within four beats). ``false`` counts the others a minute; ``late``
is the median delay in beats from the first beat of the part. With ``--set`` the clips of that folder are heard instead:
nobody knows their parts, so only the events a minute are told, and with ``--each`` where they were.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.beats import clips_of
from bridge.ears import Ears, EarsSettings, ScopeTracker
from bridge.inputs.audio import _voices as voices
from bridge.model.events import SectionEvent
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

FIRST_SEED = 5_000_000
TOLD = ("breakdown", "build_up", "drop")
DROP_BEATS = 4.0
BPM = {"house": (118, 128), "techno": (126, 140), "trance": (134, 142), "dnb": (168, 178), "halfstep": (136, 150)}
KICKS = {"dnb": (0, 10), "halfstep": (0,), "": (0, 4, 8, 12)}
SNARES = {"dnb": (4, 12), "halfstep": (8,), "": (4, 12)}
CHORDS = ((57, 60, 64, 67), (53, 57, 60, 64), (48, 55, 60, 64), (55, 59, 62, 67), (50, 57, 60, 65))
Part = tuple[str, int]


class Song:
    """One track: parts of so many bars, every sound laid on a sixteenth."""

    def __init__(self, seed: int, style: str, parts: list[Part], *, fills: bool = True) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.style, self.parts, self.fills = style, parts, fills
        self.bpm = float(rng.uniform(*BPM[style]))
        self.step = 15 / self.bpm * SAMPLE_RATE
        self.samples = np.zeros(int(sum(bars for _, bars in parts) * 16 * self.step) + SAMPLE_RATE, np.float32)
        self.kick, self.clap = voices.kick(rng), voices.clap(rng)
        self.hats = voices.hat(rng, is_open=False), voices.hat(rng, is_open=True)
        self.chords = [CHORDS[k] for k in rng.permutation(len(CHORDS))[:4]]
        self.pad, self.plucks, self.hat_level = rng.uniform(0.08, 0.25), rng.random() < 0.6, rng.uniform(0.05, 0.14)
        bar = 0
        for name, bars in parts:
            getattr(self, f"play_{name}")(bar, bars)
            bar += bars

    def add(self, bar: int, step: float, sound: np.ndarray, gain: float) -> None:
        at = int((bar * 16 + step) * self.step)
        end = min(at + len(sound), len(self.samples))
        self.samples[at:end] += sound[: end - at] * np.float32(gain)

    def drums(self, bar: int, bars: int, *, bass: bool = True, hats: float = 1.0) -> None:
        for b in range(bar, bar + bars):
            fill = self.fills and bass and (b - bar) % 8 == 7 and self.rng.random() < 0.5
            for step in KICKS.get(self.style, KICKS[""]):
                if not (fill and step >= 8):
                    self.add(b, step, self.kick, 0.85)
            for step in SNARES.get(self.style, SNARES[""]):
                self.add(b, step, self.clap, 0.3)
            for step in range(0, 16, 2):
                self.add(b, step, self.hats[step % 4 // 2], self.hat_level * hats)
            if bass:
                self.bass(b, fill=fill)

    def bass(self, b: int, *, fill: bool) -> None:
        root, length = self.chords[b % 4][0] - 24, int(2 * self.step)
        steps = {"dnb": (0, 6, 10), "halfstep": (0, 8), "techno": tuple(range(2, 16, 4))}.get(
            self.style, (2, 6, 10, 14)
        )
        for step in steps:
            if not (fill and step >= 8):
                self.add(
                    b, step, voices.sub_bass(root, 3 * length if self.style in ("dnb", "halfstep") else length), 0.42
                )

    def music(self, bar: int, bars: int, pad: float, bright: float = 1400.0, climb: float = 0.0) -> None:
        for b in range(bar, bar + bars):
            chord, cut = self.chords[b % 4], bright * 2 ** (climb * (b - bar) / max(bars - 1, 1))
            self.add(b, 0, voices.saw_chord(chord, int(16 * self.step), cut), pad)
            if self.plucks:
                for step in range(0, 16, 3):
                    self.add(b, step, voices.pluck(chord[step % 4] + 12), 0.1)

    def play_intro(self, bar: int, bars: int) -> None:
        self.drums(bar, bars, bass=False)

    def play_groove(self, bar: int, bars: int) -> None:
        self.drums(bar, bars)
        self.music(bar, bars, 0.5 * self.pad)

    def play_breakdown(self, bar: int, bars: int) -> None:
        self.music(bar, bars, 1.3 * self.pad, 900.0)
        if self.rng.random() < 0.4:
            for b in range(bar, bar + bars):
                self.add(b, 8, self.clap, 0.08)
        if self.rng.random() < 0.4:
            self.add(bar, 0, self.kick, 0.9)

    def play_build(self, bar: int, bars: int) -> None:
        kicks, air = self.rng.random() < 0.5, int(self.rng.choice([0, 4, 8]))
        self.music(bar, bars, self.pad, 700.0, climb=self.rng.uniform(1.5, 3))
        self.add(
            bar, 0, voices.noise_sweep(int(bars * 16 * self.step), self.rng, rising=True), self.rng.uniform(0.15, 0.4)
        )
        for b in range(bars):
            every = (4, 4, 2, 1)[4 * b // bars]
            last = b == bars - 1
            for step in range(0, 16 - air * last, every):
                self.add(bar + b, step, self.clap, 0.1 + 0.2 * (b * 16 + step) / (16 * bars))
            if kicks and not last:
                for step in (0, 4, 8, 12):
                    self.add(bar + b, step, self.kick, 0.6)

    def play_drop(self, bar: int, bars: int) -> None:
        self.drums(bar, bars, hats=1.3)
        self.music(bar, bars, 1.2 * self.pad, 3000.0)
        self.add(bar, 0, voices.noise_sweep(int(32 * self.step), self.rng, rising=False), 0.25)

    def play_outro(self, bar: int, bars: int) -> None:
        self.drums(bar, bars, bass=False)

    def play_bells(self, bar: int, bars: int) -> None:
        for b in range(bar, bar + bars):
            for step in np.flatnonzero(self.rng.random(16) < 0.4):
                self.add(b, int(step), voices.pluck(int(self.rng.integers(45, 84))), self.rng.uniform(0.1, 0.5))


def dance(seed: int) -> tuple[np.ndarray, list[tuple[str, float, float]], float]:
    """Samples, the parts as (name, first second, last second), BPM."""
    rng = np.random.default_rng(seed)
    style = list(BPM)[(seed + seed // 5) % 5]
    build = ("build", int(rng.choice([4, 8])))
    parts = [("intro", 8), ("groove", int(rng.choice([8, 16])))]
    parts += [[("breakdown", 8), build], [("breakdown", 8)], [build]][int(rng.integers(3))]
    parts += [("drop", 16), ("breakdown", int(rng.choice([4, 8]))), ("build", 8), ("drop", 16), ("outro", 8)]
    song = Song(seed, style, parts)
    bar_s, at, told = 240 / song.bpm, 0.0, []
    for name, bars in parts:
        told.append((name.replace("build", "build_up"), at, at + bars * bar_s))
        at += bars * bar_s
    return master(song.samples, rng), [part for part in told if part[0] in TOLD], song.bpm


def plain(seed: int) -> tuple[np.ndarray, list[tuple[str, float, float]], float]:
    """A minute and more in which no part begins."""
    rng = np.random.default_rng(seed)
    kind = seed // 5 % 4
    if kind < 2:
        song = Song(seed, str(rng.choice(list(BPM))), [("groove", 40)] if kind == 0 else [("bells", 40)])
        return master(song.samples, rng), [], song.bpm
    noise = rng.standard_normal(60 * SAMPLE_RATE).astype(np.float32)
    if kind == 3:
        syllables = np.repeat(rng.random(60 * 6) ** 2 * (rng.random(60 * 6) < 0.7), SAMPLE_RATE // 6)
        noise = np.convolve(noise, np.hanning(60) / 30, "same") * np.convolve(syllables, np.ones(1500) / 1500, "same")
    return master(noise.astype(np.float32), rng), [], 120.0


def master(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    loud = np.tanh(samples * rng.uniform(0.8, 3.0))
    if rng.random() < 0.25:
        slow = samples_lowpassed(loud, rng.uniform(50, 90))
        loud = loud - slow
    level = 10 ** (rng.uniform(-24, -1) / 20) / max(float(np.abs(loud).max()), 1e-6)
    hiss = rng.standard_normal(len(loud)) * 10 ** (rng.uniform(-90, -55) / 20)
    return (loud * level + hiss).astype(np.float32)


def samples_lowpassed(samples: np.ndarray, hertz: float) -> np.ndarray:
    """What a narrow feed lacks: below ``hertz``, 6 dB an octave."""
    spectrum = np.fft.rfft(samples)
    spectrum /= 1 + 1j * np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) / hertz
    return np.fft.irfft(spectrum, len(samples))


def listen(samples: np.ndarray) -> list[SectionEvent]:
    settings = EarsSettings()
    ears = Ears(settings, ScopeTracker(settings.min_bpm, settings.max_bpm))
    hops = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    blocks = (AudioBlock(n * HOP / SAMPLE_RATE, hop) for n, hop in enumerate(hops, start=1))
    return [event for block in blocks for event in ears.push(block).sections if event.section in TOLD]


class Tally:
    """Hits, misses, false events and delays by part."""

    def __init__(self) -> None:
        self.parts: Counter[str] = Counter()
        self.heard: Counter[str] = Counter()
        self.false: Counter[str] = Counter()
        self.late: dict[str, list[float]] = defaultdict(list)
        self.minutes = 0.0

    def add(
        self, events: list[SectionEvent], truth: list[tuple[str, float, float]], bpm: float, seconds: float
    ) -> None:
        left = list(events)
        for name, start, end in truth:
            self.parts[name] += 1
            until = start + DROP_BEATS * 60 / bpm if name == "drop" else end
            hits = [event for event in left if event.section == name and start - 0.1 <= event.t <= until]
            if hits:
                left.remove(hits[0])
                self.heard[name] += 1
                self.late[name].append((hits[0].t - start) * bpm / 60)
        self.false.update(event.section for event in left)
        self.minutes += seconds / 60

    def rows(self) -> list[dict[str, float | str]]:
        return [
            {
                "part": name,
                "parts": self.parts[name],
                "heard": self.heard[name] / self.parts[name] if self.parts[name] else float("nan"),
                "false_per_min": self.false[name] / self.minutes,
                "late_beats": float(np.median(self.late[name])) if self.late[name] else float("nan"),
                "late90_beats": float(np.percentile(self.late[name], 90)) if self.late[name] else float("nan"),
            }
            for name in TOLD
        ]


def made(count: int, listener: Callable[[np.ndarray], list[SectionEvent]], *, each: bool) -> tuple[Tally, Tally]:
    """What is heard in tracks with parts, and in those without."""
    dances, others = Tally(), Tally()
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        is_plain = seed % 5 == 4
        samples, truth, bpm = plain(seed) if is_plain else dance(seed)
        events = listener(samples)
        (others if is_plain else dances).add(events, truth, bpm, len(samples) / SAMPLE_RATE)
        if each:
            beat = 60 / bpm
            print(seed, " ".join(f"{name}@{start / beat:.0f}" for name, start, _ in truth) or "nothing")
            print(
                "    heard", " ".join(f"{e.section}@{e.t / beat:.1f}({e.confidence:.2f})" for e in events), flush=True
            )
    return dances, others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, metavar="FOLDER", help="a folder of clips instead of made tracks")
    parser.add_argument("--tracks", type=int, default=30)
    parser.add_argument("--each", action="store_true", help="also a line for every track")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    tallies: dict[str, Tally] = defaultdict(Tally)
    if given.set:
        for clip, hops, truth in clips_of(given.set):
            events = listen(hops.ravel())
            tallies[truth.family].add(events, [], 120.0, truth.seconds)
            if given.each:
                print(f"{clip[:34]:34}", " ".join(f"{e.section}@{e.t:.1f}s" for e in events), flush=True)
    else:
        tallies["with parts"], tallies["without"] = made(given.tracks, listen, each=given.each)
    rows = [{"family": family} | row for family, tally in sorted(tallies.items()) for row in tally.rows()]
    if given.json:
        print(json.dumps(rows))
        return
    print(f"{'family':14}{'part':12}{'parts':>6}{'heard':>8}{'false/min':>11}{'late':>7}{'late90':>8}")
    for row in rows:
        print(
            f"{row['family']:14}{row['part']:12}{row['parts']:>6}{row['heard']:8.2f}{row['false_per_min']:11.2f}"
            f"{row['late_beats']:7.1f}{row['late90_beats']:8.1f}"
        )


if __name__ == "__main__":
    main()
