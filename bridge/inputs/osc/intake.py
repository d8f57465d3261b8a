"""What waits between a socket and the rest of the bridge: newest values, every trigger, a fair share per sender."""

from __future__ import annotations

__all__ = ["Intake"]

from collections import OrderedDict, deque
from typing import Final

from bridge.model.events import OscEvent

MAX_WAITING: Final = 4096
"""Events that wait per sender; beyond it the newest trigger (or address never seen) is refused."""

MAX_SENDERS: Final = 256


class _Sender:
    """One peer's waiting events in order of arrival, and its token bucket."""

    __slots__ = ("refilled", "tokens", "waiting")

    def __init__(self, tokens: float, now: float) -> None:
        self.waiting: OrderedDict[str | int, OscEvent] = OrderedDict()
        self.tokens = tokens
        self.refilled = now


class Intake:
    """Events of one listener on their way to the mapping.

    Per sender, events leave in the order they arrived; a newer value of a continuous address takes the place of
    the waiting one, a trigger waits beside its like. Senders take turns. A sender may have ``rate`` events a
    second and ``burst`` at once: beyond that its events wait (continuous values lose nothing that matters, the
    newest is kept), and only what does not fit into ``MAX_WAITING`` is refused.
    """

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._senders: dict[tuple[str, int], _Sender] = {}
        self._turns: deque[_Sender] = deque()
        self._serial = 0

    def push(self, event: OscEvent, *, trigger: bool, now: float) -> bool:
        """Let an event wait; False when it was refused because too many wait already."""
        sender = self._senders.get(event.sender)
        if sender is None:
            if len(self._senders) >= MAX_SENDERS and not self._forget_idle():
                return False
            sender = self._senders[event.sender] = _Sender(self._burst, now)
        waiting = sender.waiting
        if not trigger and event.address in waiting:
            waiting[event.address] = event
            waiting.move_to_end(event.address)
            return True
        if len(waiting) >= MAX_WAITING:
            return False
        if not waiting:
            self._turns.append(sender)
        if trigger:
            self._serial += 1
            waiting[self._serial] = event
        else:
            waiting[event.address] = event
        return True

    def take(self, now: float) -> OscEvent | None:
        """The next event that may leave, or None when none waits or every sender is over its rate."""
        turns = self._turns
        for _ in range(len(turns)):
            sender = turns.popleft()
            if not self._spend(sender, now):
                turns.append(sender)
                continue
            event = sender.waiting.popitem(last=False)[1]
            if sender.waiting:
                turns.append(sender)
            return event
        return None

    def wait(self, now: float) -> float | None:
        """Seconds until ``take`` gives an event again, 0.0 for at once; None when nothing waits."""
        if not self._turns:
            return None
        return min(max(0.0, (1.0 - s.tokens) / self._rate - (now - s.refilled)) for s in self._turns)

    def charge(self, peer: tuple[str, int], events: int) -> None:
        """Take further tokens from a sender whose one message became several events."""
        sender = self._senders.get(peer)
        if sender is not None:
            sender.tokens -= events

    def clear(self) -> None:
        """Forget everything that waits."""
        self._senders.clear()
        self._turns.clear()

    def _spend(self, sender: _Sender, now: float) -> bool:
        sender.tokens = min(self._burst, sender.tokens + (now - sender.refilled) * self._rate)
        sender.refilled = now
        # The sum of many small refills may end a hair under one token.
        if sender.tokens < 1.0 - 1e-9:
            return False
        sender.tokens -= 1.0
        return True

    def _forget_idle(self) -> bool:
        """Make room for a new sender; False when all of them have something waiting."""
        self._senders = {peer: sender for peer, sender in self._senders.items() if sender.waiting}
        return len(self._senders) < MAX_SENDERS
