"""The way the media takes: which STUN and TURN server aiortc is given, and what to try when none answers.

aiortc uses the first STUN and the first TURN address only (scope-protocol section 6.8), so the choice is made here.
"""

from __future__ import annotations

__all__ = ["Ice", "IcePlan", "Ladder", "Relay", "arrange", "relay_only", "stale_turn"]

import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import aiortc
from aiortc import RTCConfiguration

from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeUnreachable
from bridge.model.status import ScopeIceStatus
from bridge.scope.probe import Refusal, why_no_relay
from bridge.scope.replies import IceServer
from bridge.scope.settings import ScopeSettings
from bridge.scope.turn import TurnCredentials
from bridge.scope.urls import IceUri, ice_uri, is_loopback

PART: Final = "scope"
STATIC: Final = "static"
SERVER: Final = "server"
SERVER_TTL_S: Final = 600.0
_RANK: Final = {"udp": 0, "tcp": 1, "tls": 2}
_MOST_TRIES: Final = 3
_REST_S: Final = 60.0
_PROBE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Relay:
    """One TURN address with its password and who named it."""

    at: IceUri
    server: IceServer
    source: str


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
    addresses of that transport are kept, as long as there are any. Each source's first address of each transport comes
    before every second one: another port of the same server seldom helps where the transport is blocked.
    """
    stuns, refused = [], 0
    relays: list[tuple[tuple[int, int, int], Relay]] = []
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
                relays.append(((turns[at.via], _RANK[at.via], order), Relay(at, server, source)))
    relays.sort(key=lambda entry: entry[0])
    ordered = tuple(relay for _, relay in relays)
    wanted = tuple(relay for relay in ordered if relay.at.via == transport)
    return wanted or ordered, tuple(dict.fromkeys(stuns)), refused


class Ladder:
    """Which relay to try next: the one that worked, else the first that did not fail lately."""

    def __init__(self) -> None:
        self._worked = ""
        self._failed: dict[str, float] = {}

    def choose(self, relays: Sequence[Relay], now: float) -> Relay | None:
        """The next to try; None when there is none, or all failed within the last minute."""
        open_ = [relay for relay in relays if now - self._failed.get(relay.at.uri, float("-inf")) >= _REST_S]
        return next((relay for relay in open_ if relay.at.uri == self._worked), open_[0] if open_ else None)

    def worked(self, relay: Relay) -> None:
        """This one gave an address, and media came through."""
        self._worked = relay.at.uri
        self._failed.pop(relay.at.uri, None)

    def failed(self, relay: Relay, now: float) -> None:
        """This one gave no address, or no media came."""
        self._failed[relay.at.uri] = now
        if self._worked == relay.at.uri:
            self._worked = ""

    def forget(self) -> None:
        """Try all again."""
        self._failed.clear()


def relay_only(configuration: RTCConfiguration) -> RTCConfiguration:
    """``configuration`` with direct ways forbidden. Raises ScopeUnreachable where aiortc cannot do that."""
    policy = getattr(aiortc, "RTCIceTransportPolicy", None)
    if policy is None or not hasattr(configuration, "iceTransportPolicy"):
        raise ScopeUnreachable(
            f"aiortc {aiortc.__version__} cannot send media through a TURN server only.",
            hint="Install aiortc 1.16 or newer, or set scope.relay_only = false.",
        )
    configuration.iceTransportPolicy = policy.RELAY
    return configuration


def stale_turn(relay: Relay | None, started: float | None, wall: float) -> bool:
    """Whether the only relay is the Scope server's and its password has aged.

    The server fetches it once, at its start, for ten minutes (scope-protocol section 1). ``started`` and ``wall`` are
    seconds since 1970; ``started`` is None where the server does not tell.
    """
    return relay is not None and relay.source == SERVER and started is not None and wall - started > SERVER_TTL_S


class Media(Protocol):
    """What is asked of a media session here."""

    async def offer(self) -> str:
        """Gather."""
        ...

    async def close(self) -> None:
        """Give it up."""
        ...

    @property
    def connection(self) -> str:
        """State of the peer connection."""
        ...

    @property
    def relayed(self) -> bool:
        """Whether the TURN server gave an address."""
        ...

    @property
    def path(self) -> tuple[str, str] | None:
        """Kinds of the candidates in use."""
        ...


M = TypeVar("M", bound=Media)


class Ice:
    """Chooses servers for each session, goes on to the next when one gives no relay, and remembers what worked."""

    def __init__(
        self,
        settings: ScopeSettings,
        *,
        board: ProblemBoard,
        clock: Callable[[], float],
        wall: Callable[[], float] = time.time,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings = settings
        self._board = board
        self._clock = clock
        self._wall = wall
        self._ladder = Ladder()
        self._own = tuple(
            IceServer(server.urls, server.username, server.credential.get_secret_value())
            for server in settings.ice_servers
        )
        self._credentials = TurnCredentials(settings.turn, environ=environ, board=board, clock=clock)
        self._direct: set[str] = set()
        self._url = ""
        self._media: Media | None = None
        self._relay: Relay | None = None
        self._sources: tuple[str, ...] = ()
        self._came = False
        self._path: tuple[str, str] | None = None

    async def run(self) -> None:
        """Keep fetched passwords fresh, for ever. Ends by being cancelled."""
        await self._credentials.run()

    async def gather(
        self, url: str, theirs: Callable[[], Awaitable[tuple[IceServer, ...]]], make: Callable[[IcePlan], M]
    ) -> M:
        """A session, made by ``make``, whose offer is gathered; ``theirs`` are the Scope server's own servers.

        Where the direct way is not known to work, up to three relays are tried until one gives an address.

        Raises:
            ScopeUnreachable: only relays are allowed and none can be had, or ``theirs`` failed.
        """
        relays, stun = await self._known(url, theirs)
        only = self._settings.relay_only
        if only and not relays:
            raise ScopeUnreachable(
                "scope.relay_only is on, but no TURN server is known.",
                hint="Set a TURN server in scope.ice_servers, or a token in [scope.turn].",
            )
        needed = only or url not in self._direct
        if needed and self._ladder.choose(relays, self._clock()) is None:
            self._ladder.forget()
        tries = 0
        while True:
            tries += 1
            relay = self._ladder.choose(relays, self._clock())
            media = make(self._plan(relay, stun))
            try:
                await media.offer()
                if relay is None or media.relayed:
                    break
                self._ladder.failed(relay, self._clock())
                if not needed or tries == _MOST_TRIES or self._ladder.choose(relays, self._clock()) is None:
                    await self._tell(relay)
                    if only:
                        raise ScopeUnreachable(
                            "No TURN server gives a relay address, and scope.relay_only is on.",
                            hint="The problem beside this one names the TURN server and why.",
                        )
                    break
            except BaseException:
                await media.close()
                raise
            await media.close()
        if media.relayed:
            self._board.clear(PART, "no-relay")
        self._url, self._media, self._relay = url, media, relay
        return media

    def live(self) -> None:
        """The session's first frames came."""
        media, self._came = self._media, True
        self._path = media.path if media is not None else None
        if self._path is not None and self._path[0] != "relay":
            self._direct.add(self._url)
        elif self._relay is not None:
            self._ladder.worked(self._relay)

    def ended(self) -> None:
        """The session ended, and is about to be closed. Where no connection had come about, another relay is next."""
        media, came = self._media, self._came
        self._media, self._path, self._came = None, None, False
        if came or media is None or media.connection in ("new", "connected"):
            return
        self._direct.discard(self._url)
        if self._relay is not None:
            self._ladder.failed(self._relay, self._clock())

    def stale(self, started: float | None) -> bool:
        """Whether the Scope server's relay was all there was, and gave nothing because its password has aged."""
        given = self._media is not None and self._media.relayed
        return not given and stale_turn(self._relay, started, self._wall())

    def status(self) -> ScopeIceStatus:
        """For ``/api/v1/status``; nothing secret is in it."""
        relay, path = self._relay, self._path
        local = path[0] if path is not None else None
        if local == "relay" and relay is not None:
            local = f"relay/{relay.at.via}"
        left = self._credentials.expires_in(relay.source) if relay is not None else None
        return ScopeIceStatus(
            local=local,
            remote=path[1] if path is not None else None,
            relay=relay.at.uri if relay is not None else None,
            source=relay.source if relay is not None else None,
            sources=self._sources,
            expires_s=round(left) if left is not None else None,
        )

    def _plan(self, relay: Relay | None, stun: str) -> IcePlan:
        # Where udp to a TURN server failed, STUN, which is udp too, would only cost its time.
        udp = relay is None or relay.at.via == "udp" or self._settings.turn_transport != "auto"
        only = self._settings.relay_only
        return IcePlan(stun if udp and not only else "", relay, only, self._settings.ice_gather_s)

    async def _known(
        self, url: str, theirs: Callable[[], Awaitable[tuple[IceServer, ...]]]
    ) -> tuple[tuple[Relay, ...], str]:
        """Own servers first, then the server's; nothing is asked for a server on this machine, which needs none."""
        named: list[tuple[str, tuple[IceServer, ...]]] = [(STATIC, self._own)] if self._own else []
        if self._settings.relay_only or not is_loopback(url):
            named += await self._credentials.servers()
        if self._settings.use_server_ice and not is_loopback(url):
            named.append((SERVER, await theirs()))
        self._sources = tuple(source for source, servers in named if servers)
        relays, stuns, refused = arrange(named, self._settings.turn_transport)
        if refused:
            self._board.reject(PART, "STUN or TURN address not understood", "see scope.ice_servers")
        self._check_transport(relays)
        return relays, stuns[0] if stuns else ""

    def _check_transport(self, relays: Sequence[Relay]) -> None:
        wanted = self._settings.turn_transport
        if wanted == "auto" or not relays or relays[0].at.via == wanted:
            self._board.clear(PART, "turn-transport")
            return
        self._board.pin(
            PART,
            "turn-transport",
            f"No TURN server is reached over {wanted}; {relays[0].at.via} is used.",
            'Set scope.turn_transport = "auto", or name another server in scope.ice_servers.',
        )

    async def _tell(self, relay: Relay) -> None:
        """Say why the relay gave no address."""
        reason = await why_no_relay(relay.at, relay.server, _PROBE_S)
        hint = "Check host and port; where UDP is blocked, a turn:...?transport=tcp or turns: address helps."
        if reason is not None and reason.kind is Refusal.LOGIN:
            self._credentials.distrust(relay.source)
            hint = {
                SERVER: "The Scope server fetches its password once, for ten minutes: restart it, or set your own in [scope.turn].",
                STATIC: "Check username and credential in scope.ice_servers.",
            }.get(relay.source, "It is fetched again; check the token in [scope.turn] if this stays.")
        told = reason.text if reason is not None else "it answers, but late"
        self._board.pin(PART, "no-relay", f"The TURN server {relay.at.uri} gave no relay address: {told}.", hint)
