"""Sessions: offer, candidates, parameters, metrics, the last frame (scope-protocol sections 2, 4 and 5)."""

from __future__ import annotations

__all__ = ["routes"]

import asyncio

from aiohttp import web
from aiortc.sdp import candidate_from_sdp

from bridge.rehearsal.api.base import HALL, Refusal, query_number, read_body
from bridge.rehearsal.hall import NotLoaded
from bridge.rehearsal.jpeg import jpeg_of
from bridge.rehearsal.requests import IceBody, OfferBody, Parameters


def routes(*, is_old: bool) -> list[web.RouteDef]:
    """The December 2025 API can only offer and trickle."""
    found = [
        web.get("/api/v1/webrtc/ice-servers", ice_servers),
        web.post("/api/v1/webrtc/offer", offer),
        web.patch("/api/v1/webrtc/offer/{sid}", candidates),
    ]
    if not is_old:
        found += [
            web.delete("/api/v1/webrtc/offer/{sid}", end_session),
            web.get("/api/v1/session/metrics", metrics),
            web.get("/api/v1/session/parameters", read_parameters),
            web.post("/api/v1/session/parameters", write_parameters),
            web.get("/api/v1/session/frame", last_frame),
        ]
    return found


async def ice_servers(_: web.Request) -> web.StreamResponse:
    return web.json_response({"iceServers": []})


async def offer(request: web.Request) -> web.StreamResponse:
    hall = request.app[HALL]
    wanted = await read_body(request, OfferBody)
    if (rejection := hall.faults.rejection("offer")) is not None:
        raise Refusal(rejection, "Refused on purpose (rehearsal fault)")
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
    wanted = await read_body(request, IceBody)
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
    parameters = (await read_body(request, Parameters)).model_dump(exclude_none=True)
    request.app[HALL].give_all(parameters)
    return web.json_response({"status": "ok", "applied": parameters})


async def last_frame(request: web.Request) -> web.StreamResponse:
    quality = query_number(request, "quality", 85, 1, 100)
    session = next(iter(request.app[HALL].sessions.values()), None)
    if session is None or session.track.last is None:
        raise Refusal(404, "No frame available")
    picture = await asyncio.to_thread(jpeg_of, session.track.last, quality)
    return web.Response(body=picture, content_type="image/jpeg")
