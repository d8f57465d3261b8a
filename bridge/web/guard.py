"""Who may talk to the API: Host and Origin on every request, a token beyond loopback.

The Host check stops DNS rebinding (a web site that points its own name at 127.0.0.1), the Origin check stops other
sites' scripts from posting; programs without a browser send no Origin and pass.
"""

from __future__ import annotations

__all__ = ["COOKIE", "guard"]

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

COOKIE: Final = "scope_bridge_token"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def guard(hosts: Iterable[str], token: str | None, refuse: Callable[[str, str], None]) -> Middleware:
    """A middleware that lets only known hosts and origins in, and only with ``token`` when there is one.

    ``refuse(reason, example)`` is called for every request turned away.
    """
    known = frozenset(host.lower().strip("[]") for host in hosts)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = _host_of(f"//{request.headers.get(hdrs.HOST, '')}")
        if host not in known:
            refuse("unknown Host header", host)
            return _refusal(403, f"This is not {host or 'a host'!r}.", "Add the name to web.allowed_hosts.")
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and _host_of(origin) not in known:
            refuse("foreign Origin", origin)
            return _refusal(403, "Requests from other sites are refused.", "Open the page itself.")
        if token is None or _has_token(request, token):
            return await handler(request)
        if hmac.compare_digest(request.query.get("token", "").encode(), token.encode()):
            return _with_cookie(request, token)
        refuse("no token", request.remote or "")
        return _refusal(401, "A token is needed here.", "Open the page with ?token=... or send it as a bearer token.")

    return check


def _host_of(url: str) -> str:
    try:
        name = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _has_token(request: web.Request, token: str) -> bool:
    bearer = request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ")
    given = (bearer, request.cookies.get(COOKIE, ""))
    return any(hmac.compare_digest(one.encode(), token.encode()) for one in given)


def _with_cookie(request: web.Request, token: str) -> web.Response:
    """Keep the token in a cookie and reload without it, so that it stays out of the history and the Referer."""
    response = web.Response(status=303, headers={hdrs.LOCATION: request.path, "Referrer-Policy": "no-referrer"})
    response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", path="/")
    return response


def _refusal(status: int, message: str, hint: str) -> web.Response:
    return web.json_response({"error": message, "hint": hint}, status=status)
