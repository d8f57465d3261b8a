"""Says hello to programs that send only to those who asked, such as AbletonOSC, and again when they restart."""

from __future__ import annotations

__all__ = ["Greeter"]

import asyncio
import ipaddress
from collections.abc import Callable
from typing import Final

from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from bridge.inputs.osc.listener import PART, Listener
from bridge.model.board import ProblemBoard
from bridge.model.events import OscValue
from bridge.model.programs import OscProgram

MIN_REPEAT_S: Final = 1.0
"""Between two greetings: a program that answers a hello with its restart message must not make a loop."""


class Greeter:
    """Greets one program from the port it answers to: at start, every ``repeat_s``, and when it restarts."""

    def __init__(
        self, program: OscProgram, listener: Listener, *, board: ProblemBoard, clock: Callable[[], float]
    ) -> None:
        self.program = program
        self._listener = listener
        self._board = board
        self._clock = clock
        self._code = f"program:{program.name}"
        self._hello: tuple[bytes, ...] = ()
        self._said: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Greet whenever the listener opens, and from now on every ``repeat_s``."""
        try:
            ipaddress.ip_address(self._host)
            self._hello = tuple(_encode(address, args) for address, args in self.program.hello)
        except (ValueError, BuildError) as error:
            self._board.pin(
                PART,
                self._code,
                f"{self.program.name} cannot be greeted: {error}.",
                "Mend host or hello in its mapping file.",
            )
            return
        self._loop = loop
        self._listener.on_open.append(self._greet)
        self._greet()

    def stop(self) -> None:
        """Stop greeting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._loop = None
        self._board.clear(PART, self._code)

    def restarted(self) -> None:
        """The program said that it has just started: greet it now, or as soon as that may be said again."""
        since = MIN_REPEAT_S if self._said is None else self._clock() - self._said
        self._greet_in(max(0.0, MIN_REPEAT_S - since))

    @property
    def _host(self) -> str:
        return "127.0.0.1" if self.program.host == "localhost" else self.program.host

    def _greet_in(self, delay: float) -> None:
        if self._loop is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay, self._greet)

    def _greet(self) -> None:
        self._greet_in(max(MIN_REPEAT_S, self.program.repeat_s))
        if self._loop is None or not self._listener.is_open:
            return
        try:
            for datagram in self._hello:
                self._listener.send(datagram, (self._host, self.program.send_port))
        except OSError as error:
            self._board.pin(
                PART,
                self._code,
                f"{self.program.name} at {self._host}:{self.program.send_port} cannot be reached "
                f"from {self._listener.address}: {error.strerror or error}.",
                "For a program on another computer add an [[osc.listen]] with this computer's network address and "
                f"port {self.program.listen_port}.",
            )
            return
        self._said = self._clock()
        self._board.clear(PART, self._code)


def _encode(address: str, args: tuple[OscValue, ...]) -> bytes:
    builder = OscMessageBuilder(address)
    for value in args:
        builder.add_arg(list(value) if isinstance(value, tuple) else value)
    datagram: bytes = builder.build().dgram
    return datagram
