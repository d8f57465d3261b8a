"""Keeps the wanted ports open through unplugging, replugging and the death of the MIDI system."""

from __future__ import annotations

__all__ = ["VIRTUAL_PORT", "PortKeeper"]

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from bridge.inputs.midi.backend import MidiPorts, OnMessage, OpenPort
from bridge.inputs.midi.names import Found, assign, matches
from bridge.model.board import ProblemBoard
from bridge.model.errors import MidiPortError

VIRTUAL_PORT: Final = "Scope Bridge"

_RETRY_S: Final = (1.0, 2.0, 5.0, 10.0)

logger = logging.getLogger(__name__)


def close_aside(port: OpenPort) -> None:
    """Close a port in a thread of its own: a device that is gone blocked this for 4.5 seconds."""
    threading.Thread(target=port.close, name="midi-close", daemon=True).start()


class PortKeeper:
    """Looks at the port names now and then, and opens and closes what has come and gone.

    ``connect`` makes the client of the MIDI system or raises MidiPortError; ``listener`` gives the callback of a
    port by its stable name; ``required`` are patterns whose absence is a problem (the user's own), other ``wanted``
    ones (of mapping files) only wait. All methods belong in one thread, except ``states``.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], MidiPorts],
        listener: Callable[[str], OnMessage],
        board: ProblemBoard,
        required: Sequence[str] = (),
        own_client: str = "",
        virtual: bool = False,
        close: Callable[[OpenPort], None] = close_aside,
    ) -> None:
        self._connect = connect
        self._listener = listener
        self._board = board
        self._required = tuple(required)
        self._own_client = own_client
        self._virtual = virtual
        self._close = close
        self._ports: MidiPorts | None = None
        self._open: dict[str, tuple[str, OpenPort]] = {}
        self._virtual_port: OpenPort | None = None
        self._failed: dict[str, str] = {}
        self._lost: set[str] = set()
        self._twins: set[str] = set()
        self._pinned: set[str] = set()
        self._retry_at = 0.0
        self._tries = 0
        self.states: tuple[tuple[str, str], ...] = ()
        """(stable name or pattern, ``open``, ``waiting`` or ``failed``), published after each look."""

    def look(self, wanted: Sequence[str], now: float) -> None:
        """Compare what is there with what is open, and mend the difference."""
        patterns = tuple(dict.fromkeys((*self._required, *wanted)))
        try:
            there = self._look_for(patterns, now)
            if there is not None:
                self._close_gone(there)
                self._open_new(there)
                self._offer_virtual()
        except MidiPortError as error:
            self._lose_system(error, patterns, now)
        self._say(patterns)

    def _look_for(self, patterns: Sequence[str], now: float) -> dict[str, Found] | None:
        if self._ports is None:
            if now < self._retry_at:
                return None
            self._ports = self._connect()
            self._tries = 0
            self._board.clear("midi", "no_backend")
        elif not self._ports.alive():
            raise MidiPortError("The MIDI system has gone.", hint="It is looked for again; start JACK if you use it.")
        there = assign(self._ports.names(), patterns, self._own_client)
        self._warn_of_twins(there)
        return there

    def _lose_system(self, error: MidiPortError, patterns: Sequence[str], now: float) -> None:
        self._lost |= set(self._open)
        self.close()
        self._retry_at = now + _RETRY_S[min(self._tries, len(_RETRY_S) - 1)]
        self._tries += 1
        # A machine without MIDI is not broken until somebody asks for a port, or loses one (rule 6 of the house plan).
        if self._required or self._lost:
            self._board.pin("midi", "no_backend", error.message, error.hint)
        elif patterns and self._tries == 1:
            logger.info("midi: %s %s", error.message, error.hint)

    def _warn_of_twins(self, there: dict[str, Found]) -> None:
        twins = {name for name in there if f"{name} #2" in there}
        for name in sorted(twins - self._twins):
            logger.warning("midi: two devices are called %s: they are told apart by their order (%s #2)", name, name)
        self._twins = twins

    def _close_gone(self, there: dict[str, Found]) -> None:
        for name, (raw, port) in tuple(self._open.items()):
            if name not in there or there[name].raw != raw:
                del self._open[name]
                self._close(port)
                if name not in there:
                    self._lost.add(name)
                    logger.info("midi: %s is gone", name)

    def _open_new(self, there: dict[str, Found]) -> None:
        self._failed = {name: why for name, why in self._failed.items() if name in there}
        for name, found in there.items():
            if name in self._open or self._ports is None:
                continue
            try:
                port = self._ports.open(found.index, found.raw, self._listener(name))
            except MidiPortError as error:
                self._failed[name] = str(error)
                continue
            self._open[name] = (found.raw, port)
            self._failed.pop(name, None)
            self._lost.discard(name)
            logger.info("midi: %s is open", name)

    def _offer_virtual(self) -> None:
        if not self._virtual or self._virtual_port is not None or self._ports is None:
            return
        try:
            self._virtual_port = self._ports.open_virtual(VIRTUAL_PORT, self._listener(VIRTUAL_PORT))
        except MidiPortError as error:
            self._board.pin("midi", "virtual", error.message, "Set midi.virtual = false if it is not needed.")
            return
        self._board.clear("midi", "virtual")
        if self._virtual_port is None:
            self._virtual = False

    def _say(self, patterns: Sequence[str]) -> None:
        states = [(name, "open") for name in self._open]
        states += [(name, "failed") for name in self._failed]
        if self._virtual_port is not None:
            states.append((VIRTUAL_PORT, "open"))
        here = [name for name, _ in states]
        waiting = [p for p in patterns if not any(matches(p, name) for name in here)]
        self._lost = {name for name in self._lost if any(matches(p, name) for p in waiting)}
        states += [(pattern, "waiting") for pattern in waiting]
        self._pin({name: f"{name} failed: {why}" for name, why in self._failed.items()} | self._missing(waiting))
        self.states = tuple(states)

    def _missing(self, waiting: Sequence[str]) -> dict[str, str]:
        if self._ports is None:
            return {}
        missing = {name: f"The MIDI device {name} was unplugged." for name in self._lost}
        for pattern in waiting:
            if pattern in self._required and not any(matches(pattern, name) for name in self._lost):
                missing[pattern] = f"No MIDI port is called {pattern}."
        return missing

    def _pin(self, problems: dict[str, str]) -> None:
        for name, message in problems.items():
            self._board.pin("midi", f"port:{name}", message, "Plug it in; see: scope-bridge devices.")
        for name in self._pinned - set(problems):
            self._board.clear("midi", f"port:{name}")
        self._pinned = set(problems)

    def close(self) -> None:
        """Close everything that is open, here and now (a dead JACK client must go before a new one comes)."""
        for _, port in self._open.values():
            port.close()
        self._open.clear()
        if self._virtual_port is not None:
            self._virtual_port.close()
            self._virtual_port = None
        if self._ports is not None:
            self._ports.close()
            self._ports = None
        self.states = ()
