"""How an absolute knob meets a value that moved without it."""

from __future__ import annotations

__all__ = ["SOON_S", "THRESHOLD", "Takeover", "TakeoverMode"]

from typing import Final, Literal

TakeoverMode = Literal["jump", "pickup", "scale"]

THRESHOLD: Final = 3.0 / 128
"""Closer than this, a knob has the value in its hand (the threshold Mixxx found by trial)."""

SOON_S: Final = 0.05
"""A position this soon after one that acted also acts, so that a fast turn is never lost half way."""


class Takeover:
    """The state of one (control, target, layer): decides which positions act.

    Positions and values are in the knob's own travel, 0..1. ``grain`` widens the threshold where a target
    takes only some values, which a knob never meets exactly.
    """

    __slots__ = ("_acted", "_previous", "mode", "threshold", "waiting")

    def __init__(self, mode: TakeoverMode, grain: float = 0.0) -> None:
        self.mode = mode
        self.threshold = max(THRESHOLD, grain)
        self.waiting = False
        self._previous: float | None = None
        self._acted = float("-inf")

    def accept(self, position: float, current: float | None, now: float) -> float | None:
        """The position to act on, or None while the knob has not reached the value.

        ``current`` is where the knob would stand for the target's present value, None when unknown: then
        there is nothing to protect and every position acts.
        """
        previous, self._previous = self._previous, position
        if self.mode == "jump" or current is None:
            accepted: float | None = position
        elif self.mode == "scale":
            accepted = self._scaled(previous, position, current)
        else:
            accepted = position if self._reached(previous, position, current, now) else None
        self.waiting = accepted is None
        if accepted is not None:
            self._acted = now
        return accepted

    def forget(self) -> None:
        """The knob has been used for something else: meet the value afresh."""
        self._previous = None
        self._acted = float("-inf")
        self.waiting = False

    def needs(self, current: float | None) -> float | None:
        """How far the knob has to travel, up positive; None while it does not wait."""
        if not self.waiting or self._previous is None or current is None:
            return None
        return current - self._previous

    def _reached(self, previous: float | None, position: float, current: float, now: float) -> bool:
        if abs(position - current) <= self.threshold:
            return True
        if previous is None:
            return False
        if now - self._acted < SOON_S:
            return True
        if (position > current) != (previous > current):
            return True
        return abs(previous - current) <= self.threshold

    def _scaled(self, previous: float | None, position: float, current: float) -> float | None:
        """Move the value so that knob and value reach the end of travel together."""
        if abs(position - current) <= self.threshold:
            return position
        if previous is None or position == previous:
            return None
        if position > previous:
            return current + (position - previous) * (1.0 - current) / (1.0 - previous)
        return current - (previous - position) * current / previous
