"""Frames in time: when the next is due, and which of too many are left out. Pure: the time is told."""

from __future__ import annotations

__all__ = ["Pace", "Thinner"]

from typing import Final

_LATE_FRAMES: Final = 3.0
_SLACK: Final = 0.25


class Pace:
    """Due times ``1 / fps`` apart, without drift; after a standstill the beat starts anew instead of being made up for."""

    def __init__(self, fps: float, now: float) -> None:
        self._period = 1.0 / fps
        self.due = now

    def next(self, now: float) -> float:
        """The due time that follows, seen at ``now``."""
        self.due += self._period
        if now - self.due > _LATE_FRAMES * self._period:
            self.due = now
        return self.due


class Thinner:
    """Lets at most ``fps`` frames a second pass, as evenly as they come."""

    def __init__(self, fps: float) -> None:
        self._period = 1.0 / fps
        self._due = float("-inf")

    def passes(self, t: float) -> bool:
        """Whether the frame of time ``t`` is one to send."""
        if t < self._due - _SLACK * self._period:
            return False
        # A camera of the same rate must not lose frames to its jitter, nor a slow one save up for a burst.
        self._due = max(self._due + self._period, t + _SLACK * self._period)
        return True
