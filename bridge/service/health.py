"""Whether the daemon really works: every thread that must turn has a pulse with a limit.

A missing device or server is a degraded state and never a reason here: restarting would not bring it back.
"""

from __future__ import annotations

__all__ = ["Health", "Pulse"]

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pulse:
    """A thread that must turn: ``last`` tells when it last did (monotonic), None while it is not supposed to."""

    name: str
    limit_s: float
    last: Callable[[], float | None]


class Health:
    """Verdict over all pulses."""

    def __init__(self) -> None:
        self._pulses: list[Pulse] = []

    def watch(self, pulse: Pulse) -> None:
        """Include a pulse in the verdict."""
        self._pulses.append(pulse)

    def complaints(self, now: float) -> tuple[str, ...]:
        """What stands still, one sentence each; empty when everything turns."""
        found = []
        for pulse in self._pulses:
            last = pulse.last()
            if last is not None and now - last > pulse.limit_s:
                found.append(f"{pulse.name} stood still for {now - last:.1f} s (limit {pulse.limit_s:g} s).")
        return tuple(found)
