"""Scope's HTTP API on top of the hall (scope-protocol section 2); errors look like FastAPI's."""

from __future__ import annotations

__all__ = ["build_app"]

import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Any, Final, TypeVar

from aiohttp import web
from aiortc.sdp import candidate_from_sdp
from pydantic import BaseModel, ValidationError

from bridge.rehearsal.catalogue import PIPELINES, schema_document
from bridge.rehearsal.faults import KINDS, FaultError
from bridge.rehearsal.hall import Hall, NotLoaded
from bridge.rehearsal.logbook import Logbook
from bridge.rehearsal.requests import IceBody, LoadBody, OfferBody, Parameters

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
M = TypeVar("M", bound=BaseModel)

MAX_BODY: Final = 64 * 2**20
HALL: Final = web.AppKey("hall", Hall)
LOGBOOK: Final = web.AppKey("logbook", Logbook)


class Refusal(Exception):
    """Raised to answer with an error status and FastAPI's ``detail``."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


def build_app(hall: Hall, logbook: Logbook) -> web.Application:
    """The application with every route of the version that is spoken."""
    app = web.Application(middlewares=[_like_fastapi], client_max_size=MAX_BODY)
    app[HALL] = hall
    app[LOGBOOK] = logbook
    api = "/api/v1"
    routes = [
        web.get("/health", health),
        web.post(f"{api}/pipeline/load", load),
        web.get(f"{api}/pipeline/status", status),
        web.get(f"{api}/pipelines/schemas", schemas),
        web.get(f"{api}/models/status", model_status),
        web.get(f"{api}/webrtc/ice-servers", ice_servers),
        web.post(f"{api}/webrtc/offer", offer),
        web.patch(f"{api}/webrtc/offer/{{sid}}", candidates),
        web.get(f"{api}/hardware/info", hardware),
        web.post("/rehearsal/fault", fault),
        web.post("/rehearsal/heal", heal),
        web.get("/rehearsal/journal", journal),
    ]
    if not hall.is_old:
        routes += [
            web.delete(f"{api}/webrtc/offer/{{sid}}", end_session),
            web.get(f"{api}/session/metrics", metrics),
            web.get(f"{api}/session/parameters", read_parameters),
            web.post(f"{api}/session/parameters", write_parameters),
            web.get(f"{api}/logs/tail", logs_tail),
        ]
    app.add_routes(routes)
    return app


@web.middleware
async def _like_fastapi(request: web.Request, handler: Handler) -> web.StreamResponse:
    hall = request.app[HALL]
    if hall.faults.down_until > time.monotonic() and not request.path.startswith("/rehearsal/"):
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)
    try:
        response = await handler(request)
    except Refusal as refusal:
        response = web.json_response({"detail": refusal.detail}, status=refusal.status)
    except web.HTTPException as error:
        response = web.json_response({"detail": error.reason}, status=error.status)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


async def body(request: web.Request, model: type[M]) -> M:
    """The JSON body as a model; 422 with FastAPI's list of what is wrong."""
    try:
        document = await request.json()
    except json.JSONDecodeError as error:
        entry = {"type": "json_invalid", "loc": ["body", error.pos], "msg": "JSON decode error", "input": {}}
        raise Refusal(422, [entry | {"ctx": {"error": error.msg}}]) from error
    except UnicodeDecodeError as error:
        raise Refusal(400, "There was an error parsing the body") from error
    try:
        return model.model_validate(document)
    except ValidationError as error:
        wrong = json.loads(error.json(include_url=False))
        raise Refusal(422, [item | {"loc": ["body", *item["loc"]]} for item in wrong]) from error


async def health(request: web.Request) -> web.StreamResponse:
    hall = request.app[HALL]
    document: dict[str, Any] = {"status": "healthy", "timestamp": datetime.now(timezone.utc).isoformat()}
    if not hall.is_old:
        document |= {"server_start_time": hall.started_at, "version": hall.settings.version, "git_commit": "rehearsal"}
    return web.json_response(document)


async def load(request: web.Request) -> web.StreamResponse:
    hall = request.app[HALL]
    wanted = await body(request, LoadBody)
    _reject(hall, "load")
    params = wanted.load_params or {}
    if hall.is_old:
        name = wanted.pipeline_id or "streamdiffusionv2"
        hall.loader.request(((name, name, params),))
    elif wanted.pipelines:
        hall.loader.request(
            tuple((item.node_id, item.pipeline_id, item.load_params or {}) for item in wanted.pipelines)
        )
    elif wanted.pipeline_ids:
        hall.loader.request(tuple((name, name, params) for name in wanted.pipeline_ids))
    else:
        raise Refusal(400, "Either 'pipelines' or 'pipeline_ids' must be provided")
    return web.json_response({"message": "Pipeline loading initiated successfully"})


