"""What subscribers know and what they must still be told: changes only, at a bounded rate per address."""

from __future__ import annotations

__all__ = ["StateBook"]

from typing import Final

from bridge.model.events import OscValue

Args = tuple[OscValue, ...]

MAX_ADDRESSES: Final = 512


class StateBook:
    """The newest arguments of every state address, and when each was last told."""

    def __init__(self, *, interval_s: float) -> None:
        self._interval = interval_s
        self._values: dict[str, Args] = {}
        self._changed: dict[str, None] = {}
        self._told: dict[str, float] = {}

    @property
    def values(self) -> dict[str, Args]:
        """Everything a new subscriber is told, by address."""
        return dict(self._values)

    def update(self, address: str, args: Args) -> bool:
        """Note the newest value; False when it is no change (or one address too many)."""
        if self._values.get(address) == args:
            return False
        if address not in self._values and len(self._values) >= MAX_ADDRESSES:
            return False
        self._values[address] = args
        self._changed[address] = None
        return True

    def take_due(self, now: float) -> list[tuple[str, Args]]:
        """The changed values that may be told now, oldest change first."""
        due = [address for address in self._changed if self._due_at(address) <= now]
        for address in due:
            del self._changed[address]
            self._told[address] = now
        return [(address, self._values[address]) for address in due]

    def tell_again(self, address: str) -> None:
        """The value did not get out; it is due again after the interval."""
        self._changed[address] = None

    @property
    def next_due(self) -> float | None:
        """When ``take_due`` has something, or None when everything was told."""
        return min((self._due_at(address) for address in self._changed), default=None)

    def _due_at(self, address: str) -> float:
        told = self._told.get(address)
        return float("-inf") if told is None else told + self._interval
