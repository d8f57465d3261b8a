"""What the ears heard, as a picture: rows of time with beats, activation, level, bands, drums, tempo and parts of the track."""

from __future__ import annotations

__all__ = ["Plot", "draw"]

import math
from pathlib import Path
from typing import Final

import numpy as np

from bridge.cli.history import History
from bridge.cli.lanes import (
    BEAT,
    COLOURS,
    DOWNBEAT,
    INK,
    LANE,
    PARTS,
    SURE,
    Canvas,
    Span,
    draw_beats,
    draw_lane,
    write,
)
from bridge.cli.listening import Moment
from bridge.model.errors import ScopeBridgeError
from bridge.model.features import HOP, SAMPLE_RATE
from bridge.render import png_bytes, text_size

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
_GRID: Final = (34, 38, 49)
_FAINT: Final = (132, 139, 156)
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
        x += write(canvas, x, 18, shown[:60], INK) + 24
    write(canvas, x, 18, words, _FAINT if shown else INK)
    x = LEFT
    for colour, label in ((BEAT, "beat"), (DOWNBEAT, "downbeat"), (BEAT, "clipping")):
        mark = canvas[50:64, x : x + (10 if label == "clipping" else 3)]
        mark[: 4 if label == "clipping" else None] = colour
        x += 16 + write(canvas, x + 16, 50, label, _FAINT) + 26
    for name, colour in PARTS.items():
        canvas[50:64, x : x + 14] = colour
        x += 22 + write(canvas, x + 22, 50, name.replace("_", "-"), _FAINT) + 26
    canvas[55:59, x : x + 14] = COLOURS["BPM"]
    x += 22 + write(canvas, x + 22, 50, "tempo", _FAINT) + 26
    canvas[50:64, x : x + 14] = SURE
    write(canvas, x + 22, 50, "confidence", _FAINT)


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
    span = Span(first[first < end], end)
    step = _step(row_s)
    y = top
    for name, height in lanes.items():
        area = canvas[y : y + height, LEFT : LEFT + width]
        area[:] = LANE
        for second in _seconds(start, row_s, step):
            area[:, round((second - start) / row_s * (width - 1))] = _GRID
        if len(span.first):
            draw_lane(area[:, : len(span.first)], name, history, span, bpm)
        _label(canvas, y, height, name, bpm)
        y += height + _LANE_GAP
    bottom = y - _LANE_GAP
    if "beats" in lanes:
        above = lanes["part"] + _LANE_GAP
        marks = slice(above, above + lanes["beats"])
        draw_beats(canvas[top:bottom, LEFT : LEFT + width], marks, history, start, row_s)
    _draw_seconds(canvas, bottom, start, row_s, step, width)


def _step(row_s: float) -> int:
    return next((one for one in (1, 2, 5, 10, 30, 60, 300, 600, 1800) if row_s / one <= 20), 3600)


def _seconds(start: float, row_s: float, step: int) -> range:
    return range(math.ceil(start / step) * step, math.floor(start + row_s) + 1, step)


def _draw_seconds(canvas: Canvas, y: int, start: float, row_s: float, step: int, width: int) -> None:
    for second in _seconds(start, row_s, step):
        x = LEFT + round((second - start) / row_s * (width - 1))
        canvas[y : y + 4, x] = _FAINT
        words = f"{second // 60}:{second % 60:02}"
        write(canvas, x - text_size(words)[0] // 2, y + 8, words, _FAINT, scale=1)


def _label(canvas: Canvas, y: int, height: int, name: str, bpm: tuple[float, float]) -> None:
    scale = 1 if height < 16 else 2
    ends = {"BPM": (f"{bpm[1]:.0f}", f"{bpm[0]:.0f}"), "level": ("0 dB", "-60"), "bands": ("16k", "20 Hz")}.get(name)
    right = LEFT - 8
    if ends is not None:
        for number, at in zip(ends, (y, y + height - 8), strict=True):
            write(canvas, right - text_size(number)[0], at, number, _FAINT, scale=1)
        right -= 34
    write(canvas, right - text_size(name, scale)[0], y + (height - 8 * scale) // 2, name, COLOURS[name], scale=scale)


def _bpm_range(history: History) -> tuple[float, float]:
    """Round numbers around the tempos heard."""
    tempos = history.course("bpm")
    tempos = tempos[tempos > 0]
    if not len(tempos):
        return 80.0, 160.0
    low, high = np.percentile(tempos, (1, 99))
    margin = _BPM_STEP / 2
    return math.floor((low - margin) / _BPM_STEP) * _BPM_STEP, math.ceil((high + margin) / _BPM_STEP) * _BPM_STEP
