"""The way the media takes: own relays before the server's, the next where one gives nothing, and what worked kept."""

from __future__ import annotations

__all__ = ["Ice", "own_servers", "relay_only"]

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol, TypeVar

import aiortc
from aiortc import RTCConfiguration

from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeUnreachable
from bridge.model.status import ScopeIceStatus
from bridge.scope.ladder import SERVER, STATIC, IcePlan, Ladder, Relay, arrange, stale_turn
from bridge.scope.notices import PART, pin
from bridge.scope.probe import Refusal, TurnProblem, why_no_relay
from bridge.scope.replies import IceServer
from bridge.scope.settings import ScopeSettings
from bridge.scope.troubles import diagnosis
from bridge.scope.turn import TurnCredentials
from bridge.scope.urls import is_loopback

_TRY_S: Final = 8.0
_PROBE_S: Final = 1.0
_TELLING: Final = (Refusal.LOGIN, Refusal.QUOTA, Refusal.OTHER, Refusal.UNREACHABLE)
_LATE: Final = TurnProblem(Refusal.OTHER, "it answers too late, see scope.ice_gather_s")
_LOGIN_HINTS: Final = {
    SERVER: "The Scope server fetches it once, for ten minutes: set a token of your own in [scope.turn], or restart it.",
    STATIC: "Check username and credential in scope.ice_servers.",
}


def own_servers(settings: ScopeSettings) -> tuple[IceServer, ...]:
    """The servers written into the configuration."""
    return tuple(
        IceServer(server.urls, server.username, server.credential.get_secret_value()) for server in settings.ice_servers
    )


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
        self._own = own_servers(settings)
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

        Where the direct way is not known to work, relays are tried for some eight seconds until one gives an address.

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
        tried: list[Relay] = []
        began = self._clock()
        while True:
            relay = self._ladder.choose(relays, self._clock())
            media = make(self._plan(relay, relays, stun))
            try:
                await media.offer()
                if relay is None or media.relayed:
                    break
                tried.append(relay)
                self._ladder.failed(relay, self._clock())
                late = self._clock() - began > _TRY_S
                if late or not needed or self._ladder.choose(relays, self._clock()) is None:
                    await self._tell(tried)
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

    def _plan(self, relay: Relay | None, relays: Sequence[Relay], stun: str) -> IcePlan:
        # Another transport although udp is offered: udp failed. STUN, which is udp too, would only cost its time.
        blocked = relay is not None and relay.at.via != "udp" and any(other.at.via == "udp" for other in relays)
        only = self._settings.relay_only
        return IcePlan("" if blocked or only else stun, relay, only, self._settings.ice_gather_s)

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
        pin(self._board, diagnosis("turn-transport", wanted=wanted, used=relays[0].at.via))

    async def _tell(self, tried: Sequence[Relay]) -> None:
        """Say why the relays gave no address: of the most telling answer, a refusal rather than silence."""
        answers = await asyncio.gather(*(why_no_relay(relay.at, relay.server, _PROBE_S) for relay in tried))
        relay, problem = min(
            ((relay, answer or _LATE) for relay, answer in zip(tried, answers, strict=True)),
            key=lambda told: _TELLING.index(told[1].kind),
        )
        found = diagnosis("no-relay", server=relay.at.uri, detail=problem.text)
        if problem.kind is Refusal.LOGIN:
            self._credentials.distrust(relay.source)
            hint = _LOGIN_HINTS.get(relay.source, "It is fetched again; check the token in [scope.turn] if this stays.")
            found = replace(found, hint=hint)
        pin(self._board, found)
