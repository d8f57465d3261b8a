"""The lanes of the picture that ``listen --plot`` draws: from values to pixels."""

from __future__ import annotations

__all__ = [
    "BEAT",
    "COLOURS",
    "DOWNBEAT",
    "INK",
    "LANE",
    "PARTS",
    "SURE",
    "Canvas",
    "Colour",
    "Span",
    "draw_beats",
    "draw_lane",
    "write",
]

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.cli.history import SECTIONS, History
from bridge.model.features import BANDS
from bridge.render import draw_text, text_size

Canvas = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]
Colour = tuple[int, int, int]

LANE: Final = (23, 26, 34)
INK: Final = (226, 229, 238)
BEAT: Final = (255, 93, 115)
DOWNBEAT: Final = (255, 214, 102)
SURE: Final = (52, 58, 44)
COLOURS: Final[dict[str, Colour]] = {
    "part": (150, 160, 180),
    "beats": BEAT,
    "activation": (41, 211, 230),
    "level": (61, 220, 151),
    "energy": (110, 150, 255),
    "bands": (139, 123, 255),
    "kick": (255, 150, 84),
    "snare": (255, 206, 110),
    "hat": (196, 228, 255),
    "harmony": (214, 140, 255),
    "BPM": (236, 236, 120),
}
PARTS: Final[dict[str, Colour]] = {
    "steady": (58, 78, 128),
    "breakdown": (24, 112, 122),
    "build_up": (176, 112, 30),
    "drop": (178, 44, 88),
}
# From silence over violet and cyan to white, at these shares.
_HEAT_AT: Final = (0.0, 0.35, 0.7, 1.0)
_HEAT: Final = ((23, 26, 34), (74, 52, 168), (41, 190, 220), (240, 252, 255))
_BEAT_ROOM: Final = 4


@dataclass(frozen=True, slots=True)
class Span:
    """The part of the history that a row shows: ``first`` is the column that each pixel begins with, ``end`` is behind
    the last column."""

    first: npt.NDArray[np.intp]
    end: int

    def of(self, values: Values) -> Values:
        """A value a pixel, the greatest of its columns: no onset falls between two."""
        return np.asarray(np.maximum.reduceat(values[: self.end], self.first), dtype=np.float32)

    def mean_of(self, values: Values) -> Values:
        """A value a pixel, the mean of its columns: what is loud now and then is not shown as always loud."""
        sums = np.add.reduceat(values[: self.end], self.first)
        # Columns wider than a pixel are repeated, each for itself.
        counts = np.maximum(np.diff(self.first, append=self.end), 1)
        return np.asarray(sums / counts, dtype=np.float32)


def draw_lane(lane: Canvas, name: str, history: History, span: Span, bpm: tuple[float, float]) -> None:
    """Fill one lane, a pixel a column; ``bpm`` are the tempos at its lower and upper edge."""

    def now(channel: str) -> Values:
        return span.of(history.course(channel))

    match name:
        case "part":
            _draw_parts(lane, history.course("section")[span.first], now("build_up"))
        case "beats":
            pass
        case "activation":
            _area(lane, now("activation"), COLOURS[name])
        case "level":
            _area(lane, now("peak"), COLOURS[name], strength=0.22, edge=0.45)
            _area(lane, now("level"), COLOURS[name])
            lane[:4, now("clipping") > 0] = BEAT
        case "energy":
            _area(lane, now("energy"), COLOURS[name])
            _line(lane, now("energy_long"), INK)
        case "bands":
            _draw_bands(lane, history, span)
        case "BPM":
            low, high = bpm
            _area(lane, now("confidence"), SURE, strength=1.0, edge=1.0)
            _line(lane, (now("bpm") - low) / (high - low), COLOURS[name], thick=2)
        case "harmony":
            _bars(lane, now("harmonic_change"), COLOURS[name])
        case _:
            struck = now(name)
            # A stroke lasts one hop: two pixels are seen better than one.
            _bars(lane, np.maximum(struck, np.concatenate((struck[:1], struck[:-1]))), COLOURS[name])


