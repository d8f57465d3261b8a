"""Programs that talk OSC with us in both directions, as their mapping file describes them."""

from __future__ import annotations

__all__ = ["OscProgram"]

from dataclasses import dataclass

from bridge.model.events import OscValue


@dataclass(frozen=True, slots=True)
class OscProgram:
    """How to make a program send to us, such as AbletonOSC (which answers only on port 11001).

    ``hello`` is sent to ``host:send_port`` at start, every ``repeat_s`` seconds, and again whenever a message
    to ``restart_address`` arrives; answers come in on ``listen_port`` of loopback.
    """

    name: str
    listen_port: int
    send_port: int
    host: str = "127.0.0.1"
    hello: tuple[tuple[str, tuple[OscValue, ...]], ...] = ()
    repeat_s: float = 10.0
    restart_address: str = ""
