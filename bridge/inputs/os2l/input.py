"""The OS2L server: DJ programs connect to it, and one of them at a time gives the beat."""

from __future__ import annotations

__all__ = ["Os2lInput"]

import asyncio
import errno
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.inputs.os2l.announce import announce
from bridge.inputs.os2l.connection import Connection
from bridge.inputs.os2l.messages import understand
from bridge.inputs.os2l.settings import Os2lSettings
from bridge.model.addresses import format_address, is_allowed
from bridge.model.board import ProblemBoard
from bridge.model.events import BpmReport, OscEvent
from bridge.model.status import Os2lStatus

PART: Final = "os2l"
MAX_PEERS: Final = 8
RETRY_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0)
SILENT_S: Final = 2.5
"""Another program may give the beat once the one before has been silent for so long (a beat at 24 BPM)."""


class Os2lInput:
    """Listens for DJ programs and calls ``on_beat`` and ``on_control``, in the loop's thread.

    Of several programs that send beats one is followed, the first, until it falls silent: two decks' beats in turn are
    no tempo. Buttons and commands are heard from all. ``tell`` sends button states back; a newcomer takes a button that
    it is told nothing of for off.
    """

    def __init__(
        self,
        settings: Os2lSettings,
        *,
        on_beat: Callable[[BpmReport], None],
        on_control: Callable[[OscEvent], None],
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._on_beat = on_beat
        self._on_control = on_control
        self._board = board
        self._clock = clock
        self._connections: set[Connection] = set()
        self._leads: tuple[Connection, float] | None = None
        self._buttons: dict[str, bool] = {}
        self.received = 0
        """Messages of every kind since the start."""
        self._ignored = 0
        self._rejected = 0
        self._address = ""

    async def run(self) -> None:
        """Serve until cancelled; returns at once where OS2L is off. A port that is taken is tried for ever."""
        if not self._settings.enabled:
            return
        server = await self._open()
        try:
            host, port, *_ = server.sockets[0].getsockname()
            self._address = format_address(host, port)
            await announce(
                self._settings, port, self._board
            )  # until cancelled; at once where it is not wanted or fails
            await asyncio.Event().wait()
        finally:
            self._address = ""
            server.close()
            for connection in tuple(self._connections):
                connection.drop()

    async def _open(self) -> asyncio.Server:
        loop, tries = asyncio.get_running_loop(), 0
        while True:
            try:
                server = await loop.create_server(
                    lambda: Connection(self, self._clock), self._settings.address, self._settings.port
                )
            except OSError as error:
                self._board.pin(PART, "listen", *_why_not_open(self._settings, error))
                await asyncio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1
            else:
                self._board.clear(PART, "listen")
                return server

    def status(self) -> Os2lStatus | None:
        """None where OS2L is off."""
        if not self._settings.enabled:
            return None
        return Os2lStatus(
            address=self._address or format_address(self._settings.address, self._settings.port),
            state="listening" if self._address else "waiting",
            peers=len(self._connections),
            received=self.received,
            ignored=self._ignored,
            rejected=self._rejected,
        )

    def tell(self, buttons: Mapping[str, bool]) -> None:
        """Let DJ programs light the buttons of these names; only what changed is sent."""
        for name, on in buttons.items():
            if self._buttons.get(name) != on:
                self._buttons[name] = on
                for connection in tuple(self._connections):
                    connection.tell(_feedback(name, on))

    def admit(self, connection: Connection) -> bool:
        """See :class:`~bridge.inputs.os2l.connection.Owner`."""
        self._connections.add(connection)
        if not is_allowed(connection.peer[0], self._settings.allow):
            self.refuse(connection, "the sender is not on the allow list", "")
            return False
        if len(self._connections) > MAX_PEERS:
            self.refuse(connection, f"{MAX_PEERS} programs are connected already", "")
            return False
        for name in (name for name, on in self._buttons.items() if on):
            connection.tell(_feedback(name, True))
        return True

    def take(self, connection: Connection, message: dict[str, Any], t: float) -> None:
        """See :class:`~bridge.inputs.os2l.connection.Owner`."""
        self.received += 1
        event = understand(message, t, connection.peer, connection.beats)
        if isinstance(event, BpmReport):
            connection.beats += 1
            if self._may_lead(connection, t):
                self._on_beat(event)
        elif isinstance(event, OscEvent):
            self._on_control(event)
        elif isinstance(event, str):
            self.refuse(connection, event, repr(message)[:120])
        else:
            self._ignored += 1

    def refuse(self, connection: Connection, reason: str, example: str) -> None:
        """See :class:`~bridge.inputs.os2l.connection.Owner`."""
        self._rejected += 1
        self._board.reject(PART, reason, f"from {connection.peer[0]}: {example}")

    def lost(self, connection: Connection) -> None:
        """See :class:`~bridge.inputs.os2l.connection.Owner`."""
        self._connections.discard(connection)
        if self._leads is not None and self._leads[0] is connection:
            self._leads = None

    def _may_lead(self, connection: Connection, t: float) -> bool:
        if self._leads is not None and self._leads[0] is not connection and t - self._leads[1] <= SILENT_S:
            return False
        self._leads = (connection, t)
        return True


def _feedback(name: str, on: bool) -> dict[str, str]:
    return {"evt": "feedback", "name": name, "state": "on" if on else "off"}


def _why_not_open(settings: Os2lSettings, error: OSError) -> tuple[str, str]:
    address = format_address(settings.address, settings.port)
    if error.errno == errno.EADDRINUSE:
        return (
            f"TCP {address} is in use by another program.",
            "Quit it (QLC+ uses 9996 too), or set another os2l.port and os2lDirectIp. The bridge keeps trying.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{address} is not an address of this computer.",
            "Plug the network in, or set os2l.address to 127.0.0.1. The bridge keeps trying.",
        )
    return f"TCP {address} cannot be opened: {error.strerror or error}.", "The bridge keeps trying."
