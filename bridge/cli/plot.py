"""What the ears heard, as a picture: rows of time with energy, onsets, activation, tempo and the beats across."""

from __future__ import annotations

__all__ = ["History", "Plot", "draw"]

import math
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.cli.listening import Moment
from bridge.model.errors import ScopeBridgeError
from bridge.model.features import HOP, SAMPLE_RATE
from bridge.render import draw_text, png_bytes, text_size

CHANNELS: Final = ("energy", "onset_high", "onset_mid", "onset_low", "activation", "bpm", "beat")
MOST_COLUMNS: Final = 16384
MOST_ROWS: Final = 8
ROW_S: Final = 20.0

Canvas = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
_WIDTH, _MARGIN, _RIGHT, _TOP, _GAP = 1600, 130, 30, 56, 34
_BACK: Final = (18, 20, 26)
_LANE: Final = (27, 30, 38)
_INK: Final = (214, 218, 226)
_FAINT: Final = (128, 134, 146)
_BEAT: Final = (255, 92, 92)
_DOWNBEAT: Final = (255, 210, 90)
_COLOURS: Final[dict[str, Colour]] = {
    "energy": (86, 156, 255),
    "onset_high": (190, 150, 255),
    "onset_mid": (120, 220, 160),
    "onset_low": (255, 170, 80),
    "activation": (90, 210, 210),
    "bpm": (236, 236, 120),
}
_HEIGHTS: Final = {"energy": 46, "onset_high": 10, "onset_mid": 10, "onset_low": 10, "activation": 46, "bpm": 34}
_LANE_GAP: Final = 4
_ROW: Final = sum(_HEIGHTS.values()) + _LANE_GAP * len(_HEIGHTS)
_BPM_STEP: Final = 20.0
_BEAT_ROOM: Final = 4
_DENSE_HEIGHT: Final = 6


