"""Relay passwords of our own: fetched with a token, kept fresh, because the server's age (scope-protocol section 6.8)."""

from __future__ import annotations

__all__ = ["Lease", "Provider", "TurnCredentials", "fetch", "providers"]

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx

from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeError, ScopeProtocolError, ScopeRefused, ScopeUnreachable
from bridge.scope.api import trust
from bridge.scope.replies import IceServer
from bridge.scope.settings import TurnSettings
from bridge.scope.urls import is_loopback, mask_url

logger = logging.getLogger(__name__)

PART: Final = "scope"
LIMIT: Final = 100_000
_FRESH: Final = 0.8
_AGAIN_S: Final = 5.0
_REFUSED_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Provider:
    """Who gives relay passwords for a token: the request that asks for one. ``missing`` says why it cannot be asked."""

    name: str
    title: str
    method: Literal["GET", "POST"]
    url: str
    token: str = field(repr=False)
    body: Mapping[str, Any] | None = field(default=None, hash=False)
    mend: str = ""
    missing: str = ""


def providers(settings: TurnSettings, environ: Mapping[str, str]) -> tuple[Provider, ...]:
    """Those whose token is set, in the configuration or else in the environment, the preferred one first."""
    around = environ if settings.use_environment else {}
    key = settings.cloudflare_key_id or around.get("CLOUDFLARE_TURN_KEY_ID", "").strip()
    secret = settings.cloudflare_api_token.get_secret_value() or around.get("CLOUDFLARE_TURN_API_TOKEN", "").strip()
    token = settings.huggingface_token.get_secret_value() or around.get("HF_TOKEN", "").strip()
    found = []
    if key or secret:
        found.append(
            Provider(
                "cloudflare",
                "Cloudflare",
                "POST",
                f"{settings.cloudflare_url}/{quote(key, safe='')}/credentials/generate-ice-servers",
                secret,
                {"ttl": settings.ttl_s},
                "Set scope.turn.cloudflare_key_id and cloudflare_api_token to a TURN key's id and its API token.",
                "" if key and secret else f"Cloudflare's TURN key has no {'API token' if key else 'key id'}.",
            )
        )
    if token:
        found.append(
            Provider(
                "huggingface",
                "Hugging Face",
                "GET",
                f"{settings.huggingface_url}?ttl={settings.ttl_s}",
                token,
                mend="Set scope.turn.huggingface_token, or HF_TOKEN, to a token with read permission.",
            )
        )
    return tuple(found)


