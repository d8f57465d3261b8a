"""From a wake's datagrams to events: what is kept, in which order, when, and for how long at a stretch."""

from __future__ import annotations

__all__ = ["Datagram", "Reception"]

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from bridge.inputs.osc.decode import IMMEDIATELY, OscMessage, decode
from bridge.inputs.osc.intake import Intake
from bridge.inputs.osc.pattern import is_pattern
from bridge.inputs.osc.timetag import TimedQueue, seconds_ahead
from bridge.model.errors import OscDecodeError
from bridge.model.events import OscEvent

BACKLOG: Final = 64
"""From this many datagrams in one wake on, those that a newer one replaces are not even decoded."""

MAX_SCHEDULED: Final = 4096

Datagram: TypeAlias = tuple[float, bytes, tuple[str, int]]
"""When it was read, its bytes, and who sent it."""


class Reception:
    """The middle of a listener, without its socket.

    Feed it a wake's datagrams while it is ``idle``, let it ``work`` for a few milliseconds, and come back after
    ``wait`` seconds.

    Args:
        listener: the address listened on, as events carry it.
        intake: where events wait for their turn.
        is_trigger: whether every message to an address counts, rather than the newest.
        expand: the literal addresses that a pattern names.
        max_ahead_s: time tags up to this far ahead are waited for; 0.0 ignores all time tags.
        reject: told the reason and an example of what was refused.
        clock: monotonic seconds; ``wall``: Unix seconds, for time tags.
    """

    def __init__(
        self,
        *,
        intake: Intake,
        is_trigger: Callable[[str], bool],
        expand: Callable[[str], Sequence[str]],
        max_ahead_s: float,
        reject: Callable[[str, str], None],
        clock: Callable[[], float],
        wall: Callable[[], float],
        listener: str = "",
    ) -> None:
        self.listener = listener
        self._intake = intake
        self._is_trigger = is_trigger
        self._expand = expand
        self._max_ahead = max_ahead_s
        self._reject = reject
        self._clock = clock
        self._wall = wall
        self._decoded: deque[tuple[float, tuple[str, int], OscMessage]] = deque()
        self._scheduled: TimedQueue[OscEvent] = TimedQueue(MAX_SCHEDULED)
        self._named: deque[OscEvent] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether it has taken in all it was fed, and may be fed again."""
        return not self._decoded

    def feed(self, batch: Sequence[Datagram]) -> None:
        """Decode a wake's datagrams, oldest first.

        They are looked at newest first, so that under a backlog a value is decoded only when no good newer one of
        the same sender and address replaces it.
        """
        backlog = len(batch) >= BACKLOG
        replaced: set[tuple[tuple[str, int], bytes]] = set()
        kept: list[tuple[float, tuple[str, int], tuple[OscMessage, ...]]] = []
        for t, data, sender in reversed(batch):
            name = (sender, data[: data.find(0)]) if backlog else None
            if name in replaced:
                continue
            try:
                messages = decode(data)
            except OscDecodeError as error:
                self._reject(error.message, f"from {sender[0]} port {sender[1]}: {data[:48].hex()}")
                continue
            kept.append((t, sender, messages))
            if name is not None and data[0] == 0x2F and self._is_continuous(messages[0].address):
                replaced.add(name)
        for t, sender, messages in reversed(kept):
            for message in messages:
                self._decoded.append((t, sender, message))

    def work(self, on_event: Callable[[OscEvent], None], budget_s: float) -> None:
        """Take in what was fed and what is due, then hand events on, for at most ``budget_s`` and one event."""
        now = self._clock()
        deadline = now + budget_s
        while now < deadline and (due := self._scheduled.pop_due(now)) is not None:
            self._push(OscEvent(now, due.listener, due.sender, due.address, due.args))
            now = self._clock()
        while now < deadline and self._decoded:
            self._take_in(*self._decoded.popleft())
            now = self._clock()
        while now < deadline and (event := self._next(now)) is not None:
            on_event(event)
            now = self._clock()

    def wait(self, now: float) -> float | None:
        """Seconds until there is work to do, 0.0 for at once; None until fed again."""
        if self._decoded or self._named:
            return 0.0
        due = self._scheduled.next_due
        waits = (self._intake.wait(now), None if due is None else max(0.0, due - now))
        return min((wait for wait in waits if wait is not None), default=None)

    def clear(self) -> None:
        """Forget everything that waits."""
        self._decoded.clear()
        self._scheduled.clear()
        self._named.clear()
        self._intake.clear()

    def _is_continuous(self, address: str) -> bool:
        return not is_pattern(address) and not self._is_trigger(address)

    def _take_in(self, t: float, sender: tuple[str, int], message: OscMessage) -> None:
        """Let a message wait for its time tag where those are honoured, else for its turn.

        A tag beyond the limit is not believed, and a message that no longer fits among the scheduled is late
        already: both are taken at once.
        """
        event = OscEvent(t, self.listener, sender, message.address, message.args)
        if self._max_ahead and message.timetag != IMMEDIATELY:
            ahead = seconds_ahead(message.timetag, self._wall())
            if 0 < ahead <= self._max_ahead and self._scheduled.push(self._clock() + ahead, event):
                return
        self._push(event)

    def _push(self, event: OscEvent) -> None:
        every = not self._is_continuous(event.address)
        if not self._intake.push(event, trigger=every, now=event.t):
            host, port = event.sender
            self._reject("too many events wait from this sender", f"from {host} port {port}: {event.address}")

    def _next(self, now: float) -> OscEvent | None:
        """The next event; a message to a pattern becomes one per address that it names, and counts as as many."""
        if self._named:
            return self._named.popleft()
        event = self._intake.take(now)
        if event is None or not is_pattern(event.address):
            return event
        literals = self._expand(event.address)
        self._intake.charge(event.sender, len(literals) - 1)
        self._named.extend(OscEvent(event.t, event.listener, event.sender, name, event.args) for name in literals)
        return self._named.popleft()
