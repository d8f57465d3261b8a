"""Our own routes: faults, and the journal of what was applied when."""

from __future__ import annotations

__all__ = ["routes"]

import json

from aiohttp import web

from bridge.rehearsal.api.base import HALL, Refusal
from bridge.rehearsal.faults import KINDS, FaultError


def routes() -> list[web.RouteDef]:
    """Under ``/rehearsal``, where Scope has nothing."""
    return [
        web.post("/rehearsal/fault", fault),
        web.post("/rehearsal/heal", heal),
        web.get("/rehearsal/faults", faults),
        web.get("/rehearsal/journal", journal),
    ]


async def faults(request: web.Request) -> web.StreamResponse:
    return web.json_response({"now": request.app[HALL].faults.document, "known": KINDS})


async def fault(request: web.Request) -> web.StreamResponse:
    hall = request.app[HALL]
    try:
        options = await request.json()
    except json.JSONDecodeError as error:
        raise Refusal(422, f'not JSON ({error.msg}); send {{"kind": ...}} with one of {", ".join(KINDS)}') from error
    if not isinstance(options, dict):
        raise Refusal(422, 'send an object such as {"kind": "stall"}')
    kind = options.pop("kind", "")
    try:
        await hall.fault(str(kind), options)
    except FaultError as error:
        raise Refusal(422, str(error)) from error
    return web.json_response(hall.faults.document)


async def heal(request: web.Request) -> web.StreamResponse:
    hall = request.app[HALL]
    hall.faults.heal()
    return web.json_response(hall.faults.document)


async def journal(request: web.Request) -> web.StreamResponse:
    since = request.query.get("since")
    try:
        document = request.app[HALL].journal.document(float(since) if since else float("-inf"))
    except ValueError as error:
        raise Refusal(422, f"since is {since!r}; it must be a monotonic time in seconds.") from error
    return web.json_response(document | {"sessions": list(request.app[HALL].sessions)})
