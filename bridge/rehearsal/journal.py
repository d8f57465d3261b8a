"""What arrived and what was applied, for tests, benchmarks and whoever wonders why nothing moves."""

from __future__ import annotations

__all__ = ["Journal"]

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

_KEEP: Final = 10_000
_KEEP_OFFERS: Final = 200


class Journal:
    """Bounded records of messages; times are monotonic seconds. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: deque[dict[str, Any]] = deque(maxlen=_KEEP)
        self._offers: deque[dict[str, Any]] = deque(maxlen=_KEEP_OFFERS)
        self._uploads: deque[dict[str, Any]] = deque(maxlen=_KEEP_OFFERS)
        self._applied: deque[dict[str, Any]] = deque(maxlen=_KEEP)
        self._shown: deque[dict[str, Any]] = deque(maxlen=_KEEP)
        self._counts = {"received": 0, "applied": 0, "dropped": 0, "chunks": 0, "errors": 0}
        self._latest: dict[str, Any] = {"state": {}, "conditioning": {}}

    def offered(self, t: float, session: str, initial: Mapping[str, Any]) -> None:
        """A session began with these initial parameters."""
        with self._lock:
            self._offers.append({"t": t, "session": session, "initial": dict(initial)})

    def uploaded(self, t: float, name: str, size: int) -> None:
        """An asset of ``size`` bytes came in."""
        with self._lock:
            self._uploads.append({"t": t, "name": name, "bytes": size})

    def received(self, t: float, session: str, message: Mapping[str, Any], *, dropped: bool) -> None:
        """A message came in over a DataChannel or REST."""
        with self._lock:
            self._counts["received"] += 1
            self._counts["dropped"] += dropped
            self._received.append({"t": t, "session": session, "message": message, "dropped": dropped})

    def called(
        self,
        t: float,
        session: str,
        chunk: int,
        message: Mapping[str, Any] | None,
        state: Mapping[str, Any],
        conditioning: Mapping[str, float],
        error: str = "",
    ) -> None:
        """A pipeline call took ``message`` (or none) and ran, or failed with ``error``."""
        with self._lock:
            self._counts["chunks"] += 1
            self._counts["errors"] += bool(error)
            self._latest = {"state": dict(state), "conditioning": dict(conditioning)}
            if message is not None:
                self._counts["applied"] += 1
                entry = {"t": t, "session": session, "chunk": chunk, "message": message}
                self._applied.append(entry | ({"error": error} if error else {}))

    def shown(self, t: float, session: str, chunk: int) -> None:
        """The first frame of a call goes to the encoder."""
        with self._lock:
            self._shown.append({"t": t, "session": session, "chunk": chunk})

    def document(self, since: float = float("-inf")) -> dict[str, Any]:
        """Everything after monotonic time ``since``, with the counts of all time."""
        with self._lock:
            return {
                "offers": [entry for entry in self._offers if entry["t"] > since],
                "uploads": [entry for entry in self._uploads if entry["t"] > since],
                "received": [entry for entry in self._received if entry["t"] > since],
                "applied": [entry for entry in self._applied if entry["t"] > since],
                "shown": [entry for entry in self._shown if entry["t"] > since],
                "dropped": self._counts["dropped"],
                "counts": dict(self._counts),
                **self._latest,
            }
