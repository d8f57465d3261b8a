"""The MIDI input as the app starts it: one owner thread for ports, events handed to the control loop."""

from __future__ import annotations

__all__ = ["QUEUE_LIMIT", "MidiInput"]

import asyncio
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from bridge.inputs.midi.backend import MidiPorts, OnMessage, RtMidiPorts
from bridge.inputs.midi.keeper import PortKeeper
from bridge.inputs.midi.names import matches
from bridge.inputs.midi.parser import MidiParser
from bridge.inputs.midi.settings import MidiSettings
from bridge.model.board import ProblemBoard
from bridge.model.events import MidiClockEvent, MidiEvent
from bridge.model.status import MidiPortStatus

QUEUE_LIMIT: Final = 4096
"""Messages between RtMidi's threads and the control loop; beyond it the newest is dropped and counted."""

_BATCH: Final = 128
"""Messages parsed before other work of the loop gets its turn."""
_JOIN_S: Final = 2.0

logger = logging.getLogger(__name__)

OnMidi = Callable[[MidiEvent | MidiClockEvent], None]


class MidiInput:
    """Listens to the ports that mappings want and the settings name.

    ``on_event`` is called in the control loop's thread. ``wanted`` are names or regular expressions; of ``cc14``
    the keys are the same and the values hold (channel 1..16, MSB number) of controls that send 14 bits.
    ``connect`` makes the MIDI system's client (see :class:`~bridge.inputs.midi.backend.MidiPorts`).
    """

    def __init__(
        self,
        settings: MidiSettings,
        *,
        wanted: Sequence[str] = (),
        cc14: Mapping[str, Collection[tuple[int, int]]] | None = None,
        on_event: OnMidi,
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
        connect: Callable[[], MidiPorts] | None = None,
    ) -> None:
        self._settings = settings
        self._wanted = tuple(wanted)
        self._cc14 = dict(cc14 or {})
        self._on_event = on_event
        self._board = board
        self._clock = clock
        self._keeper = PortKeeper(
            connect=connect or (lambda: RtMidiPorts(settings.backend, settings.jack_client)),
            listener=self._listener,
            board=board,
            required=tuple(dict.fromkeys((*settings.inputs, *([settings.clock] if settings.clock else [])))),
            own_client=settings.jack_client,
            virtual=settings.virtual,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._look_now = threading.Event()
        self._stopping = False
        self._lock = threading.Lock()
        self._queue: deque[tuple[str, float, list[int]]] = deque()
        self._woken = False
        self._parsers: dict[str, MidiParser] = {}
        self._counts: Counter[str] = Counter()
        self.dropped = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to look for ports; events arrive in ``loop``. Does nothing when MIDI is switched off."""
        if not self._settings.enabled or self._thread is not None:
            return
        self._loop = loop
        self._stopping = False
        self._thread = threading.Thread(target=self._own_ports, name="midi", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the ports; waits at most 2 seconds for a driver that does not answer."""
        self._stopping = True
        self._look_now.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            self._thread = None
        with self._lock:
            self._loop = None
            self._queue.clear()

    def set_wanted(self, wanted: Sequence[str]) -> None:
        """Listen to these from now on: new ones are opened at once, others closed."""
        self._wanted = tuple(wanted)
        self._look_now.set()

    def set_cc14(self, cc14: Mapping[str, Collection[tuple[int, int]]]) -> None:
        """Say which controls send 14 bits. Call it in the control loop's thread."""
        self._cc14 = dict(cc14)
        for port, parser in self._parsers.items():
            parser.set_cc14(self._cc14_of(port))

    def status(self) -> tuple[MidiPortStatus, ...]:
        """Each port that is open, has failed or is waited for."""
        return tuple(MidiPortStatus(name, state, self._counts[name]) for name, state in self._keeper.states)

    def _own_ports(self) -> None:
        while not self._stopping:
            self._look_now.clear()
            self._keeper.look(self._wanted, self._clock())
            self._look_now.wait(self._settings.poll_s)
        self._keeper.close()

    def _listener(self, port: str) -> OnMessage:
        def on_message(message: list[int]) -> None:
            self._enqueue(port, self._clock(), message)

        return on_message

    def _enqueue(self, port: str, t: float, message: list[int]) -> None:
        with self._lock:
            if self._loop is None:
                return
            if len(self._queue) >= QUEUE_LIMIT:
                self.dropped += 1
                return
            self._queue.append((port, t, message))
            if self._woken or self._loop.is_closed():
                return
            self._woken = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        try:
            for _ in range(min(_BATCH, len(self._queue))):
                self._handle(*self._queue.popleft())
        finally:
            with self._lock:
                self._woken = bool(self._queue) and self._loop is not None
                if self._woken and self._loop is not None:
                    self._loop.call_soon(self._drain)

    def _handle(self, port: str, t: float, message: list[int]) -> None:
        parser = self._parsers.get(port)
        if parser is None:
            parser = self._parsers[port] = self._new_parser(port)
        self._counts[port] += 1
        for event in parser.feed(message, t):
            if not isinstance(event, MidiClockEvent) or self._is_clock_port(port):
                self._on_event(event)

    def _new_parser(self, port: str) -> MidiParser:
        def on_malformed(reason: str, data: bytes) -> None:
            self._board.reject(f"midi:{port}", "not a MIDI message", f"{data.hex(' ')} ({reason})")

        return MidiParser(port, cc14=self._cc14_of(port), on_malformed=on_malformed)

    def _cc14_of(self, port: str) -> set[tuple[int, int]]:
        return {one for pattern, controls in self._cc14.items() if matches(pattern, port) for one in controls}

    def _is_clock_port(self, port: str) -> bool:
        return not self._settings.clock or matches(self._settings.clock, port)
