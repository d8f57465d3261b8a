"""MIDI clock out: drum machines, synthesizers and DJ programs follow the one clock."""

from __future__ import annotations

__all__ = ["VIRTUAL_CLOCK", "ClockPort", "ClockPorts", "MidiClockOut"]

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Literal, Protocol

from bridge.feedback.clock_ticks import ClockTicks, Message
from bridge.feedback.settings import MidiClockOutSettings
from bridge.model.beatgrid import BeatGrid
from bridge.model.board import ProblemBoard
from bridge.model.errors import MidiPortError
from bridge.model.status import MidiClockOutStatus

PART: Final = "midi_clock_out"
VIRTUAL_CLOCK: Final = "Scope Bridge Clock"

_LOOK_S: Final = 1.0
_RETRY_S: Final = (1.0, 2.0, 5.0, 10.0)
_LONGEST_WAIT_S: Final = 0.02
"""How late the thread may learn of a new grid: about a tick."""
_JOIN_S: Final = 2.0
_DIRECTION: Final = re.compile(r"\b(in|out|input|output)\b", re.IGNORECASE)

logger = logging.getLogger(__name__)

State = Literal["waiting", "open", "paused"]


class ClockPort(Protocol):
    """An open MIDI port; ``name`` stays the same over plugs."""

    @property
    def name(self) -> str:
        """What it is called."""

    def send(self, message: Sequence[int]) -> None:
        """Send one message at once. Raises MidiPortError; a port that is gone may also say nothing."""

    def close(self) -> None:
        """Close it; may block for seconds when the device is gone."""


class ClockPorts(Protocol):
    """A MIDI system's outputs. Every method raises MidiPortError when it cannot."""

    def find(self, pattern: str) -> str | None:
        """The first port that the pattern names, None while there is none."""

    def open(self, name: str) -> ClockPort:
        """Open that port."""

    def open_virtual(self, name: str) -> ClockPort | None:
        """Offer a port of our own; None where the system has no such thing."""

    def alive(self) -> bool:
        """Whether the system is still there."""

    def close(self) -> None:
        """Let go of it; opened ports stay open."""


class MidiClockOut:
    """A thread of its own sends each tick when the grid says so, and keeps the port open through unplugging.

    Args:
        grid: the newest grid, already shifted by this output's offset.
        follows: name of the MIDI port whose clock leads the grid, "" while another source does. Nothing is sent to
            that device: it would follow itself.
        connect: makes the MIDI system's client.
        clock: monotonic seconds, the grid's own.
    """

    def __init__(
        self,
        settings: MidiClockOutSettings,
        *,
        grid: Callable[[], BeatGrid],
        follows: Callable[[], str],
        connect: Callable[[], ClockPorts],
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._grid = grid
        self._follows = follows
        self._connect = connect
        self._board = board
        self._clock = clock
        self._ports: ClockPorts | None = None
        self._port: ClockPort | None = None
        self._ticks = ClockTicks()
        self._counted = (0, 0)  # sent and skipped through ports that were open before
        self._look_at = 0.0
        self._tries = 0
        self._state: State = "waiting"
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin. Does nothing where it is switched off, or runs already."""
        if not self._settings.enabled or (self._thread is not None and self._thread.is_alive()):
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="clock-out", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the receivers and close the port; waits at most 2 seconds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            self._thread = None

    def status(self) -> MidiClockOutStatus | None:
        """None where it is switched off."""
        if not self._settings.enabled:
            return None
        port = self._port
        return MidiClockOutStatus(
            port=port.name if port is not None else self._settings.port or VIRTUAL_CLOCK,
            state=self._state,
            running=self._ticks.running,
            sent=self._counted[0] + self._ticks.sent,
            skipped=self._counted[1] + self._ticks.skipped,
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            due = self.turn(self._clock())
            self._stopping.wait(max(0.0, min(due - self._clock(), _LONGEST_WAIT_S)))
        self._send(self._ticks.stop())
        self._lose_port()
        self._lose_system()

    def turn(self, now: float) -> float:
        """Look for the port where it is time to, send what is due; when to come again at the latest."""
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            self._look(now)
        if self._port is None:
            return self._look_at
        if self._is_leader(self._port.name):
            if self._state != "paused":
                logger.info("%s: %s leads the clock: nothing is sent to it", PART, self._port.name)
                self._state = "paused"
                self._renew_ticks()
            return self._look_at
        self._state = "open"
        grid = self._grid()
        self._send(self._ticks.due(grid, now))
        next_due = self._ticks.next_due(grid)
        return self._look_at if next_due is None else min(next_due, self._look_at)

    def _is_leader(self, name: str) -> bool:
        leader = self._follows()
        return leader != "" and _device(leader) == _device(name)

    def _send(self, messages: Sequence[Message]) -> None:
        try:
            for message in messages:
                if self._port is None:
                    return
                self._port.send(message)
        except MidiPortError as error:
            logger.info("%s: %s", PART, error)
            self._lose_port()

    def _look(self, now: float) -> None:
        """Open what is wanted and there, close what is gone."""
        try:
            ports = self._system()
        except MidiPortError as error:
            self._board.pin(PART, "no_backend", error.message, error.hint)
            self._lose_port()
            self._lose_system()
            self._look_at = now + _RETRY_S[min(self._tries, len(_RETRY_S) - 1)]
            self._tries += 1
            return
        self._board.clear(PART, "no_backend")
        try:
            self._match_port(ports)
        except MidiPortError as error:
            self._board.pin(PART, "port", error.message, error.hint)

    def _system(self) -> ClockPorts:
        if self._ports is None:
            self._ports = self._connect()
            self._tries = 0
        elif not self._ports.alive():
            raise MidiPortError("The MIDI system has gone.", hint="It is looked for again; start JACK if you use it.")
        return self._ports

    def _lose_system(self) -> None:
        if self._ports is not None:
            self._ports.close()
            self._ports = None

    def _match_port(self, ports: ClockPorts) -> None:
        """Have the wanted port open. Raises MidiPortError saying why it is not."""
        wanted = self._settings.port
        name = ports.find(wanted) if wanted else VIRTUAL_CLOCK
        if self._port is not None and self._port.name != name:
            self._lose_port()
        if name is None:
            raise MidiPortError(f"No MIDI output is called {wanted}.", hint="Plug it in; see: scope-bridge devices.")
        if self._port is None:
            port = ports.open(name) if wanted else ports.open_virtual(name)
            if port is None:
                raise MidiPortError("This system has no virtual MIDI ports.", hint="Set midi_clock_out.port.")
            self._take(port)
        self._board.clear(PART, "port")

    def _take(self, port: ClockPort) -> None:
        self._port = port
        self._state = "open"
        self._renew_ticks()
        logger.info("%s: %s is open", PART, port.name)

    def _renew_ticks(self) -> None:
        """A receiver that was not told what came before begins at a bar."""
        self._counted = (self._counted[0] + self._ticks.sent, self._counted[1] + self._ticks.skipped)
        self._ticks = ClockTicks()

    def _lose_port(self) -> None:
        """Close the port in a thread of its own: a device that is gone blocked this for 4.5 seconds."""
        if self._port is not None:
            threading.Thread(target=self._port.close, name="midi-close", daemon=True).start()
            self._port = None
        self._state = "waiting"


def _device(name: str) -> str:
    """A port's name without its direction: "Traktor Virtual Input" and "Traktor Virtual Output" are one device."""
    return " ".join(_DIRECTION.sub("", name).casefold().split())
