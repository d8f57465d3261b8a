"""State out over OSC, under ``/bridge/state/`` so that nothing loops back into ``/bridge/``."""

from __future__ import annotations

__all__ = ["SUBSCRIBE", "UNSUBSCRIBE", "OscFeedback"]

import asyncio
import math
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from bridge.feedback.settings import FeedbackSettings, parse_peer
from bridge.feedback.state_book import StateBook
from bridge.feedback.subscribers import Peer, Subscribers
from bridge.model.board import ProblemBoard
from bridge.model.desired import ParamValue
from bridge.model.events import BeatEvent, OscEvent, OscValue
from bridge.model.features import Section
from bridge.model.status import PodStatus, Problem

SUBSCRIBE: Final = "/bridge/subscribe"
UNSUBSCRIBE: Final = "/bridge/unsubscribe"

PART: Final = "feedback"
ROOT: Final = "/bridge/state/"

MAX_DATAGRAM: Final = 8192
"""Bytes. Many OSC programs read no more than this at once."""


class OscFeedback:
    """Tells subscribers what changed, at most ``rate_hz`` times a second per address, and everything when they come.

    =============================  =================================================================
    ``/bridge/state/beat``         beat count, beat in the bar (0 on the downbeat), bar count
    ``/bridge/state/bpm``          tempo in BPM; 0.0 while there is none
    ``/bridge/state/section``      the part of the track: none, steady, build_up, drop or breakdown
    ``/bridge/state/theme``        the theme's slug
    ``/bridge/state/param/<name>`` the value that Scope should have now; a list as an OSC array
    ``/bridge/state/problem``      how many problems there are now, and the newest one in words
    ``/bridge/state/pod``          the rented GPU's phase, its price in USD an hour, what its run has cost
    =============================  =================================================================

    All methods belong to the thread of the running loop; none blocks it.
    """

    def __init__(
        self, settings: FeedbackSettings, *, board: ProblemBoard, clock: Callable[[], float] = time.monotonic
    ) -> None:
        osc = settings.osc
        self._book = StateBook(interval_s=1.0 / osc.rate_hz)
        self._subscribers = Subscribers(map(parse_peer, osc.subscribers), lease_s=osc.lease_s)
        self._board = board
        self._clock = clock
        self._closed = False
        self._sockets: dict[int, socket.socket] = {}
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Send no more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for sock in self._sockets.values():
            sock.close()
        self._sockets.clear()
        self._board.clear_part(PART)

    def subscribers(self) -> tuple[Peer, ...]:
        """Everyone who is told now."""
        return self._subscribers.at(self._clock())

    def on_event(self, event: OscEvent) -> bool:
        """Take ``/bridge/subscribe [port]`` and ``/bridge/unsubscribe [port]``; False for any other address.

        State goes only to the ip that asked, at ``port``, else at the port it sent from.
        """
        if event.address not in (SUBSCRIBE, UNSUBSCRIBE):
            return False
        port = event.args[0] if event.args else event.sender[1]
        # Programs such as TouchDesigner and osc-min have floats only.
        if isinstance(port, bool) or not isinstance(port, int | float) or not 1 <= port <= 65_535 or port % 1:
            self._board.reject(f"osc:{event.listener}", f"{event.address} takes a port from 1 to 65535", repr(port))
            return True
        peer = (event.sender[0], int(port))
        if event.address == UNSUBSCRIBE:
            self._subscribers.unsubscribe(peer)
        elif self._subscribers.subscribe(peer, self._clock()):
            self._tell_everything(peer)
        else:
            self._board.reject(
                f"osc:{event.listener}", "too many subscribers", f"{peer[0]}:{peer[1]}: one must unsubscribe first"
            )
        return True

    def beat(self, beat: BeatEvent) -> None:
        """A beat of the one clock."""
        self._book.update(f"{ROOT}beat", (beat.beat, beat.in_bar, beat.bar))
        self._flush()

    def section(self, section: Section) -> None:
        """A part of the track begins."""
        self._book.update(f"{ROOT}section", (section,))
        self._flush()

    def update(
        self,
        *,
        bpm: float | None,
        theme: str,
        params: Mapping[str, ParamValue],
        problems: Sequence[Problem],
        pod: PodStatus | None = None,
    ) -> None:
        """What is so now; only what differs from the last time is told.

        Args:
            bpm: the tempo, None without one. Differences under 0.01 BPM are not told.
            theme: the slug of the theme in charge.
            params: what Scope should have now; a value that OSC has no type for (an object) is not told.
            problems: what is wrong now, oldest first.
            pod: the rented GPU, None without one. Its spend is told in whole cents.
        """
        newest = f"{problems[-1].part}: {problems[-1].message}" if problems else ""
        self._book.update(f"{ROOT}bpm", (round(bpm or 0.0, 2),))
        self._book.update(f"{ROOT}theme", (theme,))
        self._book.update(f"{ROOT}problem", (len(problems), newest))
        if pod is not None:
            self._book.update(
                f"{ROOT}pod", (pod.phase, round(pod.cost_per_hour or 0.0, 4), round(pod.spend_usd or 0.0, 2))
            )
        for name, value in params.items():
            self._book.update(f"{ROOT}param/{name}", (value,))
        self._flush()

    def _tell_everything(self, peer: Peer) -> None:
        for address, args in self._book.values.items():
            self._send(address, args, (peer,))

    def _flush(self) -> None:
        """Send what is due, and come back when the next change is."""
        if self._closed:
            return
        now = self._clock()
        due = self._book.take_due(now)
        peers = self._subscribers.at(now) if due else ()
        for address, args in due:
            if not self._send(address, args, peers):
                self._book.tell_again(address)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (next_due := self._book.next_due) is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, next_due - now), self._flush)

    def _send(self, address: str, args: tuple[OscValue, ...], peers: Sequence[Peer]) -> bool:
        """Send to each peer; False when the system's buffer was full for one of them."""
        if self._closed or not peers or (datagram := _encode(address, args)) is None:
            return True
        complete = True
        for host, port in peers:
            code = f"subscriber:{host}:{port}"
            try:
                self._socket_for(host).sendto(datagram, (host, port))
            except BlockingIOError:
                complete = False
            except OSError as error:
                self._board.pin(
                    PART,
                    code,
                    f"State cannot be sent to {host}:{port}: {error.strerror or error}.",
                    "Check the network, or take the address out of subscribers in [feedback.osc].",
                )
            else:
                self._board.clear(PART, code)
        return complete

    def _socket_for(self, host: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = self._sockets.get(family)
        if sock is None:
            sock = self._sockets[family] = socket.socket(family, socket.SOCK_DGRAM)
            sock.setblocking(False)
        return sock


def _encode(address: str, args: tuple[OscValue, ...]) -> bytes | None:
    """The message as a datagram; None when OSC has no such value (an object, NaN) or it does not fit."""
    builder = OscMessageBuilder(address)
    try:
        for value in args:
            builder.add_arg(_sayable(value))
        datagram: bytes = builder.build().dgram
    except (BuildError, ValueError):
        return None
    return datagram if len(datagram) <= MAX_DATAGRAM else None


def _sayable(value: ParamValue) -> ParamValue:
    if isinstance(value, tuple | list):
        return [_sayable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    return value
