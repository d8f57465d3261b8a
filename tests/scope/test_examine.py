"""The doctor's walk to a server: every step has a verdict, and nothing is changed unless asked for."""

import asyncio

import pytest

from bridge.scope import Finding, ScopeSettings, examine
from bridge.scope.replies import parse_load_fields
from tests.scope.front import front
from tests.scope.stage import Server, playing


def walked(url: str, *, load: bool = False, connect: bool = False, **settings: object) -> list[Finding]:
    size = {"load_params": {"width": 64, "height": 48}, "http_timeout_s": 2.0, **settings}

    async def main() -> list[Finding]:
        wanted = ScopeSettings.model_validate(size)
        return [found async for found in examine(url, wanted, load=load, connect=connect)]

    return asyncio.run(main())


def failures(found: list[Finding]) -> list[str]:
    assert all(one.hint for one in found if one.level == "fail")
    return [one.code for one in found if one.level == "fail"]


def test_a_healthy_server_is_left_as_it_was(server: Server) -> None:
    before = server.call("/api/v1/pipeline/status")
    found = walked(server.url)
    assert not failures(found) and len(found) >= 10
    told = "\n".join(one.message for one in found)
    for fact in (
        "this machine",
        "takes connections",
        "version 0.2.4",
        "clock",
        "longlive",
        "GPU",
        "nobody plays",
    ):
        assert fact in told
    assert server.call("/api/v1/pipeline/status") == before and server.sessions() == 0


def test_it_loads_and_connects_when_told_to(server: Server) -> None:
    assert failures(walked(server.url, connect=True)) == [""]
    found = walked(server.url, load=True, connect=True)
    assert not failures(found) and "first frame, 64x48" in found[-1].message
    assert server.sessions() == 0
    server.fault("stall")
    found = walked(server.url, connect=True, first_frame_timeout_s=0.2)
    server.heal()
    assert failures(found) == ["no-frames"] and server.sessions() == 0


@pytest.mark.provokes("unreachable")
def test_what_is_wrong_has_its_code(server: Server) -> None:
    assert failures(walked("http://127.0.0.1:9")) == ["unreachable"]
    assert failures(walked(server.url, pipeline="longlief")) == ["unknown-pipeline"]
    with front(server.url) as door:
        door.mood(404)
        assert failures(walked(door.url)) == ["not-scope"]
        door.mood("hold")
        assert failures(walked(door.url, http_timeout_s=0.1)) == ["no-answer"]


def test_a_server_in_use_and_another_pipeline_are_warnings(server: Server) -> None:
    with playing(server.url) as player:
        player.wait("live")
        assert "a session plays" in str(walked(server.url))
    found = walked(server.url, load_params={"width": 128, "height": 48})
    assert not failures(found) and "foreign-pipeline" in [one.code for one in found]


@pytest.mark.parametrize("found", [None, [], {}, {"paths": 3}, {"paths": {"/api/v1/pipeline/load": {"post": []}}}])
def test_a_description_of_another_shape_tells_nothing(found: object) -> None:
    assert parse_load_fields(found) is None


def test_the_fields_of_a_load_are_read_from_the_description() -> None:
    schema = {"$ref": "#/components/schemas/Load"}
    body = {"content": {"application/json": {"schema": schema}}}
    document = {
        "paths": {"/api/v1/pipeline/load": {"post": {"requestBody": body}}},
        "components": {"schemas": {"Load": {"properties": {"pipeline_ids": {}, "load_params": {}}}}},
    }
    assert parse_load_fields(document) == {"pipeline_ids", "load_params"}