class History:
    """The course of some values in at most 16384 columns: when they are full, neighbours merge to their maximum."""

    def __init__(self) -> None:
        self.values = np.zeros((len(CHANNELS), MOST_COLUMNS), np.float32)
        self.hops_a_column = 1
        self.hops = 0
        self.beats = 0

    @property
    def column_s(self) -> float:
        """Seconds that a column stands for."""
        return self.hops_a_column * HOP / SAMPLE_RATE

    @property
    def seconds(self) -> float:
        """Seconds of it all."""
        return self.hops * HOP / SAMPLE_RATE

    def push(self, moment: Moment) -> None:
        """Take the next hop."""
        if self.hops == MOST_COLUMNS * self.hops_a_column:
            merged = self.values.reshape(len(CHANNELS), -1, 2).max(axis=2)
            self.values[:, : MOST_COLUMNS // 2] = merged
            self.values[:, MOST_COLUMNS // 2 :] = 0
            self.hops_a_column *= 2
        features, track = moment.features, moment.track
        now = (
            features.energy,
            features.onset_high,
            features.onset_mid,
            features.onset_low,
            track.activation,
            track.bpm if track.bpm is not None and track.confidence > 0 else 0.0,
            0.0,
        )
        column = self.values[:, self.hops // self.hops_a_column]
        np.maximum(column, np.array(now, np.float32), out=column)
        self.hops += 1
        for beat in moment.beats:
            self.beats += 1
            at = min(max(int(beat.t / self.column_s), 0), MOST_COLUMNS - 1)
            self.values[-1, at] = max(self.values[-1, at], 2.0 if beat.downbeat else 1.0)


class Plot:
    """Writes the picture at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
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
            self._path.write_bytes(png_bytes(draw(self._history)))
        except OSError as error:
            raise ScopeBridgeError(
                f"{self._path} cannot be written: {error.strerror or error}.", hint="Choose another place for --plot."
            ) from error


def draw(history: History) -> Canvas:
    """The picture: uint8 RGB of shape (height, 1600, 3); a row shows 20 s, or an eighth of what is longer than 160 s."""
    row_s = max(ROW_S, math.ceil(history.seconds / MOST_ROWS))
    # The last hop may be no more than what silence fills up: that alone opens no row.
    rows = max(1, math.ceil((history.seconds - 1.01 * HOP / SAMPLE_RATE) / row_s))
    canvas = np.empty((_TOP + rows * (_ROW + _GAP), _WIDTH, 3), np.uint8)
    canvas[:] = _BACK
    bpm = _bpm_range(history)
    _draw_legend(canvas, history)
    for row in range(rows):
        _draw_row(canvas, history, _TOP + row * (_ROW + _GAP), row * row_s, row_s, bpm)
    return canvas


def _draw_legend(canvas: Canvas, history: History) -> None:
    _text(canvas, _MARGIN, 16, f"Scope Bridge listen: {history.seconds:.1f} s, {history.beats} beats", _INK)
    x = _MARGIN + 640
    for colour, words in ((_BEAT, "beat"), (_DOWNBEAT, "downbeat")):
        canvas[16:32, x : x + 3] = colour
        x += 14 + _text(canvas, x + 10, 16, words, _FAINT) + 20


def _draw_row(canvas: Canvas, history: History, top: int, start: float, row_s: float, bpm: tuple[float, float]) -> None:
    width = _WIDTH - _MARGIN - _RIGHT
    edges = (start + np.arange(width + 1) * (row_s / width)) / history.column_s
    used = min(-(-history.hops // history.hops_a_column), math.ceil(edges[-1]))
    first = np.floor(edges[:-1]).astype(int)
    shown = int((first < used).sum())
    y = top
    for index, (name, height) in enumerate(_HEIGHTS.items()):
        canvas[y : y + height, _MARGIN : _MARGIN + width] = _LANE
        if shown:
            # A pixel shows the greatest of its columns, so that no onset falls between two.
            values = np.maximum.reduceat(history.values[index, :used], first[:shown])
            _draw_lane(canvas[y : y + height, _MARGIN : _MARGIN + shown], name, values, bpm)
        _label(canvas, y, height, name, bpm)
        y += height + _LANE_GAP
    _draw_beats(canvas[top : y - _LANE_GAP, _MARGIN : _MARGIN + width], history, start, row_s)
    _draw_seconds(canvas, y - _LANE_GAP, start, row_s, width)


def _draw_lane(lane: Canvas, name: str, values: npt.NDArray[np.float32], bpm: tuple[float, float]) -> None:
    height = lane.shape[0]
    depth = height - 1 - np.arange(height)[:, None]
    if name == "bpm":
        low, high = bpm
        level = np.clip((values - low) / (high - low), 0, 1) * (height - 2)
        lane[(np.abs(depth - level) <= 1) & (values > 0)] = _COLOURS[name]
    else:
        lane[depth < np.round(np.clip(values, 0, 1) * height)] = _COLOURS[name]


def _draw_beats(area: Canvas, history: History, start: float, row_s: float) -> None:
    width = area.shape[1]
    columns = np.flatnonzero(history.values[-1])
    places = (((columns + 0.5) * history.column_s - start) / row_s * width).astype(int)
    inside = (places >= 0) & (places < width)
    if inside.sum() * _BEAT_ROOM > width:
        # Lines this dense would bury what they cross.
        area = area[-_DENSE_HEIGHT:]
    for column, x in zip(columns[inside], places[inside], strict=True):
        colour = np.array(_DOWNBEAT if history.values[-1, column] > 1 else _BEAT)
        area[:, x] = (0.25 * area[:, x] + 0.75 * colour).astype(np.uint8)


def _draw_seconds(canvas: Canvas, y: int, start: float, row_s: float, width: int) -> None:
    step = next((one for one in (1, 2, 5, 10, 30, 60, 300, 600, 1800) if row_s / one <= 20), 3600)
    for second in range(math.ceil(start), math.floor(start + row_s) + 1):
        if second % step:
            continue
        x = _MARGIN + round((second - start) / row_s * (width - 1))
        canvas[y : y + 4, x] = _FAINT
        words = f"{second // 60}:{second % 60:02}"
        _text(canvas, x - text_size(words)[0] // 2, y + 7, words, _FAINT, scale=1)


def _label(canvas: Canvas, y: int, height: int, name: str, bpm: tuple[float, float]) -> None:
    words = name.removeprefix("onset_") if height < 20 else name
    scale = 1 if height < 20 else 2
    if name == "bpm":
        words = "BPM"
        for value, at in ((bpm[1], y), (bpm[0], y + height - 8)):
            number = f"{value:.0f}"
            _text(canvas, _MARGIN - 8 - text_size(number)[0], at, number, _FAINT, scale=1)
    right = _MARGIN - (40 if name == "bpm" else 8)
    _text(canvas, right - text_size(words, scale)[0], y + (height - 8 * scale) // 2, words, _COLOURS[name], scale=scale)


def _bpm_range(history: History) -> tuple[float, float]:
    """Round numbers around the tempos heard."""
    tempos = history.values[CHANNELS.index("bpm")]
    tempos = tempos[tempos > 0]
    if not len(tempos):
        return 80.0, 160.0
    low, high = np.percentile(tempos, (1, 99))
    return math.floor(low / _BPM_STEP) * _BPM_STEP, (math.floor(high / _BPM_STEP) + 1) * _BPM_STEP


def _text(canvas: Canvas, x: int, y: int, words: str, colour: Colour, *, scale: int = 2) -> int:
    width = 0
    for channel, level in enumerate(colour):
        width = draw_text(canvas[:, :, channel], x, y, words, scale, level)
    return width
