"""When the next picture is due: a schedule that does not drift, and what is said of how it was kept."""

from __future__ import annotations

__all__ = ["Meter", "Schedule"]

import math
from collections import deque
from typing import Final

_SPAN: Final = 90


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


class Meter:
    """Rate of events over the last 90 of them."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_SPAN)

    def tick(self, now: float) -> None:
        """Count one event."""
        self._times.append(now)

    def rate(self, now: float) -> float:
        """Events per second; 0.0 before the second, and falling while none come."""
        if len(self._times) < 2:
            return 0.0
        first, last = self._times[0], self._times[-1]
        span = last - first
        interval = span / (len(self._times) - 1)
        waiting = now - last
        return (len(self._times) - 1) / (span + waiting if waiting > 2 * interval else span) if span > 0 else 0.0
