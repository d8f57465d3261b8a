"""One UDP port: drained, decoded, and handed on without ever holding the loop."""

from __future__ import annotations

__all__ = ["Listener"]

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from typing import Final

from bridge.inputs.osc.intake import Intake
from bridge.inputs.osc.reception import Datagram, Reception
from bridge.inputs.osc.settings import OscListenSettings
from bridge.inputs.osc.sockets import kernel_drops, open_udp
from bridge.model.addresses import format_address, is_allowed
from bridge.model.board import ProblemBoard
from bridge.model.events import OscEvent
from bridge.model.status import OscStatus

PART: Final = "osc"
MAX_DATAGRAMS: Final = 1024
"""Datagrams read per wake (inputs section 1.3)."""

MAX_BYTES: Final = 16_384
"""Bytes read per wake, give or take one datagram: bounds the decoding to a few milliseconds."""

MAX_HOLD_S: Final = 0.005
MIN_WORK_S: Final = 0.001
"""Events are handed on for at least this long per wake, however long the decoding took."""

MAX_REMEMBERED: Final = 4096
RETRY_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0)


class Listener:
    """Listens on one address for as long as it runs: opens it, reopens it after errors, for ever.

    Args:
        settings: the address, who is heard, and what time tags do.
        intake: where events wait for their turn.
        on_event: gets every event, in the loop's thread.
        is_trigger: whether every message to an address counts, rather than the newest.
        expand: the literal addresses that a pattern names.
        clock: monotonic seconds; ``wall``: Unix seconds, for time tags.
    """

    def __init__(
        self,
        settings: OscListenSettings,
        *,
        intake: Intake,
        on_event: Callable[[OscEvent], None],
        is_trigger: Callable[[str], bool],
        expand: Callable[[str], Sequence[str]],
        board: ProblemBoard,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._on_event = on_event
        self._board = board
        self._clock = clock
        self._reception = Reception(
            intake=intake,
            is_trigger=is_trigger,
            expand=expand,
            max_ahead_s=settings.max_ahead_ms / 1000 if settings.timetags == "honor" else 0.0,
            reject=self._reject,
            clock=clock,
            wall=wall,
        )
        self._heard: dict[str, bool] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._port = settings.port
        self.address = format_address(settings.address, settings.port)
        """``host:port``; the port is 0 until the system has chosen one."""
        self._retries = 0
        self._retry: asyncio.TimerHandle | None = None
        self._next: asyncio.Handle | None = None
        self._received = 0
        self._rejected = 0
        self._dropped_before = 0
        self.on_open: list[Callable[[], None]] = []
        """Called each time the socket has been opened."""

    @property
    def port(self) -> int:
        """The port listened on; 0 until the system has chosen one."""
        return self._port

    @property
    def is_open(self) -> bool:
        """Whether the port is listened on now."""
        return self._socket is not None

    def status(self) -> OscStatus:
        """Counts since the start. ``rejected`` holds bad, refused and not allowed datagrams and events."""
        drops = kernel_drops(self._socket) if self._socket is not None else 0
        return OscStatus(
            address=self.address,
            received=self._received,
            rejected=self._rejected,
            dropped=None if drops is None else self._dropped_before + drops,
            state="listening" if self._socket is not None else "waiting",
        )

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the port, or pin the reason on the board and keep trying."""
        self._loop = loop
        self._open(loop)

    def stop(self) -> None:
        """Close the port and forget what waits."""
        for handle in (self._retry, self._next):
            if handle is not None:
                handle.cancel()
        self._retry = self._next = None
        self._close()
        self._loop = None
        self._reception.clear()
        self._board.clear(PART, self._code)

    def send(self, datagram: bytes, to: tuple[str, int]) -> None:
        """Send from this port, so that answers come back to it.

        Raises:
            OSError: the port is not open, or the system cannot send there now.
        """
        if self._socket is None:
            raise OSError(errno.ENOTCONN, f"{self.address} is not open")
        self._socket.sendto(datagram, to)

    @property
    def _code(self) -> str:
        return f"listen:{format_address(self._settings.address, self._settings.port)}"

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            sock = open_udp(self._settings.address, self._port)
        except OSError as error:
            self._board.pin(PART, self._code, *_why_not_open(self.address, error))
            delay = RETRY_S[min(self._retries, len(RETRY_S) - 1)]
            self._retries += 1
            self._retry = loop.call_later(delay, self._open, loop)
            return
        self._socket = sock
        self._port = sock.getsockname()[1]
        self.address = self._reception.listener = format_address(self._settings.address, self._port)
        self._retries = 0
        self._retry = None
        loop.add_reader(sock, self._wake)
        self._board.clear(PART, self._code)
        for opened in self.on_open:
            opened()

    def _close(self) -> None:
        if self._socket is None:
            return
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
        self._dropped_before += kernel_drops(self._socket) or 0
        self._socket.close()
        self._socket = None

    def _wake(self) -> None:
        """Read what is there and hand events on for at most ``MAX_HOLD_S``, then let the loop's other work have a turn."""
        started = self._clock()
        if self._reception.is_idle:
            self._reception.feed(self._drain())
        try:
            self._reception.work(self._on_event, max(MIN_WORK_S, started + MAX_HOLD_S - self._clock()))
        finally:
            self._come_back()

    def _come_back(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        wait = self._reception.wait(self._clock())
        if wait is not None and self._loop is not None:
            self._next = self._loop.call_later(wait, self._wake) if wait else self._loop.call_soon(self._wake)

    def _drain(self) -> list[Datagram]:
        batch: list[Datagram] = []
        sock = self._socket
        if sock is None:
            return batch
        size = 0
        clock, receive = self._clock, sock.recvfrom
        for _ in range(MAX_DATAGRAMS):
            if size >= MAX_BYTES:
                break
            try:
                data, sender = receive(65_535)
            except (BlockingIOError, InterruptedError):
                break
            except ConnectionError:
                # Windows reports here that a program we greeted is not running; the socket is fine.
                continue
            except OSError as error:
                self._reopen(error)
                break
            batch.append((clock(), data, sender[:2]))
            size += len(data)
        self._received += len(batch)
        if self._settings.allow:
            batch = [item for item in batch if self._is_allowed(item[2][0])]
        return batch

    def _reopen(self, error: OSError) -> None:
        self._board.pin(PART, self._code, *_why_not_open(self.address, error))
        self._close()
        if self._loop is not None:
            self._retry = self._loop.call_later(RETRY_S[0], self._open, self._loop)

    def _is_allowed(self, host: str) -> bool:
        allowed = self._heard.get(host)
        if allowed is None:
            if len(self._heard) >= MAX_REMEMBERED:
                self._heard.clear()
            allowed = self._heard[host] = is_allowed(host, self._settings.allow)
        if not allowed:
            self._reject("the sender is not on the allow list", f"from {host}")
        return allowed

    def _reject(self, reason: str, example: str = "") -> None:
        self._rejected += 1
        self._board.reject(f"osc:{self.address}", reason, example)


def _why_not_open(address: str, error: OSError) -> tuple[str, str]:
    """Message and hint for the board."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"UDP {address} is in use by another program.",
            "Quit that program, or set another port in [[osc.listen]]. The bridge keeps trying.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{address} is not an address of this computer.",
            "Plug the network in, or set address in [[osc.listen]] to 127.0.0.1 or 0.0.0.0. The bridge keeps trying.",
        )
    if error.errno == errno.EACCES:
        return f"This user may not listen on UDP {address}.", "Choose a port of 1024 or above in [[osc.listen]]."
    return f"UDP {address} cannot be opened: {error.strerror or error}.", "The bridge keeps trying."