async def fetch(provider: Provider, within: float) -> tuple[IceServer, ...]:
    """The provider's STUN and TURN servers with fresh passwords, in at most ``within`` seconds and 100 kB.

    Raises:
        ScopeRefused: wrong token, used-up quota or another error status.
        ScopeUnreachable: no answer.
        ScopeProtocolError: an answer without a TURN server.
    """
    if provider.missing:
        raise ScopeRefused(provider.missing, status=401, hint=provider.mend)
    try:
        async with (
            asyncio.timeout(within),
            httpx.AsyncClient(
                timeout=within,
                trust_env=not is_loopback(provider.url),
                verify=provider.url.startswith("https:") and trust(),
                headers={"User-Agent": "scope-bridge", "Accept": "application/json"},
            ) as http,
            http.stream(
                provider.method,
                provider.url,
                headers={"Authorization": f"Bearer {provider.token}"},
                json=provider.body,
            ) as response,
        ):
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > LIMIT:
                    raise _odd(provider)
    except (TimeoutError, httpx.TimeoutException) as error:
        raise ScopeUnreachable(
            f"{provider.title} gave no relay password within {within:g} s.",
            hint="Check the network; the other servers are used meanwhile.",
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
        raise ScopeUnreachable(
            f"No connection to {mask_url(provider.url)} for a relay password ({type(error).__name__}).",
            hint="Check network and DNS; the other servers are used meanwhile.",
        ) from error
    _check(provider, response.status_code)
    servers = _parse(provider, bytes(content))
    if not any(url.startswith("turn") for server in servers for url in server.urls):
        raise _odd(provider)
    return servers


def _check(provider: Provider, status: int) -> None:
    if 200 <= status < 300:
        return
    if status in (401, 403):
        raise ScopeRefused(
            f"{provider.title} refuses the token for relay passwords (HTTP {status}).",
            status=status,
            hint=provider.mend,
        )
    if status == 429:
        raise ScopeRefused(
            f"{provider.title} gives no more relay passwords: the quota is used up.",
            status=status,
            hint="Wait, or set a TURN server in scope.ice_servers; the other servers are used meanwhile.",
        )
    raise ScopeRefused(
        f"{provider.title} gives no relay password (HTTP {status}).",
        status=status,
        hint=f"Check the address {mask_url(provider.url)}; the other servers are used meanwhile.",
    )


def _parse(provider: Provider, content: bytes) -> tuple[IceServer, ...]:
    """Their shapes differ: a list of servers, one server, or one address, inside ``iceServers`` or bare."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _odd(provider) from error
    if isinstance(found, dict) and "iceServers" in found:
        found = found["iceServers"]
    entries = found if isinstance(found, list) else [found]
    entries = [{"urls": entry} if isinstance(entry, str) else entry for entry in entries]
    return IceServer.parse_all({"iceServers": entries})


def _odd(provider: Provider) -> ScopeProtocolError:
    return ScopeProtocolError(
        f"{provider.title} answered without a TURN server.",
        hint=f"Check the address {mask_url(provider.url)}; the other servers are used meanwhile.",
    )


class Lease:
    """One provider's passwords: until when they are good, and when to ask again. Times are the caller's clock."""

    def __init__(self) -> None:
        self.servers: tuple[IceServer, ...] = ()
        self.expires = float("-inf")
        self.due = float("-inf")
        self._asked = float("-inf")

    def took(self, servers: tuple[IceServer, ...], now: float, ttl: float) -> None:
        """Passwords that were given at ``now`` for ``ttl`` seconds; new ones are due at 80 % of it."""
        self.servers, self.expires, self.due, self._asked = servers, now + ttl, now + _FRESH * ttl, now

    def failed(self, now: float, *, refused: bool) -> None:
        """None were given: what there was stays. Soon again, or in a minute after a plain refusal."""
        self.due, self._asked = now + (_REFUSED_S if refused else _AGAIN_S), now

    def distrust(self, now: float) -> None:
        """A TURN server refused the password (a suspended machine's clock stood still): due now, at most once a minute."""
        self.due = min(self.due, max(now, self._asked + _REFUSED_S))

    def good(self, now: float) -> bool:
        """Whether there are passwords that have not aged."""
        return now < self.expires


class TurnCredentials:
    """Keeps every provider's passwords fresh. Lives on one loop; nothing is fetched before somebody first asks."""

    def __init__(
        self,
        settings: TurnSettings,
        *,
        environ: Mapping[str, str],
        board: ProblemBoard,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._board = board
        self._clock = clock
        self._leases = {provider: Lease() for provider in providers(settings, environ)}
        self._wanted = asyncio.Event()
        self._news = asyncio.Event()
        self._round = asyncio.Event()

    async def run(self) -> None:
        """Fetch whatever is due, for ever. Ends by being cancelled."""
        await self._wanted.wait()
        while True:
            self._news.clear()
            due = [provider for provider, lease in self._leases.items() if lease.due <= self._clock()]
            await asyncio.gather(*(self._renew(provider) for provider in due))
            self._round.set()
            pause = min((lease.due for lease in self._leases.values()), default=float("inf")) - self._clock()
            try:
                async with asyncio.timeout(max(0.0, pause) if pause < float("inf") else None):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def servers(self) -> tuple[tuple[str, tuple[IceServer, ...]], ...]:
        """Provider and servers, as far as the passwords are good; waits only for the first round of fetching."""
        if not self._leases:
            return ()
        self._wanted.set()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._round.wait()
        except TimeoutError:
            logger.info("No relay password yet; connecting without.")
        now = self._clock()
        return tuple((provider.name, lease.servers) for provider, lease in self._leases.items() if lease.good(now))

    def distrust(self, name: str) -> None:
        """A TURN server refused what ``name`` gave: fetch again."""
        for provider, lease in self._leases.items():
            if provider.name == name:
                lease.distrust(self._clock())
                self._news.set()

    def expires_in(self, name: str) -> float | None:
        """Seconds until the passwords of ``name`` age; None when it gave none."""
        for provider, lease in self._leases.items():
            if provider.name == name and lease.servers:
                return lease.expires - self._clock()
        return None

    async def _renew(self, provider: Provider) -> None:
        lease, asked = self._leases[provider], self._clock()
        try:
            servers = await fetch(provider, self._settings.timeout_s)
        except ScopeError as error:
            lease.failed(self._clock(), refused=isinstance(error, ScopeRefused))
            self._board.pin(PART, f"turn-{provider.name}", error.message, error.hint)
        else:
            lease.took(servers, asked, self._settings.ttl_s)
            self._board.clear(PART, f"turn-{provider.name}")
