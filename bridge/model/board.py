"""The board of problems: every part pins what is wrong, and takes it down when it heals."""

from __future__ import annotations

__all__ = ["ProblemBoard"]

import logging
import threading
from collections import Counter
from datetime import datetime, timezone
from typing import Final

from bridge.model.status import Problem

logger = logging.getLogger(__name__)

MOST_REASONS: Final = 256


class ProblemBoard:
    """Problems by (part, code), and counts of rejected input by reason.

    Safe to use from any thread. A problem is logged once when it appears and once when it heals, never
    while it lasts: floods of bad input do not become floods of log lines.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._problems: dict[tuple[str, str], Problem] = {}
        self._rejected: Counter[tuple[str, str]] = Counter()

    def pin(self, part: str, code: str, message: str, hint: str = "") -> None:
        """Say that something is wrong; the same (part, code) again updates its message."""
        with self._lock:
            old = self._problems.get((part, code))
            since = old.since if old else datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._problems[part, code] = Problem(code, part, since, message, hint)
        if old is None:
            logger.warning("%s: %s %s", part, message, hint)

    def clear(self, part: str, code: str) -> None:
        """Say that it is right again; nothing happens when it was not on the board."""
        with self._lock:
            healed = self._problems.pop((part, code), None)
        if healed is not None:
            logger.info("%s: healed: %s", part, healed.message)

    def clear_part(self, part: str) -> None:
        """Take down everything a part has pinned."""
        with self._lock:
            codes = [code for owner, code in self._problems if owner == part]
        for code in codes:
            self.clear(part, code)

    def reject(self, source: str, reason: str, example: str = "") -> None:
        """Count one piece of bad input; its first example per reason is logged.

        Reasons may quote what was sent: beyond 256 different ones the rest are counted together, unlogged.
        """
        with self._lock:
            if (source, reason) not in self._rejected and len(self._rejected) >= MOST_REASONS:
                self._rejected["others", "many different reasons"] += 1
                return
            self._rejected[source, reason] += 1
            first = self._rejected[source, reason] == 1
        if first:
            logger.warning("%s: rejected (%s) %s", source, reason, example[:200])

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now, oldest first."""
        with self._lock:
            return tuple(self._problems.values())

    @property
    def rejected(self) -> dict[tuple[str, str], int]:
        """Counts of bad input by (source, reason)."""
        with self._lock:
            return dict(self._rejected)
