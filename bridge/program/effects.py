"""Local effects: what FxState asks for, as numbers at a moment, and what they do to a picture.

They act on the BT.709 picture at the source's own size, before it is scaled: five times fewer pixels than on the
canvas, and bars stay black.
"""

from __future__ import annotations

__all__ = ["NO_LOOK", "Envelopes", "Look", "Looks"]

import math
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.model.desired import FxState
from bridge.program.picture import Picture, planes
from bridge.program.settings import ProgramSettings

STEPS: Final = 64
"""Effects move in 64 steps, so that a decayed effect ends, and what has not changed is not drawn again."""

FLASHES: Final = 3
_STALE_S: Final = 1.0
"""A pulse first seen this late is over: it came while there was no picture to pulse."""

_TRAIL_FRAME_S: Final = 1.0 / 30.0
_TRAIL_KEEP: Final = 0.94
"""What full trails keep of the picture before, per 30th of a second."""


@dataclass(frozen=True, slots=True)
class Look:
    """Every effect at one moment, 0..1."""

    pulse: float = 0.0
    zoom: float = 0.0
    hue: float = 0.0
    trails: float = 0.0


NO_LOOK: Final = Look()


class Envelopes:
    """Turns pulses with their times into levels: full at the pulse's own time, falling from there.

    At most three brightness pulses in any second are let through when ``guarded``: the first line of the
    flash guard, which costs a beat its pulse rather than the picture its motion.
    """

    def __init__(self, settings: ProgramSettings) -> None:
        self._seconds = {"pulse": settings.pulse_s, "zoom": settings.zoom_s}
        self._guarded = settings.flash_guard
        self._seen: deque[tuple[float, str]] = deque(maxlen=64)
        self._running: deque[tuple[float, str, float]] = deque(maxlen=32)
        self._flashes: deque[float] = deque(maxlen=FLASHES)

    def at(self, fx: FxState, now: float) -> Look:
        """Levels at ``now``; pulses that lie in the future wait for their time."""
        for t, effect, strength in fx.pulses:
            if t <= now and (t, effect) not in self._seen:
                self._seen.append((t, effect))
                if effect in self._seconds and now - t < _STALE_S and self._admits(effect, now):
                    self._running.append((t, effect, strength))
        return Look(
            pulse=self._level("pulse", fx, now),
            zoom=self._level("zoom", fx, now),
            hue=_stepped(fx.levels.get("hue", 0.0) % 1.0),
            trails=_stepped(fx.levels.get("trails", 0.0)),
        )

    def _admits(self, effect: str, now: float) -> bool:
        if effect != "pulse" or not self._guarded:
            return True
        if len(self._flashes) == FLASHES and now - self._flashes[0] <= 1.0:
            return False
        self._flashes.append(now)
        return True

    def _level(self, effect: str, fx: FxState, now: float) -> float:
        seconds = self._seconds[effect]
        level = fx.levels.get(effect, 0.0)
        for t, name, strength in self._running:
            if name == effect:
                level = max(level, strength * math.exp(-max(0.0, now - t) / seconds))
        return _stepped(level)


def _stepped(level: float) -> float:
    return round(min(max(level, 0.0), 1.0) * STEPS) / STEPS


class Looks:
    """Applies a look to a picture; the same array again while neither changed."""

    def __init__(self, settings: ProgramSettings) -> None:
        self._amount = settings.pulse_amount
        self._source: Picture | None = None
        self._look = NO_LOOK
        self._output: Picture | None = None
        self._smear: npt.NDArray[np.float32] | None = None
        self._settled = True

    def __call__(self, picture: Picture, look: Look, dt: float) -> Picture:
        """``picture`` with pulse, hue and trails; ``dt`` is the time since the last call, in seconds."""
        if self._output is not None and self._settled and picture is self._source and look == self._look:
            return self._output
        output = turn_hue(picture, look.hue) if look.hue else picture
        output = self._smeared(output, look.trails, dt)
        if look.pulse:
            output = lift(output, look.pulse * self._amount)
        self._source, self._look, self._output = picture, look, output
        return output

    def _smeared(self, picture: Picture, trails: float, dt: float) -> Picture:
        self._settled = True
        if not trails:
            self._smear = None
            return picture
        if self._smear is None or self._smear.shape != picture.shape:
            self._smear = picture.astype(np.float32)
        keep = (_TRAIL_KEEP * math.sqrt(trails)) ** (dt / _TRAIL_FRAME_S)
        self._smear *= np.float32(keep)
        self._smear += np.multiply(picture, np.float32(1.0 - keep), dtype=np.float32)
        output = np.empty_like(picture)
        np.copyto(output, self._smear + np.float32(0.5), casting="unsafe")
        self._settled = np.array_equal(output, picture)
        return output


def lift(picture: Picture, amount: float) -> Picture:
    """Brightness lifted by ``amount`` 0..1, mid-tones most; black and white stay what they are."""
    output = picture.copy()
    y = planes(output).y
    table = _lift_table(round(amount * 256))
    y[...] = np.frombuffer(bytearray(y).translate(table), np.uint8).reshape(y.shape)
    return output


@lru_cache(maxsize=256)
def _lift_table(amount: int) -> bytes:
    x = np.clip((np.arange(256) - 16) / 219.0, 0.0, 1.0)
    lifted = 16.0 + 219.0 * x ** (1.0 / (1.0 + amount / 256.0))
    return np.round(lifted).astype(np.uint8).tobytes()


def turn_hue(picture: Picture, turn: float) -> Picture:
    """Colours turned around the wheel by ``turn`` 0..1 of a full turn; brightness stays."""
    output = picture.copy()
    _, u, v = planes(output)
    cos, sin = math.cos(turn * math.tau) * 64, math.sin(turn * math.tau) * 64
    a, b = u.astype(np.int16) - np.int16(128), v.astype(np.int16) - np.int16(128)
    c, s = np.int16(round(cos)), np.int16(round(sin))
    np.copyto(u, np.clip(((a * c - b * s + 32) >> 6) + 128, 16, 240), casting="unsafe")
    np.copyto(v, np.clip(((a * s + b * c + 32) >> 6) + 128, 16, 240), casting="unsafe")
    return output
