"""RunPod's API version 2 and its proxy as a real HTTP server on loopback: a state machine with faults (cloud section 3)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

KEY = "rpa_SECRET0123456789"
POD = "k3x9abc"


@dataclass
class Fault:
    """What the API answers instead, once. ``seconds`` it waits before; ``only`` narrows it to "look", "start", "stop" or "list"."""

    status: int = 500
    body: str = '{"title":"Internal","status":500,"detail":"try later"}'
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    only: str = ""


@dataclass
class RunPodServer:
    """One pod. It advances one state with every ``GET``: time as the client measures it."""

    url: str = ""
    status: str = "EXITED"
    looks_per_state: int = 1
    boots: deque[int] = field(default_factory=deque)
    """What the proxy answers before Scope does."""
    cost: float = 0.44
    gpu: dict[str, Any] | None = field(default_factory=lambda: {"id": "NVIDIA GeForce RTX 4090", "count": 1})
    vram_gb: float | None = 24.0
    locked: bool = False
    uptime: float = 10.0
    stops_at_all: bool = True
    starts_at_all: bool = True
    faults: deque[Fault] = field(default_factory=deque)
    outage: Fault | None = None
    calls: list[str] = field(default_factory=list)
    probes: int = 0
    on_stop: Callable[[], None] = lambda: None
    on_probe: Callable[[], None] = lambda: None
    _looks: int = 0
    moves: dict[str, str] = field(default_factory=lambda: {"PROVISIONING": "STARTING", "STARTING": "RUNNING"})

    @property
    def api_url(self) -> str:
        return f"{self.url}/v2"

    @property
    def scope_url(self) -> str:
        return f"{self.url}/scope"

    def asked(self, action: str) -> int:
        return self.calls.count(action)

    def pod(self) -> dict[str, Any]:
        running = self.status == "RUNNING"
        actions = {"EXITED": ["start", "terminate"], "RUNNING": ["stop", "restart", "terminate"]}
        return {
            "id": POD,
            "name": "stage",
            "image": "daydream/scope",
            "status": self.status,
            "actions": actions.get(self.status, ["terminate"]),
            "ports": ["8000/http", "22/tcp"],
            "gpu": self.gpu,
            "cost": self.cost if self.status != "EXITED" else 0,
            "locked": self.locked,
            "runtime": {"uptime": self.uptime, "ports": []} if running else None,
            "env": {"HF_TOKEN": "hf_NEVER_SHOWN"},
        }

    def _advance(self) -> None:
        self._looks += 1
        if self._looks < self.looks_per_state:
            return
        self._looks = 0
        if self.status == "STOPPING":
            self.status = "EXITED"
        self.status = self.moves.get(self.status, self.status)

    async def _fault(self, what: str) -> web.Response | None:
        fault = self.outage
        if fault is None and self.faults and self.faults[0].only in ("", what):
            fault = self.faults.popleft()
        if fault is None or fault.only not in ("", what):
            return None
        await asyncio.sleep(fault.seconds)
        return web.Response(
            status=fault.status, text=fault.body, headers=fault.headers, content_type="application/problem+json"
        )

    async def _guarded(self, request: web.Request, what: str) -> web.Response | None:
        self.calls.append(what)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return problem(401, "Unauthorized", f"the key {request.headers.get('Authorization', '')[7:]} is unknown")
        return await self._fault(what)

    async def get(self, request: web.Request) -> web.Response:
        if refused := await self._guarded(request, "look"):
            return refused
        if request.match_info["id"] != POD:
            return problem(404, "Not Found", "pod not found")
        shown = web.json_response(self.pod() | ({"status": "RUNNING"} if self.status == "STOPPING" else {}))
        self._advance()
        return shown

    async def list(self, request: web.Request) -> web.Response:
        return await self._guarded(request, "list") or web.json_response({"pods": [self.pod()]})

    async def act(self, request: web.Request) -> web.Response:
        action = (await request.json())["action"]
        if refused := await self._guarded(request, action):
            return refused
        if action not in self.pod()["actions"] or (action == "stop" and self.locked):
            return problem(409, "Conflict", f"{action} is not valid while {self.status}")
        if action == "start" and self.starts_at_all:
            self.status = "PROVISIONING"
        if action == "stop":
            self.on_stop()
        if action == "stop" and self.stops_at_all:
            self.status = "STOPPING"
        return web.json_response(self.pod() | ({"status": "RUNNING"} if self.status == "STOPPING" else {}))

    async def health(self, request: web.Request) -> web.Response:
        self.probes += 1
        self.on_probe()
        if self.status != "RUNNING":
            return web.Response(status=404, text="pod not found")
        if self.boots:
            return web.Response(status=self.boots.popleft(), text="<html>Cloudflare</html>")
        return web.json_response({"status": "healthy", "timestamp": "2026-11-21T00:00:00", "version": "0.2.4"})

    async def hardware(self, request: web.Request) -> web.Response:
        return web.json_response({"vram_gb": self.vram_gb, "spout": {"available": False}})


def problem(status: int, title: str, detail: str) -> web.Response:
    return web.json_response(
        {"title": title, "status": status, "detail": detail}, status=status, content_type="application/problem+json"
    )


@contextlib.contextmanager
def runpod_server(**state: Any) -> Iterator[RunPodServer]:
    """The server on a free port, on a thread and loop of its own."""
    server = RunPodServer(**state)
    app = web.Application()
    app.add_routes(
        [
            web.get("/v2/pods", server.list),
            web.get("/v2/pods/{id}", server.get),
            web.post(f"/v2/pods/{POD}/action", server.act),
            web.get("/scope/health", server.health),
            web.get("/scope/api/v1/hardware/info", server.hardware),
        ]
    )
    started = threading.Event()
    stopping: list[Callable[[], object]] = []

    async def serve() -> None:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        end, loop = asyncio.Event(), asyncio.get_running_loop()
        stopping.append(partial(loop.call_soon_threadsafe, end.set))
        started.set()
        await end.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield server
    finally:
        stopping[0]()
        thread.join(10)
        assert not thread.is_alive()
