"""Who gets the bridge's state: those in the settings for ever, those who asked for a while."""

from __future__ import annotations

__all__ = ["Peer", "Subscribers"]

from collections.abc import Iterable
from typing import Final, TypeAlias

Peer: TypeAlias = tuple[str, int]
"""IP address and UDP port."""

MAX_SUBSCRIBERS: Final = 16
"""Those who asked; the ones in the settings come on top."""


class Subscribers:
    """Peers with leases."""

    def __init__(self, lasting: Iterable[Peer], *, lease_s: float) -> None:
        self._lasting = tuple(dict.fromkeys(lasting))
        self._lease = lease_s
        self._until: dict[Peer, float] = {}

    def subscribe(self, peer: Peer, now: float) -> bool:
        """Begin or prolong a lease; False when too many peers hold one."""
        if peer in self._lasting:
            return True
        self._expire(now)
        if peer not in self._until and len(self._until) >= MAX_SUBSCRIBERS:
            return False
        self._until[peer] = now + self._lease
        return True

    def unsubscribe(self, peer: Peer) -> bool:
        """End a lease; False when there was none."""
        return self._until.pop(peer, None) is not None

    def at(self, now: float) -> tuple[Peer, ...]:
        """Everyone who is to be told at ``now``."""
        self._expire(now)
        return self._lasting + tuple(self._until)

    def _expire(self, now: float) -> None:
        self._until = {peer: until for peer, until in self._until.items() if until > now}
