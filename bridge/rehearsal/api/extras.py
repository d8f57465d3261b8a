"""What surrounds a session: hardware, assets, LoRAs, tempo, OSC paths, logs (scope-protocol section 2)."""

from __future__ import annotations

__all__ = ["routes"]

import asyncio
import time

from aiohttp import web

from bridge.rehearsal.api.base import HALL, LOGBOOK, Refusal, query_number
from bridge.rehearsal.assets import AssetError


def routes(*, is_old: bool) -> list[web.RouteDef]:
    """The December 2025 API has no logs, tempo or OSC, and another name for LoRAs."""
    found = [
        web.get("/api/v1/hardware/info", hardware),
        web.post("/api/v1/assets", upload_asset),
        web.get("/api/v1/assets", list_assets),
        web.get("/api/v1/assets/{path:.+}", read_asset),
    ]
    if is_old:
        return [*found, web.get("/api/v1/lora/list", loras)]
    return [
        *found,
        web.get("/api/v1/loras", loras),
        web.get("/api/v1/logs/tail", logs_tail),
        web.post("/api/v1/restart", restart),
        web.get("/api/v1/tempo/status", tempo_status),
        web.post("/api/v1/tempo/enable", tempo_enable),
        web.get("/api/v1/osc/status", osc_status),
        web.get("/api/v1/osc/paths", osc_paths),
    ]


async def hardware(request: web.Request) -> web.StreamResponse:
    memory = request.app[HALL].settings.vram_gb
    if request.app[HALL].is_old:
        return web.json_response({"vram_gb": memory, "spout_available": False})
    absent = {"available": False, "reason": "the rehearsal server draws on the CPU", "install_hint": None}
    return web.json_response({"vram_gb": memory, "spout": absent, "ndi": absent, "syphon": absent})


async def upload_asset(request: web.Request) -> web.StreamResponse:
    content = await request.read()
    hall, name = request.app[HALL], request.query.get("filename", "")
    if (rejection := hall.faults.rejection("asset")) is not None:
        raise Refusal(rejection, "Refused on purpose (rehearsal fault)")
    hall.journal.uploaded(time.monotonic(), name, len(content))
    try:
        asset = await asyncio.to_thread(hall.assets.store, name, content)
    except AssetError as error:
        raise Refusal(400, str(error)) from error
    return web.json_response(asset)


async def list_assets(request: web.Request) -> web.StreamResponse:
    assets = await asyncio.to_thread(request.app[HALL].assets.all, request.query.get("type"))
    return web.json_response({"assets": assets})


async def read_asset(request: web.Request) -> web.StreamResponse:
    path = await asyncio.to_thread(request.app[HALL].assets.find, request.match_info["path"])
    if path is None:
        raise Refusal(404, "Asset not found")
    return web.FileResponse(path)


async def loras(_: web.Request) -> web.StreamResponse:
    return web.json_response({"lora_files": []})


async def logs_tail(request: web.Request) -> web.StreamResponse:
    lines = query_number(request, "lines", 200, 1, 1000)
    since = query_number(request, "since_offset", -1, -1, 2**63)
    return web.json_response(request.app[LOGBOOK].tail(lines, None if since < 0 else since))


async def restart(request: web.Request) -> web.StreamResponse:
    await request.app[HALL].restart()
    return web.json_response({"message": "Server restarting..."})


async def tempo_status(_: web.Request) -> web.StreamResponse:
    return web.json_response({"enabled": False, "source": None, "beats_per_bar": 4, "beat_state": None})


async def tempo_enable(_: web.Request) -> web.StreamResponse:
    # As on the stock image, which has neither of the optional packages.
    raise Refusal(400, "Ableton Link is not available: the server was installed without its link extra")


async def osc_status(request: web.Request) -> web.StreamResponse:
    return web.json_response({"enabled": False, "listening": False, "port": None, "host": request.url.host})


async def osc_paths(_: web.Request) -> web.StreamResponse:
    return web.json_response({"active": {}, "available": {}, "active_pipeline_ids": []})
