"""Songs as notes on an exact beat grid: the rhythm grammar. The truth is the tempo map that places the notes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Sixteenths of one bar of four beats; x is loud, o soft. Several per idea, each bent further by chance.
GROOVES = {
    "floor": {"kick": "x...x...x...x...", "clap": "....x.......x...", "hat": "..x...x...x...x."},
    "floor8": {"kick": "x...x...x...x...", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
    "floor16": {
        "kick": "x...x...x...x...",
        "clap": "....x.......x..o",
        "hat": "xoxoxoxoxoxoxoxo",
        "openhat": "..x...x...x...x.",
    },
    "techno": {"kick": "x...x...x...x...", "rim": "...x..x....x..x.", "hat": "..x...x...x...x."},
    "bare": {"kick": "x...x...x...x..."},
    "rock": {"kick": "x.......x.......", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
    "rock2": {"kick": "x.x.....x.x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
    "rock3": {"kick": "x.....x...x.....", "snare": "....x.......x...", "ride": "x...x...x...x..."},
    "rock4": {"kick": "x..x..x.x.......", "snare": "....x.......x...", "hat": "xoxoxoxoxoxoxoxo"},
    "ballad": {"kick": "x.........x.....", "rim": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
    "funk": {"kick": "x..x..x...x..x..", "snare": "....x..o.o..x..o", "hat": "xxxxxxxxxxxxxxxx"},
    "funk2": {"kick": "x.x....x..x.....", "snare": "....x..o.o.ox..o", "hat": "x.xxx.xxx.xxx.xx"},
    "break": {"kick": "x.x.......xx....", "snare": "....x..o.o..x..o", "hat": "x.x.x.x.x.x.x.x."},
    "break2": {"kick": "x.....x...x.....", "snare": "....x..x.x..x...", "ride": "x.x.x.x.x.x.x.x."},
    "dnb": {"kick": "x.........x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
    "half": {"kick": "x.........x.....", "snare": "........x.......", "hat": "x.x.x.x.x.x.x.x."},
    "half2": {"kick": "x..x......x..x..", "clap": "........x.......", "hat": "xxxxxxxxxxxxxxxx"},
    "trap": {"kick": "x......x..x.....", "clap": "........x.......", "hat": "x.x.x.xxx.x.xxxx"},
    "train": {"kick": "x...x...x...x...", "snare": "..x...x...x...x.", "hat": "x.x.x.x.x.x.x.x."},
    "polka": {"kick": "x.......x.......", "snare": "....x.......x...", "shaker": "..x...x...x...x."},
    "march": {"kick": "x...x...x...x...", "snare": "x.ooxoo.x.ooxoxo"},
    "ska": {"kick": "....x.......x...", "rim": "....x.......x...", "hat": "..x...x...x...x."},
    "onedrop": {"kick": "........x.......", "rim": "........x.......", "hat": "x.x.x.x.x.x.x.x."},
    "reggaeton": {"kick": "x...x...x...x...", "snare": "...x..x....x..x."},
    "tresillo": {"kick": "x..x..x.x..x..x.", "clap": "....x.......x..."},
    "bossa": {"kick": "x..xx..xx..xx..x", "rim": "x..x..x...x..x..", "shaker": "xoxoxoxoxoxoxoxo"},
    "clave": {"rim": "x..x..x...x.x...", "conga": "..xo..xx..xo..xx", "cowbell": "x...x...x...x..."},
    "samba": {"kick": "x..xx..xx..xx..x", "snare": "xoxxoxoxxoxoxxox", "shaker": "xoxoxoxoxoxoxoxo"},
    "tribal": {
        "kick": "x...x...x...x...",
        "tom1": "...x..x....x....",
        "tom2": "......x...x...x.",
        "conga": "x.xx.x.xx.xx.x.x",
    },
    "motorik": {"kick": "x.x.x.x.x.x.x.x.", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
    "metal": {"kick": "xxxxxxxxxxxxxxxx", "snare": "....x.......x...", "crash": "x...x...x...x..."},
    "punk": {"kick": "x.x.x.x.x.x.x.x.", "snare": "..x...x...x...x.", "hat": "x.x.x.x.x.x.x.x."},
    "jazz": {"ride": "x...x..xx...x..x", "hat": "....x.......x..."},
    "shuffle": {"kick": "x.......x.......", "snare": "....x.......x...", "ride": "x..xx..xx..xx..x"},
    "garage": {"kick": "x......x..x.....", "snare": "....x.......x...", "hat": "..x...x...x..xx."},
    "electro": {
        "kick": "x..x..x...x.....",
        "snare": "....x.......x...",
        "hat": "x.xxx.xxx.xxx.xx",
        "cowbell": "..x..x....x..x..",
    },
    "hats": {"hat": "x.x.x.x.x.x.x.x."},
    "backbeat": {"clap": "....x.......x..."},
    "tick": {"rim": "x...x...x...x..."},
    "shake": {"shaker": "xoxoxoxoxoxoxoxo"},
    "toms": {"tom1": "x.....x.....x...", "tom2": "...x.....x....x."},
    "big": {"kick": "x...............", "snare": "........x.......", "crash": "x..............."},
}
LINEAR = ("kick", "snare", "hat", "rim", "tom1", "tom2", "clap", "zap", "conga", "cowbell")
ORDERS = ((0, 2, 4, 7), (0, 4, 2, 4), (7, 4, 2, 0), (0, 2, 4), (0, 7), (0, 4, 7, 9, 7, 4), (0, 0, 7, 0, 4))
SCALES = (
    (0, 2, 4, 5, 7, 9, 11),
    (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 9, 10),
    (0, 2, 4, 7, 9),
    (0, 3, 5, 7, 10),
    (0, 2, 3, 5, 7, 8, 11),
)


@dataclass
class Part:
    """Notes of one player: (beat, length in beats, pitch or drum voice, loudness 0..1)."""

    role: str
    notes: list = field(default_factory=list)


@dataclass
class Song:
    """Parts in seconds, and the truth."""

    parts: list
    beats: np.ndarray
    downbeats: np.ndarray
    seconds: float
    bpm: float
    rough: bool = False


class Grid:
    """Beats to seconds: tempo curve, swing and loose hands."""

    def __init__(self, rng, bpm, n_beats):
        kind = rng.choice(["steady", "steady", "steady", "steady", "drift", "loose", "step"])
        rate = np.full(n_beats, bpm, float)
        if kind == "drift":
            rate *= np.interp(np.arange(n_beats), [0, n_beats], [1, rng.uniform(0.8, 1.25)])
        elif kind == "loose":
            walk = np.cumsum(rng.normal(0, rng.uniform(0.002, 0.012), n_beats))
            rate *= np.exp(walk - np.linspace(0, walk[-1], n_beats))
        elif kind == "step":
            rate[rng.integers(n_beats // 3, n_beats) :] *= rng.uniform(0.75, 1.35)
        self._times = np.concatenate(([rng.uniform(0, 1.5)], 60 / rate)).cumsum()
        self._units = rng.choice([0.5, 0.25]), rng.uniform(0.54, 0.68)
        self._swings = rng.random() < 0.3

    def seconds(self, beat):
        """Where a beat position falls."""
        beat = np.asarray(beat, float)
        if self._swings:
            unit, share = self._units
            pair = np.floor(beat / (2 * unit) + 1e-6)
            inside = beat / (2 * unit) - pair
            inside = np.where(inside < 0.5, inside * 2 * share, share + (inside - 0.5) * 2 * (1 - share))
            beat = (pair + inside) * 2 * unit
        return np.interp(beat, np.arange(len(self._times)), self._times)


def _weights(beats, per_beat, sync):
    """How likely a note starts at each step of a bar; ``sync`` 0 is square, 1 lets the off-beats win."""
    k = np.arange(beats * per_beat)
    strong = np.where(
        k % per_beat == 0, 1.0, np.where((per_beat % 2 == 0) & (k % max(per_beat // 2, 1) == 0), 0.55, 0.25)
    )
    strong[0] = 1.2
    return strong * (1 - sync) + (1.0 - 0.6 * strong) * sync


def _rhythm(rng, beats, per_beat, density=None, sync=None):
    """A bar of starts, as steps."""
    density = rng.uniform(0.2, 0.95) if density is None else density
    sync = rng.beta(1.2, 2.5) if sync is None else sync
    p = np.clip(_weights(beats, per_beat, sync) * density, 0, 0.97)
    steps = np.flatnonzero(rng.random(len(p)) < p)
    return steps if len(steps) else np.array([0])


def _dotted(rng, beats, per_beat):
    """Three against the beat: every third step, or every third half beat, anew in each bar."""
    each = 3 if per_beat % 2 or rng.random() < 0.4 else 3 * per_beat // 2
    return np.arange(0, beats * per_beat, each)


def _euclid(rng, steps):
    hits = int(rng.integers(2, steps))
    return (np.floor(np.arange(steps) * hits / steps) != np.floor((np.arange(steps) - 1) * hits / steps)).nonzero()[0]


def _pace(rng, bpm):
    """Grooves also run at twice and half the pace: kick and snare alone don't tell the tempo."""
    draw = rng.random()
    if draw < 0.1 and bpm > 95:
        return lambda line: line[::2] * 2
    if draw < 0.16 and bpm < 150:
        return lambda line: "".join(c + "." for c in line[: len(line) // 2])
    return lambda line: line


def drum_bar(rng, beats, per_beat, bpm=120.0):
    """A pattern for one bar: voice -> [(beat, loudness)]."""
    pattern = {}
    draw = rng.random()
    if per_beat == 4 and beats in (2, 4) and draw < 0.7:
        chosen = GROOVES[rng.choice(list(GROOVES))]
        pace = _pace(rng, bpm)
        for voice, line in chosen.items():
            if rng.random() < 0.12:
                continue
            if rng.random() < 0.15:
                voice = rng.choice(LINEAR)
            hits = [(k / 4, 1.0 if c == "x" else 0.4) for k, c in enumerate(pace(line)[: beats * 4]) if c != "."]
            pattern[voice] = [h for h in hits if h[0] == 0 or rng.random() > 0.06]
        if rng.random() < 0.3:
            voice = rng.choice(["kick", "snare", "hat", "rim"])
            extra = rng.integers(0, beats * 4, rng.integers(1, 3))
            pattern.setdefault(voice, []).extend((k / 4, rng.uniform(0.3, 0.9)) for k in extra)
    elif draw < 0.88:
        back = rng.choice(["snare", "clap", "rim", "tom1"])
        pattern["kick"] = [(0, 1.0)] + ([(beats // 2, 0.8)] if beats > 3 and rng.random() < 0.5 else [])
        pattern["kick"] += [(int(s) / per_beat, 0.8) for s in _rhythm(rng, beats, per_beat, 0.25)]
        others = [b for b in range(1, beats) if beats != 4 or b % 2]
        pattern[back] = [(b, 0.9) for b in others if rng.random() < 0.9]
        voice = rng.choice(["hat", "ride", "shaker"])
        unit = rng.choice([1, per_beat, max(per_beat // 2, 1)])
        pattern[voice] = [(s / per_beat, 0.8 if s % per_beat == 0 else 0.5) for s in range(0, beats * per_beat, unit)]
    else:
        for voice in rng.choice(LINEAR, rng.integers(1, 5), replace=False):
            steps = _euclid(rng, beats * per_beat) if rng.random() < 0.4 else _rhythm(rng, beats, per_beat)
            pattern[voice] = [(int(s) / per_beat, rng.uniform(0.5, 1)) for s in steps]
    return pattern


class Harmony:
    """A loop of chords on a scale."""

    def __init__(self, rng, beats):
        self.scale = SCALES[rng.integers(len(SCALES))]
        self.root = int(rng.integers(33, 45))
        self.loop = rng.choice([0, 0, 1, 2, 3, 4, 5], rng.choice([1, 2, 4, 4, 8]))
        self.length = float(
            rng.choice([beats, beats, beats, beats / 2 if beats % 2 == 0 else beats, 2 * beats, 4 * beats])
        )

    def degree(self, beat):
        """Scale degree of the chord sounding there."""
        return int(self.loop[int(beat / self.length + 1e-6) % len(self.loop)])

    def pitch(self, degree, octave=0):
        """MIDI pitch of a scale degree."""
        turns, step = divmod(int(degree), len(self.scale))
        return self.root + 12 * (turns + octave) + self.scale[step]


def _play_bars(rng, steps_of, bars, beats, per_beat, note):
    """Call ``note(beat, length, index)`` for a rhythm repeated with variation every 2 to 4 bars."""
    every = int(rng.choice([1, 2, 2, 4]))
    motif = [steps_of() for _ in range(every)]
    for bar in bars:
        if rng.random() < 0.04:
            motif[bar % every] = steps_of()
        steps = motif[bar % every]
        ends = np.append(steps[1:], beats * per_beat)
        for k, (a, b) in enumerate(zip(steps, ends, strict=True)):
            note(bar * beats + a / per_beat, (b - a) / per_beat, k)


def _bass(rng, h, bars, beats, per_beat):
    part = Part("bass")
    style = rng.choice(
        [
            *(
                "riff",
                "riff",
                "riff",
                "octave",
                "gallop",
                "beats",
                "eighths",
                "offbeat",
                "whole",
                "oompah",
                "walk",
                "run",
            ),
            *("dotted", "dotted"),
        ]
    )
    every = beats * per_beat

    def steps_of():
        return {
            "riff": lambda: _rhythm(rng, beats, per_beat),
            "beats": lambda: np.arange(0, every, per_beat),
            "walk": lambda: np.arange(0, every, per_beat),
            "oompah": lambda: np.arange(0, every, per_beat * (2 if beats % 2 == 0 else beats)),
            "eighths": lambda: np.arange(0, every, max(per_beat // 2, 1)),
            "run": lambda: np.arange(0, every, 1),
            "offbeat": lambda: np.arange(per_beat // 2, every, per_beat),
            "octave": lambda: np.arange(0, every, max(per_beat // 2, 1)),
            "gallop": lambda: np.array([s for s in range(every) if s % per_beat != per_beat // 3]),
            "whole": lambda: np.array([0]),
            "dotted": lambda: _dotted(rng, beats, per_beat),
        }[style]()  # fmt: skip

    share, upside = rng.uniform(0.3, 1), int(rng.random() < 0.25)
    leaps = rng.choice([0, 0, 7, 4, 2], 16) if rng.random() < 0.6 else np.zeros(16, int)

    def note(beat, length, k):
        d = h.degree(beat) + (int(leaps[k % 16]) if style != "oompah" else 4 * (k % 2))
        octave = (k + upside) % 2 if style == "octave" else 0
        part.notes.append((beat, length * share, h.pitch(d, octave), rng.uniform(0.75, 1)))

    _play_bars(rng, steps_of, bars, beats, per_beat, note)
    return part


def _chords(rng, h, bars, beats, per_beat):
    part = Part("chords")
    style = rng.choice(["whole", "whole", "stab", "stab", "offbeat", "strum", "oompah", "beats", "dotted", "dotted"])
    every = beats * per_beat

    def steps_of():
        if style == "whole":
            return np.array([0])
        if style == "offbeat":
            return np.arange(per_beat // 2, every, per_beat)
        if style == "strum":
            return np.arange(0, every, max(per_beat // 2, 1))
        if style == "beats":
            return np.arange(0, every, per_beat)
        if style == "dotted":
            return _dotted(rng, beats, per_beat)
        if style == "oompah":
            return np.array([b * per_beat for b in range(beats) if (b % 2 if beats % 2 == 0 else b)])
        return _rhythm(rng, beats, per_beat)

    share = 1.0 if style == "whole" else rng.uniform(0.15, 1)
    octave = int(rng.integers(1, 3))

    def note(beat, length, k):
        d = h.degree(beat)
        accent = 1.0 if beat % 1 == 0 else rng.uniform(0.6, 1)
        for j in (0, 2, 4):
            part.notes.append((beat, length * share, h.pitch(d + j, octave), 0.8 * accent))

    _play_bars(rng, steps_of, bars, beats, per_beat, note)
    return part


def _arpeggio(rng, h, bars, beats, per_beat):
    part = Part("arp")
    step = rng.choice([1, 1, 2, max(per_beat // 2, 1)])
    if rng.random() < 0.12:
        per_beat = 3 if per_beat == 4 else 4
        step = 1
    order = ORDERS[rng.integers(len(ORDERS))]
    restart = rng.random() < 0.6
    octave, share = int(rng.integers(1, 4)), rng.uniform(0.3, 1.2)
    n = 0
    for bar in bars:
        if restart:
            n = 0
        for s in range(0, beats * per_beat, int(step)):
            beat = bar * beats + s / per_beat
            part.notes.append(
                (
                    beat,
                    step / per_beat * share,
                    h.pitch(h.degree(beat) + order[n % len(order)], octave),
                    rng.uniform(0.6, 0.9),
                )
            )
            n += 1
    return part


def _melody(rng, h, bars, beats, per_beat):
    part = Part("lead")
    density, sync = rng.uniform(0.2, 0.7), rng.beta(1.2, 2)
    octave, share = int(rng.integers(2, 4)), rng.uniform(0.4, 1.1)
    contour = rng.integers(-2, 3, 24)
    rests = rng.uniform(0, 0.3)
    # An upbeat: the whole tune comes a little early against its harmony.
    early = int(rng.integers(1, per_beat + 1)) / per_beat if rng.random() < 0.25 else 0.0
    state = {"d": 4}

    def note(beat, length, k):
        if k == 0:
            state["d"] = int(rng.choice([0, 2, 4]))
        state["d"] = int(np.clip(state["d"] + contour[k % 24], -3, 11))
        if rng.random() > rests:
            pitch = h.pitch(h.degree(beat) + state["d"], octave)
            part.notes.append((max(beat - early, 0), length * share, pitch, rng.uniform(0.6, 1)))

    _play_bars(rng, lambda: _rhythm(rng, beats, per_beat, density, sync), bars, beats, per_beat, note)
    return part


def _poly(rng, h, bars, beats, per_beat):
    """An ostinato of 3, 5 or dotted steps across the bars."""
    part = Part("arp")
    step = rng.choice([3, 3, 5, 6]) / per_beat if per_beat == 4 else rng.choice([2, 4]) / per_beat
    beat, end, octave = bars[0] * beats, (bars[-1] + 1) * beats, int(rng.integers(1, 4))
    inside = set(bars)
    while beat < end:
        if int(beat // beats) in inside:
            part.notes.append((beat, step * 0.7, h.pitch(h.degree(beat) + int(rng.choice([0, 4, 7])), octave), 0.8))
        beat += step
    return part


def _drums(rng, bars, beats, per_beat, bpm):
    part = Part("drums")
    patterns = [drum_bar(rng, beats, per_beat, bpm) for _ in range(3)]
    main = 0
    for bar in bars:
        if bar % 8 == 0 and rng.random() < 0.35:
            main = int(rng.integers(3))
        pattern = patterns[main]
        fill = bar % 4 == 3 and rng.random() < 0.3
        for voice, hits in pattern.items():
            for at, loud in hits:
                if not (fill and at >= beats - 1 and rng.random() < 0.6):
                    part.notes.append((bar * beats + at, 0.2, voice, loud * rng.uniform(0.85, 1)))
        if fill:
            voices = rng.choice(["snare", "tom1", "tom2", "tom3", "kick"], 3)
            for s in range(per_beat):
                if rng.random() < 0.75:
                    part.notes.append((bar * beats + beats - 1 + s / per_beat, 0.2, voices[s % 3], rng.uniform(0.5, 1)))
        if bar % 8 == 0 and rng.random() < 0.3:
            part.notes.append((bar * beats, 1, "crash", 0.8))
    return part


def _accented(rng, part, per_beat):
    """Loudness that follows a pattern of its own, as a hand or a sequencer row sets it; not always the beat's."""
    period = int(rng.choice([per_beat, 2 * per_beat, 4 * per_beat, 3]))
    loud = rng.uniform(0.35, 1, period)
    part.notes = [(b, n, p, v * loud[round(b * per_beat) % period]) for b, n, p, v in part.notes]


def _echoed(rng, part, per_beat):
    """The same part again some steps later and softer, on a channel of its own."""
    late, soft = int(rng.choice([1, 2, 3, 3, 6])) / per_beat, rng.uniform(0.25, 0.7)
    return Part(part.role, [(b + late, n, p, v * soft) for b, n, p, v in part.notes])


def _one_by_one(rng, parts, beats):
    """An intro: the parts, in any order, come in one after the other."""
    every = int(rng.choice([2, 4, 4, 8])) * beats
    for k, at in enumerate(rng.permutation(len(parts))):
        came_in = [note for note in parts[at].notes if note[0] >= k * every]
        parts[at].notes = came_in or parts[at].notes


def _active(rng, n_bars, share):
    """The bars a part plays in, by sections of 2, 4 or 8."""
    section = int(rng.choice([2, 4, 4, 8]))
    bars = [b for s in range(0, n_bars, section) if rng.random() < share for b in range(s, min(s + section, n_bars))]
    return bars or list(range(n_bars))


def tempo(rng):
    """Beats a minute: most music lies around 120, none far out."""
    if rng.random() < 0.12:
        return float(rng.uniform(65, 190))
    return float(np.clip(np.exp(rng.normal(np.log(121), 0.24)), 62, 195))


def compose(rng, seconds=40.0):
    """One song with its truth."""
    beats, per_beat = [(4, 4), (3, 4), (2, 4), (4, 3), (2, 3), (3, 3), (5, 4), (6, 4), (7, 4)][
        rng.choice(9, p=[0.66, 0.08, 0.05, 0.08, 0.05, 0.01, 0.03, 0.02, 0.02])
    ]
    bpm = tempo(rng)
    if per_beat == 4 and bpm > 150 and rng.random() < 0.6:
        per_beat = 2
    n_beats = int(seconds * bpm / 60 * 1.5) + 8
    n_bars = n_beats // beats
    grid = Grid(rng, bpm, n_beats + 8)
    h = Harmony(rng, beats)
    melodic_only = rng.random() < 0.22
    parts = []
    if not melodic_only:
        drummers = 1 + (rng.random() < 0.25)
        parts += [_drums(rng, _active(rng, n_bars, 0.88), beats, per_beat, bpm) for _ in range(drummers)]
    makers = [_bass, _chords, _arpeggio, _melody, _melody, _poly]
    wanted = [0.8, 0.75, 0.4, 0.65, 0.25, 0.12]
    if melodic_only and rng.random() < 0.3:
        wanted = [0.3, 0.3, 0.3, 0.9, 0.3, 0.03]
    tonal = [
        m(rng, h, _active(rng, n_bars, 0.8), beats, per_beat)
        for m, p in zip(makers, wanted, strict=True)
        if rng.random() < p
    ]
    if not tonal and (melodic_only or rng.random() < 0.8):
        tonal = [
            _chords(rng, h, list(range(n_bars)), beats, per_beat),
            _melody(rng, h, list(range(n_bars)), beats, per_beat),
        ]
    for part in tonal:
        if rng.random() < 0.25:
            _accented(rng, part, per_beat)
    rough = rng.random() < 0.3
    if tonal and rng.random() < (0.4 if rough else 0.08):
        tonal.append(_echoed(rng, tonal[int(rng.integers(len(tonal)))], per_beat))
    parts += tonal
    if rng.random() < 0.3:
        _one_by_one(rng, parts, beats)
    loose = 0 if rough else rng.choice([0, 0, 0.004, 0.008, 0.014])
    for part in parts:
        late = 0 if rough else rng.normal(0, 0.004) + (rng.uniform(-0.012, 0.018) if rng.random() < 0.15 else 0)
        timed = []
        for beat, length, pitch, loud in part.notes:
            t = float(grid.seconds(beat)) + late + float(np.clip(rng.normal(0, loose), -0.03, 0.03))
            if 0 <= t < seconds:
                timed.append((t, max(float(grid.seconds(beat + length)) - t, 0.04), pitch, float(loud)))
        part.notes = timed
    times = grid.seconds(np.arange(n_bars * beats))
    keep = times < seconds
    return Song(parts, times[keep], times[::beats][times[::beats] < seconds], seconds, bpm, rough)
