"""Meters, beat and tempo in the terminal: one block that refreshes, or a line a second where nobody looks."""

from __future__ import annotations

__all__ = ["Meters", "View", "block_of", "line_of"]

import shutil
from dataclasses import dataclass, replace
from typing import Final, TextIO

from bridge.cli.listening import Moment
from bridge.cli.terminal import ASCII, Line, Signs, Style, has_colours, signs_for, written
from bridge.ears import NO_TRACK, Track
from bridge.model.events import TrackedBeat
from bridge.model.features import BAND_EDGES_HZ, BANDS, SILENCE, Features, InputState, Section
from bridge.model.needles import Needles, NeedlesAt

BLOCK_S: Final = 1 / 20
LINE_S: Final = 1.0
LAMP_S: Final = 0.12
_FLOOR_DB: Final = -60.0
_WARM_DB: Final = -18.0
_RED_DB: Final = -3.0
_HOT_DB: Final = -1.0
_FAINT_DB: Final = -36.0
_LABEL: Final = 12
_BANDS_HIGH: Final = 3
_BAND_WIDE: Final = 5
_LIT: Final = 0.4
_INPUT_STATES: Final[dict[InputState, tuple[str, Style]]] = {
    "silent": ("silent: nothing arrives", "warn"),
    "offset": ("DC offset", "warn"),
    "broken": ("broken samples", "bad"),
}
_PARTS: Final[dict[Section, Style]] = {
    "none": "dim",
    "steady": "",
    "build_up": "warn",
    "drop": "bad",
    "breakdown": "glow",
}


@dataclass(frozen=True, slots=True)
class View:
    """What the terminal shows.

    ``lit`` is true around a beat, ``in_bar`` counts its place in the bar from 0 (None while unknown), ``bar`` how many
    beats a bar has. ``started`` says in which bands a sound began since the last picture; ``lost`` counts blocks.
    """

    source: str = ""
    state: str = ""
    seconds: float = 0.0
    features: Features = SILENCE
    needles: NeedlesAt = NeedlesAt()
    track: Track = NO_TRACK
    beats: int = 0
    lit: bool = False
    in_bar: int | None = None
    bar: int = 4
    started: tuple[bool, ...] = (False,) * BANDS
    lost: int = 0
    problem: str = ""


def block_of(view: View, width: int, height: int = 40, signs: Signs = ASCII, *, colours: bool = False) -> list[str]:
    """The whole picture, what matters most first: always as many lines, fewer than ``height``, none as long as ``width``."""
    features, track = view.features, view.track
    bar = max(min(width - _LABEL - 46, 60), 8)
    values = (
        ("energy", features.energy),
        ("brightness", features.brightness),
        ("texture", features.texture),
        ("low", features.low),
        ("mid", features.mid),
        ("high", features.high),
        ("activation", track.activation),
        ("confidence", track.confidence),
    )
    lines: list[Line] = [
        _head(view, signs),
        _level(view, bar, signs),
        _beat(view, signs),
        _part(features, bar, signs),
        _drums(view.needles, signs),
        *_bands(view, signs),
        *(_meter(name, value, bar, signs) for name, value in values),
    ]
    shown: list[Line] = [*lines[: max(height - 2, 1)], [(view.problem, "warn")]]
    return [written(line, width - 1, colours=colours) for line in shown]


def line_of(view: View) -> str:
    """The same in one line."""
    features, track = view.features, view.track
    flags = "".join((", clipping" if features.clipping else "", ", quiet" if features.gated else ""))
    part = "" if features.section == "none" else f"  {_words(features.section)}"
    problem = f"  PROBLEM {view.problem}" if view.problem else ""
    return (
        f"{view.seconds:7.1f} s  {view.source} {view.state}  {features.level_db:6.1f} dBFS, "
        f"peak {view.needles.peak_db:.1f}{flags}  "
        f"energy {features.energy:.2f}  low {features.low:.2f} mid {features.mid:.2f} high {features.high:.2f}  "
        f"{_tempo(track)}, {view.beats} beats{part}{problem}"
    )


