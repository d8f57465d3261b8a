"""Which STUN and TURN server a peer connection is given, and in which order relays are tried.

aiortc uses the first STUN and the first TURN address only (scope-protocol section 6.8), so the choice is made here.
"""

from __future__ import annotations

__all__ = ["SERVER", "STATIC", "IcePlan", "Ladder", "Relay", "arrange", "stale_turn"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.scope.replies import IceServer
from bridge.scope.urls import IceUri, ice_uri

STATIC: Final = "static"
SERVER: Final = "server"
_SERVER_TTL_S: Final = 600.0
_RANK: Final = {"udp": 0, "tcp": 1, "tls": 2}
_REST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Relay:
    """One TURN address with its password and who named it."""

    at: IceUri
    server: IceServer
    source: str

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by; its password may change."""
        return self.source, self.at.uri


@dataclass(frozen=True, slots=True)
class IcePlan:
    """What one peer connection is given: at most one STUN and one TURN address."""

    stun: str = ""
    relay: Relay | None = None
    relay_only: bool = False
    gather_s: float = 2.0

    @property
    def servers(self) -> tuple[IceServer, ...]:
        """As aiortc takes them."""
        stun = (IceServer((self.stun,)),) if self.stun else ()
        if self.relay is None:
            return stun
        server = self.relay.server
        return (IceServer((self.relay.at.uri,), server.username, server.credential), *stun)


def arrange(
    named: Iterable[tuple[str, Sequence[IceServer]]], transport: str
) -> tuple[tuple[Relay, ...], tuple[str, ...], int]:
    """TURN addresses in the order to try them, STUN addresses, and how many addresses cannot be used.

    ``named`` are sources with their servers, the preferred source first. With ``transport`` other than "auto" only
    addresses of that transport are kept, as long as there are any. Own relays come before the Scope server's; each
    source's first address of each transport before every second one (another port of the same server seldom helps
    where the transport is blocked); udp before tcp before tls.
    """
    stuns, refused = [], 0
    relays: list[tuple[tuple[bool, int, int, int], Relay]] = []
    for order, (source, servers) in enumerate(named):
        turns: dict[str, int] = {}
        for server in servers:
            for url in server.urls:
                try:
                    at = ice_uri(url)
                except ValueError:
                    refused += 1
                    continue
                if not at.via:
                    stuns.append(url)
                    continue
                turns[at.via] = turns.get(at.via, -1) + 1
                place = (source == SERVER, turns[at.via], _RANK[at.via], order)
                relays.append((place, Relay(at, server, source)))
    relays.sort(key=lambda entry: entry[0])
    ordered = tuple(relay for _, relay in relays)
    wanted = tuple(relay for relay in ordered if relay.at.via == transport)
    return wanted or ordered, tuple(dict.fromkeys(stuns)), refused


class Ladder:
    """Which relay to try next: the one that worked, else the first that did not fail lately."""

    def __init__(self) -> None:
        self._worked: tuple[str, str] | None = None
        self._failed: dict[tuple[str, str], float] = {}

    def choose(self, relays: Sequence[Relay], now: float) -> Relay | None:
        """The next to try; None when there is none, or all failed within the last minute."""
        open_ = [relay for relay in relays if now - self._failed.get(relay.key, float("-inf")) >= _REST_S]
        return next((relay for relay in open_ if relay.key == self._worked), open_[0] if open_ else None)

    def worked(self, relay: Relay) -> None:
        """This one gave an address, and media came through."""
        self._worked = relay.key
        self._failed.pop(relay.key, None)

    def failed(self, relay: Relay, now: float) -> None:
        """This one gave no address, or no media came."""
        self._failed[relay.key] = now
        if self._worked == relay.key:
            self._worked = None

    def forget(self) -> None:
        """Try all again."""
        self._failed.clear()


def stale_turn(relay: Relay | None, started: float | None, wall: float) -> bool:
    """Whether the only relay is the Scope server's and its password has aged.

    The server fetches it once, at its start, for ten minutes (scope-protocol section 1). ``started`` and ``wall`` are
    seconds since 1970; ``started`` is None where the server does not tell.
    """
    return relay is not None and relay.source == SERVER and started is not None and wall - started > _SERVER_TTL_S