def _draw_parts(lane: Canvas, sections: Values, build_up: Values) -> None:
    """Coloured spans with their names; how far a build-up is rises over them as a line."""
    codes = sections.astype(int)
    starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    named = [(SECTIONS[codes[begin]], begin, end) for begin, end in pairwise(starts)]
    named = [one for one in named if one[0] != "none"]
    for name, begin, end in named:
        lane[:, begin:end] = PARTS[name]
    _line(lane, np.where(build_up > 0.05, build_up, 0), DOWNBEAT)
    for name, begin, end in named:
        lane[:, begin] = INK
        words = name.replace("_", "-")
        width = text_size(words, 1)[0] + 12
        if width < end - begin:
            lane[:, begin + 1 : begin + width] = PARTS[name]
            write(lane, begin + 6, (lane.shape[0] - 8) // 2, words, INK, scale=1)


def _draw_bands(lane: Canvas, history: History, span: Span) -> None:
    """A strip a band, the lowest at the bottom: brighter is louder, white where a sound starts."""
    height = lane.shape[0] // BANDS
    for band in range(1, BANDS + 1):
        strip = lane[lane.shape[0] - band * height : lane.shape[0] - (band - 1) * height - 1]
        heat = np.clip(span.mean_of(history.course(f"band_{band}")), 0, 1)
        for channel in range(3):
            strip[..., channel] = np.interp(heat, _HEAT_AT, [colour[channel] for colour in _HEAT])
        strip[: height // 2, span.of(history.course(f"onset_{band}")) > 0] = INK


def draw_beats(area: Canvas, marks: slice, history: History, start: float, row_s: float) -> None:
    """Marks in their own lane, whose lines of ``area`` are ``marks``, and faint lines across all lanes below."""
    width = area.shape[1]
    beats = history.course("beat")
    columns = np.flatnonzero(beats)
    places = (((columns + 0.5) * history.column_s - start) / row_s * width).astype(int)
    inside = (places >= 0) & (places < width)
    # Lines too dense would bury what they cross.
    crossing = inside.sum() * _BEAT_ROOM <= width
    top, bottom = marks.start, marks.stop
    for column, x in zip(columns[inside], places[inside], strict=True):
        down = beats[column] > 1
        colour = np.array(DOWNBEAT if down else BEAT)
        if crossing:
            share = 0.5 if down else 0.3
            area[bottom:, x] = ((1 - share) * area[bottom:, x] + share * colour).astype(np.uint8)
        area[top if down else (top + bottom) // 2 : bottom, x : x + 3] = colour


def _area(lane: Canvas, values: Values, colour: Colour, *, strength: float = 0.55, edge: float = 1.0) -> None:
    """Filled up to the values, 0..1, with a bright edge."""
    level = np.round(np.clip(values, 0, 1) * lane.shape[0])
    depth = lane.shape[0] - 1 - np.arange(lane.shape[0])[:, None]
    lane[depth < level] = _dim(colour, strength)
    lane[(depth < level) & (depth >= level - 2)] = _dim(colour, edge)


def _bars(lane: Canvas, values: Values, colour: Colour) -> None:
    """A likelihood: the surer, the higher and the brighter."""
    depth = lane.shape[0] - 1 - np.arange(lane.shape[0])[:, None]
    sure = np.clip(values, 0, 1)
    lane[depth < np.round(sure * lane.shape[0])] = _dim(colour, 0.4)
    lane[(depth < np.round(sure * lane.shape[0])) & (sure >= 0.5)] = colour


def _line(lane: Canvas, values: Values, colour: Colour, *, thick: int = 1) -> None:
    """A line where the values are above 0, joined where they jump."""
    height = lane.shape[0]
    level = np.clip(values, 0, 1) * (height - thick)
    before = np.concatenate((level[:1], level[:-1]))
    before = np.where(np.concatenate((values[:1], values[:-1])) > 0, before, level)
    depth = height - 1 - np.arange(height)[:, None]
    low, high = np.round(np.minimum(level, before)), np.round(np.maximum(level, before))
    lane[(depth >= low) & (depth < high + thick) & (values > 0)] = colour


def _dim(colour: Colour, share: float) -> Colour:
    """A colour mixed into that of the lane."""
    red, green, blue = (round(low + share * (high - low)) for low, high in zip(LANE, colour, strict=True))
    return red, green, blue


def write(canvas: Canvas, x: int, y: int, words: str, colour: Colour, *, scale: int = 2) -> int:
    width = 0
    for channel, level in enumerate(colour):
        width = draw_text(canvas[:, :, channel], x, y, words, scale, level)
    return width