class Meters:
    """Shows what is heard.

    Args:
        out: where to.
        refresh: one block drawn over and over, 20 times a second and on every beat; else a line a second.
    """

    def __init__(self, out: TextIO, *, refresh: bool) -> None:
        self._out = out
        self._refresh = refresh
        self._signs = signs_for(out)
        self._colours = has_colours(out)
        self._due = 0.0
        self._drawn = 0
        self._size: tuple[int, int] | None = None
        self._beat_at = -1.0
        self._needles = Needles()
        self.view = View()
        """What is drawn next."""

    def push(self, moment: Moment) -> None:
        """Take the next hop."""
        view = self.view
        self._needles.put(moment.features)
        for beat in moment.beats:
            view = _counted(view, beat)
            self._beat_at = beat.announced
        if moment.beats and self._refresh:
            self._due = 0.0
        started = zip(view.started, moment.features.onset_bands, strict=True)
        self.view = replace(
            view,
            seconds=moment.t,
            features=moment.features,
            needles=self._needles.now,
            track=moment.track,
            lit=0 <= moment.t - self._beat_at < LAMP_S,
            started=tuple(before or now for before, now in started),
        )

    def show(self, now: float, source: str, state: str, problem: str, lost: int) -> None:
        """Draw, when it is time again."""
        if now < self._due:
            return
        self._due = now + (BLOCK_S if self._refresh else LINE_S)
        self.view = replace(self.view, source=source, state=state, problem=problem, lost=lost)
        self._out.write(self._block() if self._refresh else line_of(self.view) + "\n")
        self._out.flush()
        self.view = replace(self.view, started=(False,) * BANDS)

    def _block(self) -> str:
        size = shutil.get_terminal_size()
        lines = block_of(self.view, size.columns, size.lines, self._signs, colours=self._colours)
        begin = f"\x1b[{self._drawn}F" if self._drawn else ""
        if self._size not in (None, size):
            # A terminal breaks lines anew when it changes: nobody knows how many there are now.
            begin = "\x1b[H\x1b[J"
        self._drawn, self._size = len(lines), size
        return begin + "".join(f"{line}\x1b[K\n" for line in lines)


def _counted(view: View, beat: TrackedBeat) -> View:
    """One beat later: the place in the bar is known from a downbeat on, until nobody can say."""
    if beat.downbeat:
        in_bar: int | None = 0
    else:
        in_bar = None if beat.downbeat is None or view.in_bar is None else view.in_bar + 1
    length = view.in_bar + 1 if beat.downbeat and view.in_bar else view.bar
    return replace(view, beats=view.beats + 1, in_bar=in_bar, bar=length)


def _head(view: View, signs: Signs) -> Line:
    dot = f" {signs.dot} "
    late = f"{dot}{view.lost} blocks lost" if view.lost else ""
    style: Style = "good" if view.state == "running" else "warn"
    return [("listening to ", "dim"), (view.source, "bold"), (dot, "dim"), (view.state, style),
            (f"{dot}{view.seconds:.1f} s", "dim"), (late, "warn")]  # fmt: skip


def _level(view: View, bar: int, signs: Signs) -> Line:
    """The meter to set the gain by: green to -18 dBFS, yellow above, red within 3 dB of full scale; a mark holds the peak."""
    level_db, peak_db = view.features.level_db, view.needles.peak_db
    if view.features.clipping:
        verdict: tuple[str, Style] = (" CLIP: turn down ", "alert")
    elif view.features.input_state in _INPUT_STATES:
        verdict = _INPUT_STATES[view.features.input_state]
    elif view.features.gated:
        verdict = ("quiet", "dim")
    elif peak_db > _HOT_DB:
        verdict = ("hot", "bad")
    elif peak_db < _FAINT_DB:
        verdict = ("faint: turn up", "warn")
    else:
        verdict = ("good", "good")
    marks: list[tuple[str, Style]] = []
    filled, peak = _place(level_db, bar), _place(peak_db, bar) - 1
    for place in range(bar):
        sign = signs.mark if place == peak and place >= filled else signs.full if place < filled else signs.empty
        db = _FLOOR_DB * (1 - place / bar)
        zone: Style = "bad" if db >= _RED_DB else "warn" if db >= _WARM_DB else "good"
        marks.append((sign, "dim" if sign == signs.empty else zone))
    return [
        ("level".ljust(_LABEL + 1), "dim"),
        *_joined(marks),
        (f" {level_db:6.1f} dBFS, peak {peak_db:6.1f}  ", ""),
        verdict,
    ]


