"""Meters, beat and tempo in the terminal: one block that refreshes, or a line a second where nobody looks."""

from __future__ import annotations

__all__ = ["Meters", "View", "block_of", "line_of"]

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TextIO

from bridge.cli.listening import Moment
from bridge.ears import NO_TRACK, Track
from bridge.model.features import SILENCE, Features

BLOCK_S: Final = 1 / 15
LINE_S: Final = 1.0
LAMP_S: Final = 0.12
_FLOOR_DB: Final = -60.0
_LABEL: Final = 12
_ONSETS: Final = ("onset_low", "onset_mid", "onset_high")


@dataclass(frozen=True, slots=True)
class View:
    """What the terminal shows. ``lit`` is true around a beat, ``onsets`` what sounded since the last picture."""

    source: str = ""
    state: str = ""
    seconds: float = 0.0
    features: Features = SILENCE
    track: Track = NO_TRACK
    beats: int = 0
    lit: bool = False
    onsets: frozenset[str] = frozenset()
    left_out: int = 0
    problem: str = ""


def block_of(view: View, width: int) -> list[str]:
    """The whole picture, always as many lines, none longer than ``width``."""
    features, track = view.features, view.track
    bar = max(min(width - _LABEL - 12, 60), 8)
    lamps = "  ".join(
        name.removeprefix("onset_").upper() if name in view.onsets else "-" * (len(name) - 6) for name in _ONSETS
    )
    flags = "".join((" CLIP" if features.clipping else "", " quiet" if features.gated else ""))
    late = f", {view.left_out} blocks left out" if view.left_out else ""
    lines = [
        f"{'listening to':{_LABEL}} {view.source}, {view.state}, {view.seconds:.1f} s{late}",
        _meter("level", (features.level_db - _FLOOR_DB) / -_FLOOR_DB, bar, f"{features.level_db:6.1f} dBFS{flags}"),
        *(
            _meter(name, value, bar, f"{value:6.2f}")
            for name, value in (
                ("energy", features.energy),
                ("brightness", features.brightness),
                ("texture", features.texture),
                ("low", features.low),
                ("mid", features.mid),
                ("high", features.high),
                ("activation", track.activation),
                ("confidence", track.confidence),
            )
        ),
        f"{'onsets':{_LABEL}} {lamps}",
        f"{'beat':{_LABEL}} {'(@)' if view.lit else '( )'} {_tempo(track)}, {view.beats} beats",
        view.problem,
    ]
    return [line[: width - 1] for line in lines]


def line_of(view: View) -> str:
    """The same in one line."""
    features, track = view.features, view.track
    flags = "".join((", clipping" if features.clipping else "", ", quiet" if features.gated else ""))
    problem = f"  PROBLEM {view.problem}" if view.problem else ""
    return (
        f"{view.seconds:7.1f} s  {view.source} {view.state}  {features.level_db:6.1f} dBFS{flags}  "
        f"energy {features.energy:.2f}  low {features.low:.2f} mid {features.mid:.2f} high {features.high:.2f}  "
        f"{_tempo(track)}, {view.beats} beats{problem}"
    )


class Meters:
    """Shows what is heard.

    Args:
        out: where to.
        refresh: one block drawn over and over, 15 times a second; else a line a second.
    """

    def __init__(self, out: TextIO, *, refresh: bool) -> None:
        self._out = out
        self._refresh = refresh
        self._due = 0.0
        self._drawn = 0
        self._beat_at = -1.0
        self._view = View()

    def push(self, moment: Moment) -> None:
        """Take the next hop."""
        view = self._view
        if moment.beats:
            self._beat_at = moment.beats[-1].announced
        sounded: Iterable[str] = (name for name in _ONSETS if getattr(moment.features, name))
        self._view = replace(
            view,
            seconds=moment.t,
            features=moment.features,
            track=moment.track,
            beats=view.beats + len(moment.beats),
            lit=0 <= moment.t - self._beat_at < LAMP_S,
            onsets=view.onsets.union(sounded),
        )

    def show(self, now: float, source: str, state: str, problem: str, left_out: int) -> None:
        """Draw, when it is time again."""
        if now < self._due:
            return
        self._due = now + (BLOCK_S if self._refresh else LINE_S)
        self._view = replace(self._view, source=source, state=state, problem=problem, left_out=left_out)
        if self._refresh:
            lines = block_of(self._view, shutil.get_terminal_size().columns)
            up = f"\x1b[{self._drawn}F" if self._drawn else ""
            self._out.write(up + "".join(f"{line}\x1b[K\n" for line in lines))
            self._drawn = len(lines)
        else:
            self._out.write(line_of(self._view) + "\n")
        self._out.flush()
        self._view = replace(self._view, onsets=frozenset())


def _tempo(track: Track) -> str:
    return "no tempo" if track.bpm is None else f"{track.bpm:.1f} BPM, {track.confidence:.0%} sure"


def _meter(name: str, value: float, bar: int, text: str) -> str:
    filled = round(min(max(value, 0.0), 1.0) * bar)
    return f"{name:{_LABEL}} {'#' * filled}{'.' * (bar - filled)} {text}"
