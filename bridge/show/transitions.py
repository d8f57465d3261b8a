"""How long a prompt transition really runs (scope-protocol section 6.5: its steps are chunks)."""

from __future__ import annotations

__all__ = ["Running", "chunks"]

from dataclasses import dataclass

from bridge.model.facts import ChunkFacts

_IN_FLIGHT = 2
"""Chunks between our decision and the first chunk that knows of it: one to send, one in Scope's queue."""


def chunks(seconds: float, chunk: ChunkFacts) -> int:
    """Chunks of a transition: 0 for a cut, otherwise at least 2, because one never leaves the old prompt."""
    return 0 if seconds <= 0.0 else max(2, round(seconds / max(chunk.period_s, 0.01)))


@dataclass(frozen=True, slots=True)
class Running:
    """The newest transition: when it was decided and its length in seconds (0 for a cut)."""

    since: float = float("-inf")
    seconds: float = 0.0

    def at(self, now: float, chunk: ChunkFacts) -> bool:
        """Whether it may still be running on the server, by the chunk time as known now."""
        if self.seconds <= 0.0:
            return False
        return now < self.since + (chunks(self.seconds, chunk) + _IN_FLIGHT) * chunk.period_s