async def status(request: web.Request) -> web.StreamResponse:
    document = request.app[HALL].loader.status()
    if request.app[HALL].is_old:
        for name in ("loading_stage", "produces_video", "produces_audio"):
            del document[name]
    return web.json_response(document)


async def schemas(request: web.Request) -> web.StreamResponse:
    version = request.app[HALL].settings.version
    return web.json_response(
        {"pipelines": {name: schema_document(k, version=version) for name, k in PIPELINES.items()}}
    )


async def model_status(request: web.Request) -> web.StreamResponse:
    if not request.query.get("pipeline_id"):
        missing = {"type": "missing", "loc": ["query", "pipeline_id"], "msg": "Field required", "input": None}
        raise Refusal(422, [missing])
    return web.json_response({"downloaded": True, "progress": None})


async def ice_servers(_: web.Request) -> web.StreamResponse:
    return web.json_response({"iceServers": []})


async def hardware(request: web.Request) -> web.StreamResponse:
    if request.app[HALL].is_old:
        return web.json_response({"vram_gb": None, "spout_available": False})
    absent = {"available": False, "reason": "the rehearsal server draws on the CPU", "install_hint": None}
    return web.json_response({"vram_gb": None, "spout": absent, "ndi": absent, "syphon": absent})


async def offer(request: web.Request) -> web.StreamResponse:
    hall = request.app[HALL]
    wanted = await body(request, OfferBody)
    _reject(hall, "offer")
    initial = wanted.initialParameters.model_dump(exclude_none=True) if wanted.initialParameters else {}
    if hall.is_old:
        known = set(Parameters.model_fields) - {"pipeline_ids", "paused", "recording", "graph"}
        initial = {name: value for name, value in initial.items() if name in known}
    try:
        return web.json_response(await hall.offer(wanted.sdp, wanted.type, initial))
    except NotLoaded as error:
        raise Refusal(400, "Pipeline not loaded. Please load pipeline first.") from error
    except ValueError as error:
        raise Refusal(500, str(error)) from error


async def candidates(request: web.Request) -> web.StreamResponse:
    session = request.app[HALL].sessions.get(request.match_info["sid"])
    wanted = await body(request, IceBody)
    if session is None:
        raise Refusal(404, f"Session {request.match_info['sid']} not found or closed")
    for item in wanted.candidates:
        try:
            candidate = candidate_from_sdp(item.candidate.removeprefix("candidate:"))
        except (ValueError, IndexError, AssertionError) as error:
            raise Refusal(404, f"Invalid candidate: {item.candidate}") from error
        candidate.sdpMid, candidate.sdpMLineIndex = item.sdpMid, item.sdpMLineIndex
        await session.peer.addIceCandidate(candidate)
    return web.Response(status=204)


async def end_session(request: web.Request) -> web.StreamResponse:
    await request.app[HALL].end(request.match_info["sid"])
    return web.Response(status=204)


async def metrics(request: web.Request) -> web.StreamResponse:
    # Only the first session is listed, as on the real server.
    first = next(iter(request.app[HALL].sessions.items()), None)
    return web.json_response({"sessions": {first[0]: first[1].metrics()} if first else {}, "gpu": {}})


async def read_parameters(request: web.Request) -> web.StreamResponse:
    return web.json_response({"parameters": request.app[HALL].state()})


async def write_parameters(request: web.Request) -> web.StreamResponse:
    # The defaults of the model go along (linear, VACE scale 1.0), which overwrites what a client had set.
    parameters = (await body(request, Parameters)).model_dump(exclude_none=True)
    request.app[HALL].give_all(parameters)
    return web.json_response({"status": "ok", "applied": parameters})


async def logs_tail(request: web.Request) -> web.StreamResponse:
    lines = _query_number(request, "lines", 200, 1, 1000)
    since = _query_number(request, "since_offset", -1, -1, 2**63)
    return web.json_response(request.app[LOGBOOK].tail(lines, None if since < 0 else since))


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
        return web.json_response(request.app[HALL].journal.document(float(since) if since else float("-inf")))
    except ValueError as error:
        raise Refusal(422, f"since is {since!r}; it must be a monotonic time in seconds.") from error


def _reject(hall: Hall, what: str) -> None:
    rejection = hall.faults.rejection(what)
    if rejection is not None:
        raise Refusal(rejection, "Refused on purpose (rehearsal fault)")


def _query_number(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        entry = {"type": "int_parsing", "loc": ["query", name], "msg": "Input should be a valid integer", "input": text}
        raise Refusal(422, [entry]) from None
    if not low <= value <= high:
        entry = {
            "type": "out_of_range",
            "loc": ["query", name],
            "msg": f"Input should be {low} to {high}",
            "input": text,
        }
        raise Refusal(422, [entry])
    return value
