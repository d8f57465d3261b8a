"""What waits for a boundary, and how near to it what has left will appear (issue 3 part 1)."""

from __future__ import annotations

__all__ = ["Landings", "first_leave", "is_held"]

import statistics
from collections import deque
from collections.abc import Iterable
from typing import Final

from bridge.model.quantize import Due, Landing
from bridge.model.status import LandingsStatus

_KEEP: Final = 64


def is_held(due: Due | None, now: float) -> bool:
    """Whether a change still waits for its boundary. What has no due, or one that is past, goes at once."""
    return due is not None and now < due.leave


def first_leave(dues: Iterable[Due | None], now: float) -> float | None:
    """When the first of the changes that wait may leave; None when none waits."""
    return min((due.leave for due in dues if due is not None and now < due.leave), default=None)


class Landings:
    """The newest 64 quantised changes that left, and the count of all."""

    def __init__(self) -> None:
        self._recent: deque[Landing] = deque(maxlen=_KEEP)
        self.count = 0

    def note(self, what: str, due: Due | None, now: float, period: float) -> None:
        """``what`` leaves now; nothing is noted of a change that was not quantised."""
        if due is None:
            return
        residual = now + due.lead - due.at
        self._recent.append(Landing(what, residual, residual / due.beat_s, period / 2.0 + due.sd_s))
        self.count += 1

    def status(self) -> LandingsStatus:
        """What status shows; safe to call from another thread."""
        recent = tuple(self._recent)
        if not recent:
            return LandingsStatus()
        last = recent[-1]
        return LandingsStatus(
            count=self.count,
            median_ms=round(statistics.median(abs(landing.residual_s) for landing in recent) * 1000, 1),
            last={
                "what": last.what,
                "residual_ms": round(last.residual_s * 1000, 1),
                "residual_beats": round(last.residual_beats, 3),
                "within_ms": round(last.within_s * 1000, 1),
            },
        )
