"""One DJ program's connection: a few kilobytes at a time, so that no peer holds the loop."""

from __future__ import annotations

__all__ = ["Connection", "MessageBudget"]

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

from bridge.inputs.os2l.parser import MessageStream

_READ: Final = 2048
"""Bytes a wake: about 25 messages, well under the loop's 5 ms."""
_UNSENT: Final = 16_384
"""Bytes of feedback that a peer may leave unread."""
_RATE: Final = 500.0
_BURST: Final = 2000.0
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4}


class Owner(Protocol):
    """What a connection tells the input."""

    def admit(self, connection: Connection) -> bool:
        """Whether a new peer may stay."""

    def take(self, connection: Connection, message: dict[str, Any], t: float) -> None:
        """A whole message, read at ``t``."""

    def refuse(self, connection: Connection, reason: str, example: str) -> None:
        """Something that is no message."""

    def lost(self, connection: Connection) -> None:
        """The peer has gone."""


class MessageBudget:
    """Messages a peer may send: 500 a second, 2000 at once. A knob turned all the time sends some 60."""

    def __init__(self, now: float) -> None:
        self._left = _BURST
        self._at = now

    def spend(self, now: float) -> bool:
        """One more message; False when the peer has had its share."""
        self._left = min(_BURST, self._left + (now - self._at) * _RATE)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Connection(asyncio.BufferedProtocol):
    """Reads messages, stamps them at once and hands them on; ``peer`` is the other end's ip and port."""

    def __init__(self, owner: Owner, clock: Callable[[], float]) -> None:
        self._owner = owner
        self._clock = clock
        self._buffer = bytearray(_READ)
        self._stream = MessageStream(lambda reason, example: owner.refuse(self, reason, example))
        self._budget = MessageBudget(clock())
        self._transport: asyncio.Transport | None = None
        self.peer: tuple[str, int] = ("", 0)
        self.beats = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        host, port, *_ = transport.get_extra_info("peername") or ("", 0)
        self.peer = (host, port)
        _notice_death(transport.get_extra_info("socket"))
        if not self._owner.admit(self):
            self.drop()

    def get_buffer(self, sizehint: int) -> bytearray:
        """See asyncio."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio: take in what was just read."""
        t = self._clock()
        for message in self._stream.feed(bytes(self._buffer[:nbytes])):
            if not self._budget.spend(t):
                self._owner.refuse(self, "too many messages a second: the connection is closed", "")
                self.drop()
                return
            self._owner.take(self, message, t)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message; a peer that does not read what it is sent is dropped."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(json.dumps(message, separators=(",", ":")).encode())
        if self._transport.get_write_buffer_size() > _UNSENT:
            self._owner.refuse(self, "does not read what it is sent: the connection is closed", "")
            self.drop()

    def drop(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._transport = None
        self._owner.lost(self)


def _notice_death(sock: Any) -> None:
    """Let the system ask a silent peer whether it is there: a laptop closed in the middle of a song says nothing."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
