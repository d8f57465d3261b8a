"""Scope's HTTP facts (scope-protocol sections 2, 3 and 10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from bridge.rehearsal import Rehearsal
from bridge.rehearsal.catalogue import PIPELINES
from tests.rehearsal.client import Client, load, rehearsal, until


def serve(main: Callable[[Rehearsal, httpx.AsyncClient], Awaitable[None]], **settings: Any) -> None:
    async def run() -> None:
        async with rehearsal(**settings) as (server, http):
            await main(server, http)

    asyncio.run(run())


def test_health_in_both_versions() -> None:
    async def new(server: Rehearsal, http: httpx.AsyncClient) -> None:
        document = (await http.get("/health")).json()
        assert set(document) == {"status", "timestamp", "server_start_time", "version", "git_commit"}
        assert document["version"] == "0.2.4"
        assert (await http.get("/api/v1/health")).json() == {"detail": "Not Found"}

    async def old(server: Rehearsal, http: httpx.AsyncClient) -> None:
        assert set((await http.get("/health")).json()) == {"status", "timestamp"}
        for path in ("session/metrics", "logs/tail", "loras", "osc/paths"):
            assert (await http.get(f"/api/v1/{path}")).status_code == 404
        assert (await http.get("/api/v1/lora/list")).json() == {"lora_files": []}
        assert (await http.delete("/api/v1/webrtc/offer/x")).status_code == 405
        status = await load(http, "krea-realtime-video")
        assert status["pipeline_id"] == "krea-realtime-video" and "loading_stage" not in status

    serve(new)
    serve(old, version="dec2025")


def test_load_and_its_traps() -> None:
    async def main(server: Rehearsal, http: httpx.AsyncClient) -> None:
        async def status() -> dict[str, Any]:
            return dict((await http.get("/api/v1/pipeline/status")).json())

        async def post(body: Any) -> int:
            return (await http.post("/api/v1/pipeline/load", json=body)).status_code

        assert (await status())["status"] == "not_loaded"
        assert await post({"pipeline_id": "longlive"}) == 400
        assert await post({"pipeline_ids": ["no-such"]}) == 200
        first = await load(http, "no-such")
        assert first["status"] == "error" and first["error"] is None
        assert (await status())["status"] == "not_loaded"

        loaded = await load(http, height=96, width=128)
        assert loaded["pipeline_id"] == "longlive" and loaded["load_params"] == {"height": 96, "width": 128}
        instance = server.hall.loader.pipelines["longlive"]
        await load(http, width=128, height=96)
        assert server.hall.loader.pipelines["longlive"] is instance

        nodes = [{"node_id": "eyes", "pipeline_id": "memflow", "load_params": {"height": 64}}]
        assert await post({"pipelines": nodes}) == 200
        assert (await status())["pipeline_id"] == "longlive"
        await until(lambda: "eyes" in server.hall.loader.pipelines)
        assert (await status())["pipeline_id"] == "eyes"
        assert set(server.hall.loader.pipelines) == {"eyes"}
        await load(http, height="tall")
        await until(lambda: server.hall.loader.state == "error")

    serve(main)


def test_offers_are_refused_as_scope_does() -> None:
    async def main(server: Rehearsal, http: httpx.AsyncClient) -> None:
        client = Client(http)
        reply = await client.connect(pipeline_ids=["longlive"])
        assert reply.status_code == 400
        assert reply.json() == {"detail": "Pipeline not loaded. Please load pipeline first."}
        await client.close()
        await load(http)
        for wrong in ({"noise_scale": 3}, {"prompts": "text"}, {"transition": {"num_steps": -1}}):
            client = Client(http)
            reply = await client.connect(**wrong)
            assert reply.status_code == 422
            assert reply.json()["detail"][0]["loc"][:2] == ["body", "initialParameters"]
            await client.close()
        broken = await http.post("/api/v1/webrtc/offer", content=b"{", headers={"content-type": "application/json"})
        assert broken.status_code == 422 and broken.json()["detail"][0]["type"] == "json_invalid"
        assert (await http.post("/api/v1/webrtc/offer", json={"sdp": "nonsense", "type": "offer"})).status_code == 500
        assert not server.hall.sessions

    serve(main)


def test_candidates_trickle() -> None:
    async def main(server: Rehearsal, http: httpx.AsyncClient) -> None:
        await load(http)
        client = Client(http)
        await client.connect(pipeline_ids=["longlive"])
        line = "1 1 udp 2130706431 127.0.0.1 40000 typ host"
        for text in (line, f"candidate:{line}"):
            body = {"candidates": [{"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0}]}
            assert (await http.patch(f"/api/v1/webrtc/offer/{client.session}", json=body)).status_code == 204
            assert (await http.patch("/api/v1/webrtc/offer/none", json=body)).status_code == 404
        bad = {"candidates": [{"candidate": "rubbish"}]}
        assert (await http.patch(f"/api/v1/webrtc/offer/{client.session}", json=bad)).status_code == 404
        assert (await http.delete("/api/v1/webrtc/offer/none")).status_code == 204
        await client.close()

    serve(main)


def test_schemas_have_the_form_clients_read() -> None:
    async def main(server: Rehearsal, http: httpx.AsyncClient) -> None:
        schemas = (await http.get("/api/v1/pipelines/schemas")).json()["pipelines"]
        assert set(schemas) == set(PIPELINES)
        longlive = schemas["longlive"]
        assert longlive["supported_modes"] == ["text", "video"] and longlive["default_mode"] == "text"
        properties = longlive["config_schema"]["properties"]
        assert properties["noise_scale"]["ui"]["modes"] == ["video"]
        assert properties["vace_context_scale"]["maximum"] == 2.0
        assert properties["height"]["ui"]["is_load_param"] is True
        assert "kv_cache_attention_bias" not in properties
        assert "kv_cache_attention_bias" in schemas["krea-realtime-video"]["config_schema"]["properties"]
        assert schemas["streamdiffusionv2"]["default_mode"] == "video"
        assert schemas["passthrough"]["supports_prompts"] is False

    serve(main)


def test_what_surrounds_a_session(tmp_path: Any) -> None:
    async def main(server: Rehearsal, http: httpx.AsyncClient) -> None:
        api = "/api/v1"
        assert (await http.get(f"{api}/models/status", params={"pipeline_id": "longlive"})).json()["downloaded"] is True
        assert (await http.get(f"{api}/models/status")).status_code == 422
        assert (await http.get(f"{api}/webrtc/ice-servers")).json() == {"iceServers": []}
        assert (await http.get(f"{api}/hardware/info")).json()["ndi"]["available"] is False
        assert (await http.post(f"{api}/tempo/enable", json={"source": "link"})).status_code == 400
        assert (await http.get(f"{api}/session/frame")).status_code == 404
        stored = await http.post(f"{api}/assets", params={"filename": "../../face.PNG"}, content=b"not looked at")
        assert stored.json()["path"] == str(tmp_path / "face.PNG") and stored.json()["type"] == "image"
        assert (await http.post(f"{api}/assets", params={"filename": "x.exe"}, content=b"")).status_code == 400
        listed = (await http.get(f"{api}/assets", params={"type": "image"})).json()["assets"]
        assert [asset["name"] for asset in listed] == ["face"]
        assert (await http.get(f"{api}/assets/face.PNG")).content == b"not looked at"
        assert (await http.get(f"{api}/assets/..%2F..%2Fetc%2Fpasswd")).status_code == 404
        tail = (await http.get(f"{api}/logs/tail", params={"lines": 5})).json()
        assert (await http.get(f"{api}/logs/tail", params={"since_offset": tail["offset"]})).json()["lines"] == []
        assert (await http.get(f"{api}/logs/tail", params={"lines": 0})).status_code == 422
        assert (await http.post("/api/v1/session/parameters", json={"noise_scale": 9})).status_code == 422
        assert (await http.get("/health")).headers["access-control-allow-origin"] == "*"

    serve(main, assets=str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"[]", b"nonsense", b'{"kind": 5}'])
def test_a_wrong_fault_body_is_explained(content: bytes) -> None:
    async def main(server: Rehearsal, http: httpx.AsyncClient) -> None:
        reply = await http.post("/rehearsal/fault", content=content)
        assert reply.status_code == 422 and reply.json()["detail"]

    serve(main)
