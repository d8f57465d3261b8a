"""The slate: what the outputs show while there is no live video. Ours, and never black by accident."""

from __future__ import annotations

__all__ = ["Slate", "SlateText", "slate_text"]

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from bridge.model.facts import ScopeFacts
from bridge.program.picture import Picture, mix, planes, to_weight
from bridge.render.text import LINE_HEIGHT, draw_text, text_size

_TOP: Final = (0.035, 0.045, 0.085)
_BOTTOM: Final = (0.115, 0.055, 0.175)
_GLOW: Final = (0.10, 0.16, 0.30)
_ACCENT: Final = (0.36, 0.72, 0.95)
_DIM: Final = 0.55
"""How much of black a held picture gets while its caption says that the video stopped."""


@dataclass(frozen=True, slots=True)
class SlateText:
    """``state`` says what is going on, ``hint`` what to do about it."""

    state: str
    hint: str = ""


def slate_text(facts: ScopeFacts, seen: bool) -> SlateText:
    """The words for what is known of the server; ``seen`` is whether there has been live video before."""
    host = _host(facts.url)
    match facts.state:
        case "connecting":
            return SlateText(f"connecting to {host}", "the picture starts by itself")
        case "loading":
            name = facts.pipeline or "the pipeline"
            return SlateText(f"loading {name} on {host}", "this can take a minute or two")
        case "live" if seen:
            return SlateText(f"no new pictures from {host}", "connecting again if it stays like this")
        case "live":
            return SlateText(f"connected to {host}", "waiting for the first picture")
        case "stalled":
            return SlateText(f"{host} stopped sending pictures", "connecting again by itself")
        case "failed":
            return SlateText(f"{host} could not start", "see the status page, or run: scope-bridge doctor")
        case _:
            where = f" at {host}" if facts.url else " yet"
            return SlateText(f"no Scope server{where}", "start it, or set scope.url; tried again by itself")


def _host(url: str) -> str:
    """Host and port alone: what else a URL may hold (user, token) belongs on no screen."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "Scope"
    return f"{parts.hostname}{port}" if parts.hostname else "Scope"


class Slate:
    """Draws the slate of one size; the same array for the same words.

    Args:
        width, height: of the canvas, even.
        title: the name in large letters.
        talkative: whether state and hint are written at all.
    """

    def __init__(self, width: int, height: int, title: str, *, talkative: bool) -> None:
        self._title = title
        self._talkative = talkative
        self._ground = _ground(width, height)
        self._words: SlateText | None = None
        self._picture = self._ground
        self._held: tuple[Picture, SlateText, Picture] | None = None

    def picture(self, words: SlateText) -> Picture:
        """The slate with these words, in BT.709."""
        if not self._talkative:
            words = SlateText("")
        if words != self._words:
            self._picture, self._words = self._draw(words), words
        return self._picture

    def caption(self, held: Picture, words: SlateText, black: Picture) -> Picture:
        """A held picture, dimmed towards ``black``, with the state as one line at the bottom."""
        if self._held is None or self._held[0] is not held or self._held[1] != words:
            picture = mix(held, black, to_weight(_DIM))
            y = planes(picture).y
            if self._talkative:
                scale = _scale(words.state, y.shape[1], y.shape[0] // 360 + 1)
                _centred(y, y.shape[0] - 2 * LINE_HEIGHT * scale, words.state, scale, 200)
            self._held = (held, words, picture)
            return picture
        return self._held[2]

    def _draw(self, words: SlateText) -> Picture:
        picture = self._ground.copy()
        canvas = planes(picture)
        height, width = canvas.y.shape
        unit = max(1, min(width, height) // 240)
        title_scale = _scale(self._title, width, unit * 4)
        top = height // 2 - LINE_HEIGHT * title_scale
        _centred(canvas.y, top, self._title, title_scale, 225)
        line = top + (LINE_HEIGHT + 2) * title_scale
        _accent(picture, width // 2 - 20 * unit, line, 40 * unit, max(2, unit // 2 * 2))
        line += 9 * unit
        for text, luma, size in ((words.state, 190, unit * 2), (words.hint, 120, unit + unit // 2)):
            for piece in _wrapped(text, width, max(1, size)):
                scale = _scale(piece, width, max(1, size))
                _centred(canvas.y, line, piece, scale, luma)
                line += (LINE_HEIGHT + 2) * scale
        return picture


def _ground(width: int, height: int) -> Picture:
    """A dark gradient with a soft light behind the title, dithered so that it does not band."""
    down = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    across = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    glow = np.exp(-((across / 0.7) ** 2) - ((down - 0.47) / 0.30) ** 2)
    red, green, blue = (
        np.asarray(top + (bottom - top) * down + light * glow, np.float32)
        for top, bottom, light in zip(_TOP, _BOTTOM, _GLOW, strict=True)
    )
    y, u, v = _to_bt709(red, green, blue)
    grain = np.random.default_rng(709).random((height, width), dtype=np.float32)
    picture = np.empty((height * 3 // 2, width), np.uint8)
    target = planes(picture)
    np.copyto(target.y, y + grain, casting="unsafe")
    for plane, colour in ((target.u, u), (target.v, v)):
        np.copyto(plane, colour[::2, ::2] + grain[::2, ::2], casting="unsafe")
    return picture


Floats = npt.NDArray[np.float32]


def _to_bt709(red: Floats, green: Floats, blue: Floats) -> tuple[Floats, Floats, Floats]:
    """RGB 0..1 as video-range Y, U, V of BT.709."""
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748


def _accent(picture: Picture, x: int, y: int, width: int, height: int) -> None:
    left, right, top, bottom = x // 2 * 2, (x + width) // 2 * 2, y // 2 * 2, (y + height) // 2 * 2
    levels = _to_bt709(*(np.full(1, c, np.float32) for c in _ACCENT))
    for plane, level, half in zip(planes(picture), levels, (1, 2, 2), strict=True):
        plane[top // half : bottom // half, left // half : right // half] = round(float(level[0]))


def _scale(text: str, width: int, wanted: int) -> int:
    """The largest scale up to ``wanted`` at which the text keeps a margin; at least 1."""
    one = max(1, text_size(text, 1)[0])
    return max(1, min(wanted, width * 9 // 10 // one))


def _wrapped(text: str, width: int, scale: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_size(longer, scale)[0] <= width * 9 // 10:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _centred(y_plane: Picture, top: int, text: str, scale: int, luma: int) -> None:
    left = (y_plane.shape[1] - text_size(text, scale)[0]) // 2
    draw_text(y_plane, left, top, text, scale, luma)
