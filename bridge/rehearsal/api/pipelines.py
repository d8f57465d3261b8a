"""Pipelines: health, load, status, schemas, models (scope-protocol sections 2 and 3)."""

from __future__ import annotations

__all__ = ["routes"]

from datetime import datetime, timezone
from typing import Any

from aiohttp import web

from bridge.rehearsal.api.base import HALL, Refusal, read_body
from bridge.rehearsal.catalogue import PIPELINES, schema_document
from bridge.rehearsal.requests import LoadBody


def routes() -> list[web.RouteDef]:
    """The same in every version."""
    return [
        web.get("/health", health),
        web.post("/api/v1/pipeline/load", load),
        web.get("/api/v1/pipeline/status", status),
        web.get("/api/v1/pipelines/schemas", schemas),
        web.get("/api/v1/models/status", model_status),
    ]


async def health(request: web.Request) -> web.StreamResponse:
    hall = request.app[HALL]
    document: dict[str, Any] = {"status": "healthy", "timestamp": datetime.now(timezone.utc).isoformat()}
    if not hall.is_old:
        document |= {"server_start_time": hall.started_at, "version": hall.settings.version, "git_commit": "rehearsal"}
    return web.json_response(document)


async def load(request: web.Request) -> web.StreamResponse:
    hall = request.app[HALL]
    wanted = await read_body(request, LoadBody)
    if (rejection := hall.faults.rejection("load")) is not None:
        raise Refusal(rejection, "Refused on purpose (rehearsal fault)")
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
