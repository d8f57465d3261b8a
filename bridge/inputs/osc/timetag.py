"""OSC time tags (NTP, 64 bits) and the bounded queue of messages that wait for theirs."""

from __future__ import annotations

__all__ = ["TimedQueue", "seconds_ahead", "timetag_of"]

import heapq
from typing import Final, Generic, TypeVar

from bridge.inputs.osc.decode import IMMEDIATELY

T = TypeVar("T")

NTP_EPOCH: Final = 2_208_988_800
"""Seconds from 1900, where NTP begins, to 1970."""

_FRACTIONS: Final = 1 << 32
_ERA: Final = 1 << 64


def timetag_of(wall: float) -> int:
    """The time tag of a Unix time in seconds."""
    return int((wall + NTP_EPOCH) * _FRACTIONS) % _ERA


def seconds_ahead(timetag: int, wall: float) -> float:
    """How far a time tag lies after the Unix time ``wall``, negative when past; 0.0 for "immediately".

    Counts through the end of the NTP era in 2036.
    """
    if timetag == IMMEDIATELY:
        return 0.0
    half = _ERA >> 1
    return ((timetag - timetag_of(wall) + half) % _ERA - half) / _FRACTIONS


class TimedQueue(Generic[T]):
    """Things by the time they are due, earliest first; equal times keep their order. Holds at most ``limit``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[tuple[float, int, T]] = []
        self._pushed = 0

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, due: float, item: T) -> bool:
        """Keep ``item`` until ``due``; False, and not kept, when the queue is full."""
        if len(self._heap) >= self._limit:
            return False
        self._pushed += 1
        heapq.heappush(self._heap, (due, self._pushed, item))
        return True

    def pop_due(self, now: float) -> T | None:
        """The earliest thing that is due, or None."""
        if not self._heap or self._heap[0][0] > now:
            return None
        return heapq.heappop(self._heap)[2]

    def clear(self) -> None:
        """Forget everything."""
        self._heap.clear()

    @property
    def next_due(self) -> float | None:
        """When the earliest is due, or None when empty."""
        return self._heap[0][0] if self._heap else None
