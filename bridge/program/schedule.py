"""When the next picture is due: a schedule that does not drift."""

from __future__ import annotations

__all__ = ["Schedule"]

import math


class Schedule:
    """Ticks at ``start + n / fps``. A tick that comes late does not move the ones after it."""

    def __init__(self, fps: float, start: float) -> None:
        self._fps = fps
        self._start = start
        self._next = 1

    @property
    def due(self) -> float:
        """Time of the next tick."""
        return self._start + self._next / self._fps

    def ticked(self, now: float) -> int:
        """The tick that was due happened at ``now``; returns how many after it were missed altogether."""
        past = max(self._next, math.floor((now - self._start) * self._fps + 1e-6))
        missed = past - self._next
        self._next = past + 1
        return missed

    def restart(self, now: float) -> None:
        """Count from ``now``: a picture has just gone out on its arrival."""
        self._start, self._next = now, 1
