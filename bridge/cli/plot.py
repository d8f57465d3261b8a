"""What the ears heard, as a picture: rows of time with beats, activation, level, bands, drums, tempo and parts of the track."""

from __future__ import annotations

__all__ = ["Plot", "draw"]

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.cli.history import SECTIONS, History
from bridge.cli.listening import Moment
from bridge.model.errors import ScopeBridgeError
from bridge.model.features import BANDS, HOP, SAMPLE_RATE
from bridge.render import draw_text, png_bytes, text_size

Canvas = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]
Colour = tuple[int, int, int]

MOST_ROWS: Final = 8
ROW_S: Final = 20.0
SHORTEST_S: Final = 4
WIDTH: Final = 1600
LEFT: Final = 130
RIGHT: Final = 30
TOP: Final = 84
_GAP: Final = 40
_LANE_GAP: Final = 4

_BACK: Final = (13, 14, 19)
_LANE: Final = (23, 26, 34)
_GRID: Final = (34, 38, 49)
_INK: Final = (226, 229, 238)
_FAINT: Final = (132, 139, 156)
_BEAT: Final = (255, 93, 115)
_DOWNBEAT: Final = (255, 214, 102)
_SURE: Final = (52, 58, 44)
_COLOURS: Final[dict[str, Colour]] = {
    "part": (150, 160, 180),
    "beats": _BEAT,
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
_PARTS: Final[dict[str, Colour]] = {
    "steady": (58, 78, 128),
    "breakdown": (24, 112, 122),
    "build_up": (176, 112, 30),
    "drop": (178, 44, 88),
}
# From silence over violet and cyan to white, at these shares.
_HEAT_AT: Final = (0.0, 0.35, 0.7, 1.0)
_HEAT: Final = ((23, 26, 34), (74, 52, 168), (41, 190, 220), (240, 252, 255))
_ROW: Final = {
    "part": 16,
    "beats": 14,
    "activation": 44,
    "level": 44,
    "energy": 44,
    "bands": 64,
    "kick": 12,
    "snare": 12,
    "hat": 12,
    "harmony": 12,
    "BPM": 44,
}
_OVERVIEW: Final = {"part": 20, "energy": 48, "bands": 56, "BPM": 36}
_BPM_STEP: Final = 20.0
_BEAT_ROOM: Final = 4


class Plot:
    """Writes the picture at the end.

    Args:
        path: where to.
        title: what was listened to.
    """

    def __init__(self, path: Path, title: str = "") -> None:
        self._path = path
        self._title = title
        self._history = History()

    def push(self, moment: Moment) -> None:
        """Take the next hop."""
        self._history.push(moment)

    def finish(self) -> None:
        """Draw and write; nothing when nothing was heard.

        Raises:
            ScopeBridgeError: the file cannot be written.
        """
        if not self._history.hops:
            return
        try:
            self._path.write_bytes(png_bytes(draw(self._history, self._title)))
        except OSError as error:
            raise ScopeBridgeError(
                f"{self._path} cannot be written: {error.strerror or error}.", hint="Choose another place for --plot."
            ) from error


@dataclass(frozen=True, slots=True)
class _Span:
    """The part of the history that a row shows: from ``start`` on, ``seconds`` long, ``pixels`` of which hold music.

    ``first`` is the column that each pixel begins with.
    """

    start: float
    seconds: float
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


def draw(history: History, title: str = "") -> Canvas:
    """The picture: uint8 RGB of shape (height, 1600, 3).

    A row shows at most 20 s, or an eighth of what is longer than 160 s; over several stands an overview of it all.
    """
    # The last hop may be no more than what silence fills up: that alone opens no row.
    seconds = history.seconds - 1.01 * HOP / SAMPLE_RATE
    rows = min(max(1, math.ceil(seconds / ROW_S)), MOST_ROWS)
    row_s = max(math.ceil(seconds / rows), SHORTEST_S)
    overview = _height(_OVERVIEW) + _GAP if rows > 1 else 0
    canvas = np.empty((TOP + overview + rows * (_height(_ROW) + _GAP), WIDTH, 3), np.uint8)
    canvas[:] = _BACK
    bpm = _bpm_range(history)
    _draw_head(canvas, history, title)
    if overview:
        _draw_row(canvas, history, _OVERVIEW, TOP, 0.0, history.seconds, bpm)
    for row in range(rows):
        top = TOP + overview + row * (_height(_ROW) + _GAP)
        _draw_row(canvas, history, _ROW, top, row * row_s, row_s, bpm)
    return canvas


def _height(lanes: dict[str, int]) -> int:
    return sum(lanes.values()) + _LANE_GAP * (len(lanes) - 1)


def _draw_head(canvas: Canvas, history: History, title: str) -> None:
    tempos = history.course("bpm")
    tempos = tempos[tempos > 0]
    tempo = f", {np.median(tempos):.1f} BPM" if len(tempos) else ", no tempo"
    words = f"{int(history.seconds) // 60}:{history.seconds % 60:04.1f}, {history.beats} beats{tempo}"
    shown = "".join(one if " " <= one <= "~" else "?" for one in title)
    x = LEFT
    if shown:
        x += _text(canvas, x, 18, shown[:60], _INK) + 24
    _text(canvas, x, 18, words, _FAINT if shown else _INK)
    x = LEFT
    for colour, label in ((_BEAT, "beat"), (_DOWNBEAT, "downbeat"), (_BEAT, "clipping")):
        mark = canvas[50:64, x : x + (10 if label == "clipping" else 3)]
        mark[: 4 if label == "clipping" else None] = colour
        x += 16 + _text(canvas, x + 16, 50, label, _FAINT) + 26
    for name, colour in _PARTS.items():
        canvas[50:64, x : x + 14] = colour
        x += 22 + _text(canvas, x + 22, 50, name.replace("_", " "), _FAINT) + 26
    canvas[55:59, x : x + 14] = _COLOURS["BPM"]
    x += 22 + _text(canvas, x + 22, 50, "tempo", _FAINT) + 26
    canvas[50:64, x : x + 14] = _SURE
    _text(canvas, x + 22, 50, "confidence", _FAINT)


def _draw_row(
    canvas: Canvas,
    history: History,
    lanes: dict[str, int],
    top: int,
    start: float,
    row_s: float,
    bpm: tuple[float, float],
) -> None:
    width = WIDTH - LEFT - RIGHT
    edges = (start + np.arange(width + 1) * (row_s / width)) / history.column_s
    end = min(history.columns, math.ceil(edges[-1]))
    first = np.floor(edges[:-1]).astype(np.intp)
    span = _Span(start, row_s, first[first < end], end)
    step = _step(row_s)
    y = top
    for name, height in lanes.items():
        area = canvas[y : y + height, LEFT : LEFT + width]
        area[:] = _LANE
        for second in _seconds(start, row_s, step):
            area[:, round((second - start) / row_s * (width - 1))] = _GRID
        if len(span.first):
            _draw_lane(area[:, : len(span.first)], name, history, span, bpm)
        _label(canvas, y, height, name, bpm)
        y += height + _LANE_GAP
    bottom = y - _LANE_GAP
    if "beats" in lanes:
        _draw_beats(canvas[top:bottom, LEFT : LEFT + width], lanes, history, start, row_s)
    _draw_seconds(canvas, bottom, start, row_s, step, width)


def _draw_lane(lane: Canvas, name: str, history: History, span: _Span, bpm: tuple[float, float]) -> None:
    def now(channel: str) -> Values:
        return span.of(history.course(channel))

    match name:
        case "part":
            _draw_parts(lane, history.course("section")[span.first], now("build_up"))
        case "beats":
            pass
        case "activation":
            _area(lane, now("activation"), _COLOURS[name])
        case "level":
            _area(lane, now("peak"), _COLOURS[name], strength=0.22, edge=0.45)
            _area(lane, now("level"), _COLOURS[name])
            lane[:4, now("clipping") > 0] = _BEAT
        case "energy":
            _area(lane, now("energy"), _COLOURS[name])
            _line(lane, now("energy_long"), _INK)
        case "bands":
            _draw_bands(lane, history, span)
        case "BPM":
            low, high = bpm
            _area(lane, now("confidence"), _SURE, strength=1.0, edge=1.0)
            _line(lane, (now("bpm") - low) / (high - low), _COLOURS[name], thick=2)
        case "harmony":
            _bars(lane, now("harmonic_change"), _COLOURS[name])
        case _:
            struck = now(name)
            # A stroke lasts one hop: two pixels are seen better than one.
            _bars(lane, np.maximum(struck, np.concatenate((struck[:1], struck[:-1]))), _COLOURS[name])


def _draw_parts(lane: Canvas, sections: Values, build_up: Values) -> None:
    """Coloured spans with their names; how far a build-up is rises over them as a line."""
    codes = sections.astype(int)
    starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    for begin, end in pairwise(starts):
        name = SECTIONS[codes[begin]]
        if name == "none":
            continue
        lane[:, begin:end] = _PARTS[name]
        lane[:, begin] = _INK
        words = name.replace("_", " ")
        if text_size(words, 1)[0] + 12 < end - begin:
            _text(lane, begin + 6, (lane.shape[0] - 8) // 2, words, _INK, scale=1)
    _line(lane, np.where(build_up > 0.05, build_up, 0), _DOWNBEAT)


def _draw_bands(lane: Canvas, history: History, span: _Span) -> None:
    """A strip a band, the lowest at the bottom: brighter is louder, white where a sound starts."""
    height = lane.shape[0] // BANDS
    for band in range(1, BANDS + 1):
        strip = lane[lane.shape[0] - band * height : lane.shape[0] - (band - 1) * height - 1]
        heat = np.clip(span.mean_of(history.course(f"band_{band}")), 0, 1)
        for channel in range(3):
            strip[..., channel] = np.interp(heat, _HEAT_AT, [colour[channel] for colour in _HEAT])
        strip[: height // 2, span.of(history.course(f"onset_{band}")) > 0] = _INK


def _draw_beats(area: Canvas, lanes: dict[str, int], history: History, start: float, row_s: float) -> None:
    """Marks in their own lane, and faint lines across all others."""
    width = area.shape[1]
    marks = history.course("beat")
    columns = np.flatnonzero(marks)
    places = (((columns + 0.5) * history.column_s - start) / row_s * width).astype(int)
    inside = (places >= 0) & (places < width)
    # Lines too dense would bury what they cross.
    crossing = inside.sum() * _BEAT_ROOM <= width
    top = lanes["part"] + _LANE_GAP
    bottom = top + lanes["beats"]
    for column, x in zip(columns[inside], places[inside], strict=True):
        down = marks[column] > 1
        colour = np.array(_DOWNBEAT if down else _BEAT)
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
    red, green, blue = (round(low + share * (high - low)) for low, high in zip(_LANE, colour, strict=True))
    return red, green, blue


def _step(row_s: float) -> int:
    return next((one for one in (1, 2, 5, 10, 30, 60, 300, 600, 1800) if row_s / one <= 20), 3600)


def _seconds(start: float, row_s: float, step: int) -> range:
    return range(math.ceil(start / step) * step, math.floor(start + row_s) + 1, step)


def _draw_seconds(canvas: Canvas, y: int, start: float, row_s: float, step: int, width: int) -> None:
    for second in _seconds(start, row_s, step):
        x = LEFT + round((second - start) / row_s * (width - 1))
        canvas[y : y + 4, x] = _FAINT
        words = f"{second // 60}:{second % 60:02}"
        _text(canvas, x - text_size(words)[0] // 2, y + 8, words, _FAINT, scale=1)


def _label(canvas: Canvas, y: int, height: int, name: str, bpm: tuple[float, float]) -> None:
    scale = 1 if height < 16 else 2
    ends = {"BPM": (f"{bpm[1]:.0f}", f"{bpm[0]:.0f}"), "level": ("0 dB", "-60"), "bands": ("16k", "20 Hz")}.get(name)
    right = LEFT - 8
    if ends is not None:
        for number, at in zip(ends, (y, y + height - 8), strict=True):
            _text(canvas, right - text_size(number)[0], at, number, _FAINT, scale=1)
        right -= 34
    _text(canvas, right - text_size(name, scale)[0], y + (height - 8 * scale) // 2, name, _COLOURS[name], scale=scale)


def _bpm_range(history: History) -> tuple[float, float]:
    """Round numbers around the tempos heard."""
    tempos = history.course("bpm")
    tempos = tempos[tempos > 0]
    if not len(tempos):
        return 80.0, 160.0
    low, high = np.percentile(tempos, (1, 99))
    margin = _BPM_STEP / 2
    return math.floor((low - margin) / _BPM_STEP) * _BPM_STEP, math.ceil((high + margin) / _BPM_STEP) * _BPM_STEP


def _text(canvas: Canvas, x: int, y: int, words: str, colour: Colour, *, scale: int = 2) -> int:
    width = 0
    for channel, level in enumerate(colour):
        width = draw_text(canvas[:, :, channel], x, y, words, scale, level)
    return width
