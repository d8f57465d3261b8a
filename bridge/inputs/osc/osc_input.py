"""OSC in: every configured port, and the programs that must be greeted before they send."""

from __future__ import annotations

__all__ = ["OscInput"]

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from bridge.inputs.osc.greeter import Greeter
from bridge.inputs.osc.intake import Intake
from bridge.inputs.osc.listener import Listener
from bridge.inputs.osc.pattern import compile_pattern
from bridge.inputs.osc.settings import OscListenSettings, OscSettings
from bridge.model.board import ProblemBoard
from bridge.model.events import OscEvent
from bridge.model.programs import OscProgram
from bridge.model.status import OscStatus

LOOPBACK: Final = "127.0.0.1"
MAX_PATTERNS: Final = 1024


class OscInput:
    """Listens for OSC and calls ``on_event`` for every event, in the loop's thread.

    Continuous addresses are latest-wins per sender and address; addresses for which ``is_trigger`` is true keep
    every message, in order. A message to an address pattern becomes one event for each of ``known_addresses``
    that it names; where it names none it arrives as it was sent.

    Needs a loop with ``add_reader``: on Windows that is the selector loop, not the default one.

    Args:
        settings: ports, allow lists, time tags and rates.
        on_event: called with each event; must return fast.
        is_trigger: asked for each message, so that a reloaded mapping counts at once.
        programs: programs to greet and listen to, from the mapping files.
        known_addresses: the literal addresses that patterns may name.
        board: where a port in use and rejected datagrams are told.
        clock: monotonic seconds; ``wall``: Unix seconds, against which time tags are held.
    """

    def __init__(
        self,
        settings: OscSettings,
        *,
        on_event: Callable[[OscEvent], None],
        is_trigger: Callable[[str], bool],
        programs: Sequence[OscProgram] = (),
        known_addresses: Callable[[], Iterable[str]] | None = None,
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._on_event = on_event
        self._is_trigger = is_trigger
        self._known_addresses = known_addresses
        self._board = board
        self._clock = clock
        self._wall = wall
        self._known: frozenset[str] = frozenset()
        self._expanded: dict[str, tuple[str, ...]] = {}
        self._listeners = [self._listener(entry) for entry in settings.listen]
        self._greeters = [
            Greeter(program, self._listener_for(program), board=board, clock=clock) for program in programs
        ]

    async def start(self) -> None:
        """Open every port and greet every program; what cannot be opened is on the board and retried for ever."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            listener.start(loop)
        for greeter in self._greeters:
            greeter.start(loop)

    async def stop(self) -> None:
        """Close every port; events that still wait are forgotten."""
        for greeter in self._greeters:
            greeter.stop()
        for listener in self._listeners:
            listener.stop()

    def status(self) -> tuple[OscStatus, ...]:
        """One status per port."""
        return tuple(listener.status() for listener in self._listeners)

    def _listener(self, entry: OscListenSettings) -> Listener:
        return Listener(
            entry,
            intake=Intake(rate=self._settings.events_per_second, burst=self._settings.burst),
            on_event=self._receive,
            is_trigger=self._is_trigger,
            expand=self._expand,
            board=self._board,
            clock=self._clock,
            wall=self._wall,
        )

    def _listener_for(self, program: OscProgram) -> Listener:
        """The listener that hears the program's answers: one that is there already, else one more on loopback."""
        for listener in self._listeners:
            if listener.port == program.listen_port:
                return listener
        listener = self._listener(OscListenSettings(address=LOOPBACK, port=program.listen_port))
        self._listeners.append(listener)
        return listener

    def _receive(self, event: OscEvent) -> None:
        for greeter in self._greeters:
            if event.address == greeter.program.restart_address:
                greeter.restarted()
        self._on_event(event)

    def _expand(self, pattern: str) -> Sequence[str]:
        if self._known_addresses is None:
            return (pattern,)
        known = frozenset(self._known_addresses())
        if known != self._known or len(self._expanded) >= MAX_PATTERNS:
            self._known = known
            self._expanded.clear()
        literals = self._expanded.get(pattern)
        if literals is None:
            compiled = compile_pattern(pattern)
            literals = tuple(sorted(filter(compiled.matches, known))) or (pattern,)
            self._expanded[pattern] = literals
        return literals