def _place(db: float, bar: int) -> int:
    return round(min(max(1 - db / _FLOOR_DB, 0.0), 1.0) * bar)


def _joined(marks: list[tuple[str, Style]]) -> Line:
    """Neighbours of one style as one piece."""
    pieces: list[tuple[str, Style]] = []
    for sign, style in marks:
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + sign, style)
        else:
            pieces.append((sign, style))
    return pieces


def _beat(view: View, signs: Signs) -> Line:
    """A lamp for each beat of the bar, the downbeat in another colour; one lamp while the bar is unknown."""
    lamps: list[tuple[str, Style]] = []
    if view.in_bar is None:
        lamps.append((f"{signs.on if view.lit else signs.off}  ", "glow" if view.lit else "dim"))
    else:
        for place in range(max(view.bar, view.in_bar + 1)):
            now = place == view.in_bar
            style: Style = "dim" if not now else "bold" if not view.lit else "bad" if place == 0 else "glow"
            lamps.append((f"{signs.on if now and view.lit else signs.off}{place + 1} ", style))
    return [("beat".ljust(_LABEL + 1), "dim"), *lamps, (f" {_tempo(view.track)}, {view.beats} beats", "bold")]


def _tempo(track: Track) -> str:
    return "no tempo" if track.bpm is None else f"{track.bpm:.1f} BPM, {track.confidence:.0%} sure"


def _part(features: Features, bar: int, signs: Signs) -> Line:
    filled = round(min(max(features.build_up, 0.0), 1.0) * (bar // 2))
    rising = f"{signs.full * filled}{signs.empty * (bar // 2 - filled)}"
    name = "unknown" if features.section == "none" else _words(features.section)
    return [
        ("part".ljust(_LABEL + 1), "dim"),
        (f"{name:11}", _PARTS[features.section]),
        (" build-up ", "dim"),
        (rising, "warn"),
    ]


def _words(section: str) -> str:
    return section.replace("_", "-")


def _drums(needles: NeedlesAt, signs: Signs) -> Line:
    lamps = (("kick", needles.kick), ("snare", needles.snare), ("hat", needles.hat), ("chord", needles.harmonic_change))
    line: list[tuple[str, Style]] = [("drums".ljust(_LABEL + 1), "dim")]
    for name, value in lamps:
        lit = value >= _LIT
        line.append((f"{signs.on if lit else signs.off} {name}   ", "glow" if lit else "dim"))
    return line


def _bands(view: View, signs: Signs) -> list[Line]:
    """A column a band, brighter where a sound begins, over the frequencies between them."""
    lines: list[Line] = []
    steps = len(signs.steps) - 1
    for row in reversed(range(_BANDS_HIGH)):
        label = "bands" if row == _BANDS_HIGH - 1 else ""
        columns: list[tuple[str, Style]] = [(label.ljust(_LABEL + 1), "dim")]
        for value, started in zip(view.features.bands, view.started, strict=True):
            share = min(max(value * _BANDS_HIGH - row, 0.0), 1.0)
            columns.append((signs.steps[round(share * steps)] * (_BAND_WIDE - 1) + " ", "bold" if started else "glow"))
        lines.append(columns)
    edges = "".join(f"{_hertz(edge):<{_BAND_WIDE}}" for edge in BAND_EDGES_HZ)
    return [*lines, [("".ljust(_LABEL + 1), ""), (edges, "dim")]]


def _hertz(edge: float) -> str:
    return f"{edge / 1000:g}k" if edge >= 1000 else f"{edge:g}"


def _meter(name: str, value: float, bar: int, signs: Signs) -> Line:
    filled = round(min(max(value, 0.0), 1.0) * bar)
    return [
        (name.ljust(_LABEL + 1), "dim"), (signs.full * filled, "glow"), (signs.empty * (bar - filled), "dim"),
        (f" {value:6.2f}", ""),
    ]  # fmt: skip
