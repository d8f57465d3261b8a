"""A plain aiortc client, as small as one can be."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import av
import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from bridge.rehearsal import Rehearsal, RehearsalSettings

PROMPT = [{"text": "calm blue ocean waves", "weight": 1.0}]


@asynccontextmanager
async def rehearsal(**settings: Any) -> AsyncIterator[tuple[Rehearsal, httpx.AsyncClient]]:
    """A server on a free port, with small pictures and short chunks unless told otherwise, and an HTTP client."""
    chosen = {"port": 0, "load_seconds": 0.0, "width": 128, "height": 96, "fps": 50, "chunk": 3} | settings
    server = Rehearsal(RehearsalSettings(**chosen))
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=10) as http:
            yield server, http
    finally:
        await server.stop()


async def until(condition: Callable[[], Any], seconds: float = 8.0, what: str = "the condition") -> Any:
    """Wait until the condition gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        await asyncio.sleep(0.01)
    return found


async def load(http: httpx.AsyncClient, pipeline: str = "longlive", **params: Any) -> dict[str, Any]:
    """Load one pipeline and wait; gives the last status."""
    body = {"pipeline_id": pipeline, "pipeline_ids": [pipeline], "load_params": params}
    (await http.post("/api/v1/pipeline/load", json=body)).raise_for_status()
    deadline = time.monotonic() + 8
    while True:
        status = (await http.get("/api/v1/pipeline/status")).json()
        if status["status"] != "loading":
            return dict(status)
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


class Client:
    """One session: frames as luma arrays, messages out, notifications in."""

    def __init__(
        self, http: httpx.AsyncClient, *, direction: str = "sendrecv", video: MediaStreamTrack | None = None
    ) -> None:
        self.http = http
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.frames: list[av.VideoFrame] = []
        self.times: list[float] = []
        self.notes: list[dict[str, Any]] = []
        self.session = ""
        self._readers: list[asyncio.Task[None]] = []
        self.channel = self.peer.createDataChannel("parameters")
        self.channel.on("message", lambda text: self.notes.append(json.loads(text)))
        self.peer.on("track", lambda track: self._readers.append(asyncio.ensure_future(self._read(track))))
        self.peer.addTransceiver(video or "video", direction=direction)

    async def connect(self, **initial: Any) -> httpx.Response:
        """Offer; with an answer of 200, wait for the DataChannel."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        local = self.peer.localDescription
        body = {"sdp": local.sdp, "type": local.type, "initialParameters": initial}
        answer = await self.http.post("/api/v1/webrtc/offer", json=body)
        if answer.status_code == 200:
            reply = answer.json()
            self.session = reply["sessionId"]
            await self.peer.setRemoteDescription(RTCSessionDescription(reply["sdp"], reply["type"]))
            await until(lambda: self.channel.readyState == "open", what="the DataChannel")
        return answer

    def send(self, message: Any) -> None:
        self.channel.send(message if isinstance(message, str) else json.dumps(message))

    async def wait_frames(self, count: int, seconds: float = 8.0) -> None:
        """Until so many more frames have come."""
        goal = len(self.frames) + count
        await until(lambda: len(self.frames) >= goal, seconds, f"{count} more frames")

    def luma(self, index: int = -1) -> np.ndarray:
        frame = self.frames[index]
        return frame.to_ndarray(format="yuv420p")[: frame.height].astype(np.int16)

    async def _read(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.VideoFrame)
                self.frames.append(frame)
                self.times.append(time.monotonic())
        except MediaStreamError:
            return

    async def close(self) -> None:
        await self.peer.close()
        await asyncio.gather(*self._readers)


@asynccontextmanager
async def session(http: httpx.AsyncClient, **initial: Any) -> AsyncIterator[Client]:
    """A connected client on ``longlive`` with a prompt."""
    client = Client(http)
    answer = await client.connect(**({"pipeline_ids": ["longlive"], "prompts": PROMPT} | initial))
    assert answer.status_code == 200, answer.text
    try:
        yield client
    finally:
        await client.close()
