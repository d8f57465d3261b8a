"""Every fault, seen from a client."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from bridge.rehearsal.faults import KINDS, FaultError, Faults
from tests.rehearsal.client import load, rehearsal, session, until


async def fault(http: httpx.AsyncClient, kind: str, **options: Any) -> None:
    (await http.post("/rehearsal/fault", json={"kind": kind, **options})).raise_for_status()


def test_sessions_drop_with_or_without_a_word() -> None:
    async def main() -> None:
        async with rehearsal() as (server, http):
            await load(http)
            async with session(http) as client:
                await client.wait_frames(2)
                await fault(http, "drop_session")
                await until(lambda: {"type": "stream_stopped"} in client.notes)
                await until(lambda: client.peer.connectionState == "closed")
            async with session(http) as client:
                await client.wait_frames(2)
                await fault(http, "drop_session", how="vanish")
                assert not server.hall.sessions
                count = len(client.frames)
                await asyncio.sleep(0.3)
                assert len(client.frames) <= count + 3
                assert client.notes == [] and client.peer.connectionState == "connected"

    asyncio.run(main())


def test_a_stall_stops_frames_until_healed_or_over() -> None:
    async def main() -> None:
        async with rehearsal() as (server, http):
            await load(http)
            async with session(http) as client:
                await client.wait_frames(2)
                await fault(http, "stall")
                stage = next(iter(server.hall.sessions.values()))
                await until(lambda: not len(stage.queue))
                await asyncio.sleep(0.2)
                count = len(client.frames)
                await asyncio.sleep(0.3)
                assert len(client.frames) == count
                assert client.peer.connectionState == "connected"
                await http.post("/rehearsal/heal")
                await client.wait_frames(2)
                await fault(http, "stall", seconds=0.2)
                await client.wait_frames(20)

    asyncio.run(main())


def test_an_oom_kills_the_worker_and_only_a_reload_helps() -> None:
    async def main() -> None:
        async with rehearsal() as (server, http):
            await load(http)
            async with session(http) as client:
                await client.wait_frames(2)
                await fault(http, "oom")
                held = next(iter(server.hall.sessions.values())).worker
                assert held is not None
                await until(lambda: not held.is_alive())
                assert client.notes == []
                log = "\n".join((await http.get("/api/v1/logs/tail")).json()["lines"])
                assert "Non-recoverable error" in log
            async with session(http) as client:
                await asyncio.sleep(0.4)
                assert not client.frames
            await load(http)
            async with session(http) as client:
                await asyncio.sleep(0.2)
                assert not client.frames, "a load of what is loaded does nothing"
            await load(http, "passthrough")
            await until(lambda: "passthrough" in server.hall.loader.pipelines)
            await load(http)
            await until(lambda: (p := server.hall.loader.pipelines.get("longlive")) and not p.out_of_memory)
            async with session(http) as client:
                await client.wait_frames(2)

    asyncio.run(main())


def test_a_restart_forgets_everything() -> None:
    async def main() -> None:
        async with rehearsal() as (server, http):
            await load(http)
            async with session(http) as client:
                await client.wait_frames(2)
                before = (await http.get("/health")).json()["server_start_time"]
                await fault(http, "restart", down_seconds=0.3)
                with pytest.raises(httpx.TransportError):
                    await http.get("/health")
                await until(lambda: not server.hall.faults.is_down)
                assert (await http.get("/health")).json()["server_start_time"] > before
                assert (await http.get("/api/v1/pipeline/status")).json()["status"] == "not_loaded"
                assert not server.hall.sessions

    asyncio.run(main())


def test_packets_are_lost_and_repaired() -> None:
    async def main() -> None:
        async with rehearsal() as (server, http):
            await load(http)
            async with session(http) as client:
                await client.wait_frames(3)
                await fault(http, "lose_packets", fraction=0.2)
                wire = next(iter(server.hall.sessions.values())).wire
                await until(lambda: wire.lost > 3)
                await client.wait_frames(3)
                await fault(http, "lose_packets", fraction=1.0)
                await asyncio.sleep(0.2)
                count = len(client.frames)
                await asyncio.sleep(0.3)
                assert len(client.frames) == count

    asyncio.run(main())


def test_requests_are_rejected_and_loads_slow_or_failing() -> None:
    async def main() -> None:
        async with rehearsal() as (_, http):
            await fault(http, "reject", what="load", status=500, count=1)
            body = {"pipeline_ids": ["longlive"]}
            assert (await http.post("/api/v1/pipeline/load", json=body)).status_code == 500
            await fault(http, "fail_load")
            assert (await load(http))["status"] == "error"
            await fault(http, "slow_load", seconds=0.3)
            began = time.monotonic()
            assert (await load(http))["status"] == "loaded"
            assert time.monotonic() - began >= 0.3
            await fault(http, "reject", what="offer")
            reply = await http.post("/api/v1/webrtc/offer", json={"sdp": "v=0", "type": "offer"})
            assert reply.status_code == 503
            wrong = await http.post("/rehearsal/fault", json={"kind": "gremlins"})
            assert wrong.status_code == 422 and all(kind in wrong.json()["detail"] for kind in KINDS)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("lose_packets", {"fraction": 2}),
        ("reject", {"what": "lunch"}),
        ("reject", {"status": "x"}),
        ("slow_load", {"seconds": -1}),
    ],
)
def test_options_out_of_range_are_refused(kind: str, options: dict[str, Any]) -> None:
    faults = Faults(1)
    with pytest.raises(FaultError):
        faults.set(kind, options)


def test_losses_are_the_same_for_the_same_seed() -> None:
    first, second = Faults(3), Faults(3)
    assert [first.random.random() for _ in range(9)] == [second.random.random() for _ in range(9)]
