"""Sessions over loopback with a plain aiortc client: what arrives, what is silent, what is shared."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction
from typing import Any

import aioice.ice
import aioice.stun
import av
import httpx
import numpy as np
import pytest
from aiortc import MediaStreamTrack

from tests.rehearsal.client import PROMPT, Client, load, rehearsal, session, until

FIRE = [{"text": "molten lava, red fire, blazing", "weight": 1.0}]
SILENCE = 0.5


def chroma(client: Client) -> np.ndarray:
    frame = client.frames[-1]
    return frame.to_ndarray(format="yuv420p")[frame.height :].reshape(2, -1).mean(axis=1)


def test_frames_follow_the_load_the_prompt_and_the_pause() -> None:
    async def main() -> None:
        async with rehearsal() as (server, http):
            assert (await load(http, width=160, height=96))["status"] == "loaded"
            async with session(http) as client:
                await client.wait_frames(6)
                assert (client.frames[-1].width, client.frames[-1].height) == (160, 96)
                blue = chroma(client)
                client.send({"prompts": FIRE})
                await until(lambda: np.all((chroma(client) - blue) * (-1, 1) > 5))

                client.send({"paused": True})
                await until(lambda: len(client.frames) > 4 and np.abs(client.luma(-1) - client.luma(-4)).mean() < 1.5)
                frozen = [client.luma(-n) for n in (1, 4)]
                calls = server.hall.journal.document()["counts"]["chunks"]
                await client.wait_frames(4)
                assert np.abs(frozen[0] - frozen[1]).mean() < 1.5
                assert server.hall.journal.document()["counts"]["chunks"] == calls
                client.send({"paused": False})
                await until(lambda: server.hall.journal.document()["counts"]["chunks"] > calls)

    asyncio.run(main())


@pytest.mark.parametrize("version", ["0.2.4", "dec2025"])
def test_what_a_session_needs_to_be_heard(version: str) -> None:
    async def main() -> None:
        async with rehearsal(version=version) as (_, http):
            await load(http)
            graph = {
                "nodes": [
                    {"id": "longlive", "type": "pipeline", "pipeline_id": "longlive"},
                    {"id": "o", "type": "sink"},
                ],
                "edges": [],
            }
            cases = {
                "no pipeline_ids": (Client(http), {"prompts": PROMPT}),
                "recvonly": (Client(http, direction="recvonly"), {"pipeline_ids": ["longlive"]}),
                "another pipeline": (Client(http), {"pipeline_ids": ["memflow"]}),
                "video mode without video": (Client(http), {"pipeline_ids": ["longlive"], "input_mode": "video"}),
                "recvonly with a sink": (Client(http, direction="recvonly"), {"graph": graph}),
            }
            for client, initial in cases.values():
                assert (await client.connect(**initial)).status_code == 200
            await asyncio.sleep(SILENCE)
            heard = {name for name, (client, _) in cases.items() if client.frames}
            expected = {"recvonly with a sink"} if version == "0.2.4" else {"no pipeline_ids", "another pipeline"}
            assert heard == expected
            if version == "0.2.4":
                log = "\n".join((await http.get("/api/v1/logs/tail", params={"lines": 100})).json()["lines"])
                assert "No pipeline IDs" in log and "Pipeline setup failed" in log
            for client, _ in cases.values():
                await client.close()

    asyncio.run(main())


def test_a_flood_is_mostly_lost_and_its_last_value_never_applied() -> None:
    """Chunks of 60 ms, sixty messages at once (scope-protocol 0.1 and 6.9)."""

    async def main() -> None:
        async with rehearsal() as (server, http):
            await load(http)
            async with session(http) as client:
                await client.wait_frames(3)
                for value in range(60):
                    client.send({"vace_context_scale": value / 60})
                journal = server.hall.journal
                await until(lambda: journal.document()["counts"]["received"] == 60)
                await until(lambda: sum(journal.document()["counts"][name] for name in ("applied", "dropped")) == 60)
                document = (await http.get("/rehearsal/journal")).json()
                assert document["dropped"] > 20
                applied = [entry["message"]["vace_context_scale"] for entry in document["applied"]]
                assert applied == sorted(applied) and len(applied) == 60 - document["dropped"]
                assert document["state"]["vace_context_scale"] < 59 / 60
                shown = {entry["chunk"]: entry["t"] for entry in document["shown"]}
                assert any(entry["t"] < shown.get(entry["chunk"], 0.0) for entry in document["applied"])
                arrival = {entry["message"]["vace_context_scale"]: entry["t"] for entry in document["received"]}
                ages = [entry["t"] - arrival[entry["message"]["vace_context_scale"]] for entry in document["applied"]]
                # Eight are waiting, one is taken per chunk: the last one is some eight chunks old.
                chunk = float(np.median(np.diff([entry["t"] for entry in document["applied"]])))
                assert ages[-1] > 5 * chunk
                log = (await http.get("/api/v1/logs/tail", params={"lines": 1000})).json()["lines"]
                assert any("Parameter queue full" in line for line in log)

    asyncio.run(main())


def test_a_bad_value_stops_the_frames_until_a_good_one_comes() -> None:
    async def main() -> None:
        async with rehearsal() as (server, http):
            await load(http)
            async with session(http) as client:
                await client.wait_frames(3)
                client.send({"vace_context_scale": "loud"})
                await until(lambda: server.hall.journal.document()["counts"]["errors"] >= 2)
                worker = next(iter(server.hall.sessions.values())).queue
                await until(lambda: not len(worker))
                await asyncio.sleep(0.15)
                before = len(client.frames)
                await asyncio.sleep(0.3)
                assert len(client.frames) == before
                client.send("this is not JSON")
                client.send(["nor", "an object"])
                client.send({"vace_context_scale": 1.0})
                await client.wait_frames(3)
                log = "\n".join((await http.get("/api/v1/logs/tail")).json()["lines"])
                assert "Error processing chunk: vace_context_scale is 'loud'" in log

    asyncio.run(main())


def test_sessions_share_one_pipeline_and_hear_of_rest() -> None:
    async def main() -> None:
        async with rehearsal() as (server, http):
            await load(http)
            async with session(http) as first, session(http, prompts=FIRE) as second:
                await asyncio.gather(first.wait_frames(4), second.wait_frames(4))
                assert len((await http.get("/api/v1/session/metrics")).json()["sessions"]) == 1
                first.send({"vace_context_scale": 0.3})
                await until(lambda: server.hall.journal.document()["applied"])
                reply = await http.post("/api/v1/session/parameters", json={"manage_cache": False})
                assert reply.status_code == 200
                injected = {"manage_cache": False, "prompt_interpolation_method": "linear", "vace_context_scale": 1.0}
                for client in (first, second):
                    note = await until(lambda client=client: client.notes)
                    assert note[0] == {"type": "parameters_updated", "parameters": injected}
                state = server.hall.sessions[first.session].stage.params
                await until(lambda: state.get("vace_context_scale") == 1.0)
                picture = await http.get("/api/v1/session/frame", params={"quality": 60})
                assert picture.content.startswith(b"\xff\xd8") and picture.headers["content-type"] == "image/jpeg"

                assert (await http.delete(f"/api/v1/webrtc/offer/{first.session}")).status_code == 204
                await until(lambda: {"type": "stream_stopped"} in first.notes)
                assert list(server.hall.sessions) == [second.session]
                await second.wait_frames(3)

    asyncio.run(main())


def test_a_live_session_keeps_its_instance_after_a_reload() -> None:
    async def main() -> None:
        async with rehearsal() as (_, http):
            await load(http, width=128, height=96)
            async with session(http) as client:
                await client.wait_frames(2)
                await load(http, width=160, height=96)
                status: dict[str, Any] = {}
                deadline = time.monotonic() + 5
                while status.get("status") != "loaded" or status["load_params"].get("width") != 160:
                    status = (await http.get("/api/v1/pipeline/status")).json()
                    assert time.monotonic() < deadline
                await client.wait_frames(8)
                assert client.frames[-1].width == 128

    asyncio.run(main())


def test_a_client_that_vanishes_leaves_its_session_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """31 s with the real consent interval of 5 s; here a hundredth of it."""
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.05)

    async def main() -> None:
        async with rehearsal() as (server, http):
            await load(http)
            async with session(http) as client:
                await client.wait_frames(2)
                for transceiver in client.peer.getTransceivers():
                    await transceiver.sender.transport.transport._connection.close()
                vanished = time.monotonic()
                assert client.session in server.hall.sessions
                await until(lambda: not server.hall.sessions)
                assert time.monotonic() - vanished > 0.1

    asyncio.run(main())


class Stripes(MediaStreamTrack):
    """Video with a left half of one brightness and a right half of another."""

    kind = "video"

    def __init__(self, left: int = 40, right: int = 210) -> None:
        super().__init__()
        picture = np.full((96 * 3 // 2, 128), 128, dtype=np.uint8)
        picture[:96, :64], picture[:96, 64:] = left, right
        self._picture = picture
        self._count = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(1 / 40)
        frame = av.VideoFrame.from_ndarray(self._picture, format="yuv420p")
        frame.pts, frame.time_base = self._count * 2250, Fraction(1, 90_000)
        self._count += 1
        return frame


@pytest.mark.parametrize(("pipeline", "difference"), [("passthrough", 150), ("longlive", 8)])
def test_video_mode_uses_the_clients_track(pipeline: str, difference: int) -> None:
    async def main() -> None:
        async with rehearsal() as (_, http):
            await load(http, pipeline)
            client = Client(http, video=Stripes())
            initial = {"input_mode": "video", "noise_scale": 0.0, "noise_controller": False, "prompts": PROMPT}
            initial["vace_use_input_video"] = False
            await client.connect(pipeline_ids=[pipeline], **initial)
            await client.wait_frames(8)
            luma = client.luma()
            assert luma[:, 70:].mean() - luma[:, :58].mean() > difference
            await client.close()

    asyncio.run(main())


def test_input_through_vace_answers_to_its_scale_and_not_to_the_noise() -> None:
    """Routed to VACE, input video is text mode to the noise (scope-protocol 6.6)."""

    async def contrast(http: httpx.AsyncClient, **params: float) -> float:
        client = Client(http, video=Stripes())
        initial = {"input_mode": "video", "noise_controller": False, "prompts": PROMPT, **params}
        await client.connect(pipeline_ids=["longlive"], **initial)
        await client.wait_frames(8)
        luma = client.luma()
        await client.close()
        return float(luma[:, 70:].mean() - luma[:, :58].mean())

    async def main() -> None:
        async with rehearsal() as (_, http):
            await load(http, "longlive")
            shaped = await contrast(http, vace_context_scale=2.0, noise_scale=1.0)
            left_alone = await contrast(http, vace_context_scale=0.0, noise_scale=0.0)
            assert shaped > 2 * left_alone

    asyncio.run(main())
