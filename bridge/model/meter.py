"""How often something happens."""

from __future__ import annotations

__all__ = ["Meter"]

from collections import deque


class Meter:
    """Rate of the newest events; one thread ticks, any may read.

    Args:
        span: how many events are remembered.
    """

    def __init__(self, span: int = 90) -> None:
        self._times: deque[float] = deque(maxlen=span)

    def tick(self, now: float) -> None:
        """Count one event at ``now`` (monotonic seconds)."""
        self._times.append(now)

    def rate(self, now: float) -> float:
        """Events per second; 0.0 before the second one, and falling while none come."""
        times = tuple(self._times)
        if len(times) < 2 or times[-1] <= times[0]:
            return 0.0
        intervals, span = len(times) - 1, times[-1] - times[0]
        waiting = now - times[-1]
        return intervals / (span + waiting if waiting > 2 * span / intervals else span)
