"""What can be made to go wrong on purpose, on the command line or while it runs."""

from __future__ import annotations

__all__ = ["KINDS", "FaultError", "Faults", "Wire"]

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiortc import RTCPeerConnection
from aiortc.rtp import is_rtcp

KINDS: Final = {
    "drop_session": 'sessions end; "how": "close" (default, with stream_stopped) or "vanish" (without a word)',
    "stall": 'generation stands still, ICE stays up; "seconds": how long (default until healed)',
    "reject": '"what": "offer", "load" or "asset" is answered with "status" (default 503); "count": how often (default for ever)',
    "slow_load": 'loads take "seconds" longer (default 10)',
    "fail_load": 'the next "count" (default 1) loads end in error',
    "restart": 'the server forgets everything, as after a restart; "down_seconds": no answers meanwhile (default 0)',
    "lose_packets": 'a "fraction" (default 0.05) of outgoing RTP packets is lost',
    "oom": "the worker of every session dies of a full GPU; only another load and then a load again helps",
}
"""Fault -> what it does and its options."""


class FaultError(ValueError):
    """Raised when a fault is unknown or one of its options makes no sense."""


class Faults:
    """The switches. Read from the loop and from worker threads."""

    def __init__(self, seed: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.random = random.Random(seed)
        self.extra_load_seconds = 0.0
        self.failing_loads = 0
        self.loss = 0.0
        self._down_until = 0.0
        self._stalled_until = 0.0
        self._rejects: dict[str, list[float]] = {}

    def set(self, kind: str, options: Mapping[str, Any]) -> None:
        """Throw a switch; what concerns sessions (``drop_session``, ``restart``, ``oom``) is the server's to do.

        Raises:
            FaultError: unknown kind, or an option out of range.
        """
        match kind:
            case "stall":
                self._stalled_until = self._clock() + _between(options, "seconds", float("inf"), 0, float("inf"))
            case "reject":
                what = options.get("what", "offer")
                if what not in ("offer", "load", "asset"):
                    raise FaultError(f'"what" is {what!r}; it must be "offer", "load" or "asset".')
                status = _between(options, "status", 503, 400, 599)
                self._rejects[what] = [status, _between(options, "count", float("inf"), 1, float("inf"))]
            case "slow_load":
                self.extra_load_seconds = _between(options, "seconds", 10, 0, 3600)
            case "fail_load":
                self.failing_loads = int(_between(options, "count", 1, 1, 1000))
            case "lose_packets":
                self.loss = _between(options, "fraction", 0.05, 0, 1)
            case "restart":
                self._down_until = self._clock() + _between(options, "down_seconds", 0, 0, 600)
            case "drop_session" | "oom":
                pass
            case _:
                raise FaultError(f"no fault is called {kind!r}. Known: {', '.join(KINDS)}.")

    def heal(self) -> None:
        """All switches back."""
        self.extra_load_seconds = 0.0
        self.failing_loads = 0
        self.loss = 0.0
        self._down_until = 0.0
        self._rejects.clear()
        self._stalled_until = 0.0

    def rejection(self, what: str) -> int | None:
        """The status to refuse this request with, or None; counts it."""
        entry = self._rejects.get(what)
        if entry is None:
            return None
        entry[1] -= 1
        if entry[1] <= 0:
            del self._rejects[what]
        return int(entry[0])

    def take_failing_load(self) -> bool:
        """Whether this load must fail; counts it."""
        failing = self.failing_loads > 0
        self.failing_loads -= failing
        return failing

    @property
    def is_stalled(self) -> bool:
        """Whether generation stands still now."""
        return self._stalled_until > self._clock()

    @property
    def is_down(self) -> bool:
        """Whether no request is answered now."""
        return self._down_until > self._clock()

    @property
    def document(self) -> dict[str, Any]:
        """What is switched on now."""
        return {
            "stall": self.is_stalled,
            "reject": {what: int(status) for what, (status, _) in self._rejects.items()},
            "slow_load": self.extra_load_seconds,
            "fail_load": self.failing_loads,
            "lose_packets": self.loss,
            "down": self.is_down,
        }


class Wire:
    """Stands between a peer connection and the network, to lose packets or to be cut."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.cut = False
        self.lost = 0

    def attach(self, peer: RTCPeerConnection) -> None:
        """Take over the sending side of every transport of ``peer`` (call once they exist)."""
        transports = {sender.transport for sender in peer.getSenders()}
        if peer.sctp is not None:
            transports.add(peer.sctp.transport)
        for ice in {dtls.transport for dtls in transports if dtls is not None}:
            self._guard(ice)

    def _guard(self, ice: Any) -> None:
        send: Callable[[bytes], Awaitable[None]] = ice._send

        async def guarded(data: bytes) -> None:
            if self.cut or (self._faults.loss and _is_rtp(data) and self._faults.random.random() < self._faults.loss):
                self.lost += 1
                return
            await send(data)

        ice._send = guarded


def _is_rtp(data: bytes) -> bool:
    return len(data) > 1 and 127 < data[0] < 192 and not is_rtcp(data)


def _between(options: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise FaultError(f'"{name}" is {value!r}; it must be a number from {low:g} to {high:g}.')
    return value
