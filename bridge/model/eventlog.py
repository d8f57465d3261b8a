"""What arrived lately and what it did, for whoever watches: ``scope-bridge monitor``."""

from __future__ import annotations

__all__ = ["EventLog", "Observed", "Watch", "words_of"]

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bridge.model.events import MidiClockEvent, MidiEvent, OscEvent, OscValue, SectionEvent
from bridge.model.targets import Intent

KEPT: Final = 200
LINES_PER_S: Final = 200.0
MOST_REFUSALS: Final = 8
_MOST_ARGS: Final = 8
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Observed:
    """One thing that arrived, and what came of it.

    ``source`` is ``midi:<port>``, ``osc:<listener>``, ``audio`` or ``web``, ``sender`` an OSC peer's ``ip:port`` (else empty),
    ``matches`` the mappings it reaches in words, ``taken_by`` the part that takes it where no mapping does,
    ``refused`` why something of it could not be used.
    """

    t: float
    source: str
    sender: str
    what: str
    matches: tuple[str, ...] = ()
    intents: tuple[Intent, ...] = ()
    refused: tuple[str, ...] = ()
    taken_by: str = ""


class EventLog:
    """The last 200 events, kept only while somebody watches; used on the control loop alone.

    A flood costs one comparison an event: beyond 200 a second (and a burst as large) events are counted, not described.
    """

    def __init__(self) -> None:
        self._lines: deque[Observed] = deque(maxlen=KEPT)
        self._refusals: list[str] = []
        self._open = False
        self._allowance = LINES_PER_S
        self._refilled = 0.0
        self.watchers = 0
        self.added = 0
        """Lines ever added; the number after the newest one's."""
        self.left_out = 0
        """Events that came too fast to be described."""

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Events are described while somebody is inside this context."""
        self.watchers += 1
        try:
            yield Watch(self)
        finally:
            self.watchers -= 1
            if not self.watchers:
                self._lines.clear()

    def begin(self, now: float) -> bool:
        """Whether the event at hand is to be described with :meth:`add`; what is refused meanwhile belongs to it."""
        if not self.watchers:
            return False
        self._refusals.clear()
        self._allowance = min(LINES_PER_S, self._allowance + max(now - self._refilled, 0.0) * LINES_PER_S)
        self._refilled = now
        self._open = self._allowance >= 1.0
        if self._open:
            self._allowance -= 1.0
        else:
            self.left_out += 1
        return self._open

    def refuse(self, reason: str) -> None:
        """Say why something of the event at hand is not used; nothing when none is described."""
        if self._open and len(self._refusals) < MOST_REFUSALS:
            self._refusals.append(reason)

    def add(
        self,
        t: float,
        source: str,
        what: str,
        *,
        sender: str = "",
        matches: tuple[str, ...] = (),
        intents: tuple[Intent, ...] = (),
        taken_by: str = "",
    ) -> None:
        """Describe the event that :meth:`begin` let in."""
        self._open = False
        self._lines.append(Observed(t, source, sender, what, matches, intents, tuple(self._refusals), taken_by))
        self.added += 1

    def since(self, number: int) -> tuple[Observed, ...]:
        """Lines from ``number`` on, as far as they are still kept."""
        wanted = min(self.added - number, len(self._lines))
        return tuple(self._lines)[len(self._lines) - wanted :] if wanted > 0 else ()


class Watch:
    """One reader's place in the log; it begins with what comes next."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._next = log.added
        self._left_out = log.left_out

    def take(self) -> tuple[tuple[Observed, ...], int]:
        """Lines since the last call, and how many events were left out meanwhile (too fast, or read too slowly)."""
        log = self._log
        lines = log.since(self._next)
        left_out = log.left_out - self._left_out + log.added - self._next - len(lines)
        self._next, self._left_out = log.added, log.left_out
        return lines, left_out


def words_of(event: OscEvent | MidiEvent | MidiClockEvent | SectionEvent) -> str:
    """An event in words: ``/bridge/bpm 124.0``, ``cc 7 channel 1 = 64``, ``start``."""
    if isinstance(event, OscEvent):
        more = " ..." if len(event.args) > _MOST_ARGS else ""
        return " ".join((_short(event.address, 2 * _LONGEST), *map(_word, event.args[:_MOST_ARGS]))) + more
    if isinstance(event, MidiClockEvent):
        return f"song_position {event.position}" if event.kind == "song_position" else event.kind
    if isinstance(event, SectionEvent):
        return f"section {event.section}, {event.confidence:.0%} sure"
    number = "" if event.kind in ("pitch_bend", "aftertouch") else f" {event.number}"
    return f"{event.kind}{number} channel {event.channel} = {event.raw}"


def _word(value: OscValue) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return _short(repr(value[:_LONGEST]) if isinstance(value, bytes | str) else repr(value), _LONGEST)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
