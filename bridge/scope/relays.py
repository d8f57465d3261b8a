"""The relays looked at from the outside, for ``scope-bridge doctor``."""

from __future__ import annotations

__all__ = ["check_relays"]

import asyncio
from collections.abc import Mapping
from typing import Final

from bridge.model.errors import ScopeError
from bridge.scope.examine import Finding
from bridge.scope.ice import own_servers
from bridge.scope.ladder import STATIC, Relay, arrange
from bridge.scope.probe import why_no_relay
from bridge.scope.replies import IceServer
from bridge.scope.settings import ScopeSettings
from bridge.scope.turn import Provider, fetch, providers

_PROBE_S: Final = 3.0
_MOST: Final = 8


async def check_relays(settings: ScopeSettings, environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """Fetch every provider's passwords, and ask each TURN server (the first eight) for a relay address."""
    findings: list[Finding] = []
    named = [(STATIC, own_servers(settings))]
    for provider in providers(settings.turn, environ):
        finding, servers = await _fetched(provider, settings.turn.timeout_s, settings.turn.ttl_s)
        findings.append(finding)
        named.append((provider.name, servers))
    relays, _, _ = arrange(named, "auto")
    findings += await asyncio.gather(*(_asked(relay) for relay in relays[:_MOST]))
    if not findings:
        findings.append(_none(settings))
    return tuple(findings)


def _none(settings: ScopeSettings) -> Finding:
    hint = "Set a TURN server in scope.ice_servers, or a token in [scope.turn]."
    if settings.relay_only:
        return Finding("fail", "scope.relay_only is on, but there is no TURN server of your own.", hint)
    return Finding("warn", "no TURN server of your own; needed where UDP is blocked (RunPod, guest networks).", hint)


async def _fetched(provider: Provider, within: float, ttl: int) -> tuple[Finding, tuple[IceServer, ...]]:
    try:
        servers = await fetch(provider, within)
    except ScopeError as error:
        return Finding("fail", error.message, error.hint), ()
    return Finding("ok", f"{provider.title} gives relay passwords for {ttl / 3600:g} h."), servers


async def _asked(relay: Relay) -> Finding:
    problem = await why_no_relay(relay.at, relay.server, _PROBE_S)
    if problem is None:
        return Finding("ok", f"{relay.at.uri} ({relay.source}) gives a relay address.")
    return Finding(
        "warn",
        f"{relay.at.uri} ({relay.source}) gives no relay address: {problem.text}.",
        "The others are tried instead.",
    )
