"""What the Scope benchmarks share: a rehearsal server of its own process, the bridge's client, and the 30 Hz baseline."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final, Protocol

from pythonosc.udp_client import SimpleUDPClient

from benchmarks.processes import free_port, get_json, quietly, running_daemon, start_rehearsal, until
from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import DesiredState, OneShot, Prompt, PromptPlan
from bridge.model.facts import ScopeFacts
from bridge.model.frames import Frame, LatestSlot
from bridge.scope import ScopeClient, ScopeSettings
from bridge.scope.api import ScopeApi
from bridge.scope.ladder import IcePlan
from bridge.scope.loading import Loader
from bridge.scope.pictures import newest
from bridge.scope.session import MediaSession

PARAM: Final = "vace_context_scale"
PIPELINE: Final = "longlive"
SIZE: Final = {"width": 256, "height": 144}
PROMPTS: Final = [{"text": "a lighthouse in a storm", "weight": 1.0}]
PATIENCE_S: Final = 30.0
CONTROL_HZ: Final = 30.0


class Server:
    """A rehearsal server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def journal(self, since: float) -> Any:
        """Messages received and applied after a monotonic time, and the counts of all time."""
        return get_json(f"{self.url}/rehearsal/journal?since={since!r}")


@contextlib.contextmanager
def rehearsal(*, chunk: int, fps: float) -> Iterator[Server]:
    """A rehearsal server whose pipeline calls make ``chunk`` frames at ``fps``."""
    process, url = start_rehearsal("--chunk", str(chunk), "--fps", str(fps), "--load-seconds", "0.1")
    try:
        yield Server(process, url)
    finally:
        process.terminate()
        process.wait(10)


class Sender(Protocol):
    """Takes a value of ``PARAM`` as the outside world gives it, at the moment it is given."""

    def send(self, value: float) -> None:
        """The control moved."""


class Stage:
    """The bridge's own client on a server, and what may be asked of it."""

    def __init__(self, client: ScopeClient, facts: Cell[ScopeFacts]) -> None:
        self.facts = facts
        self._client = client
        self._state = DesiredState(0, PromptPlan(1, tuple(Prompt(p["text"], p["weight"]) for p in PROMPTS)))
        client.submit(self._state)

    def param(self, value: float) -> None:
        """Turn the knob ``PARAM``."""
        self._submit(params={PARAM: value})

    def prompt(self, text: str) -> None:
        """Cut to another prompt."""
        assert self._state.prompts is not None
        self._submit(prompts=PromptPlan(self._state.prompts.id + 1, (Prompt(text),)))

    def reset(self) -> None:
        """Reset the cache."""
        self._submit(one_shots=(OneShot(self._state.revision + 1, "reset_cache", True),))

    def _submit(self, **changes: Any) -> None:
        self._state = replace(self._state, revision=self._state.revision + 1, arrived=time.monotonic(), **changes)
        self._client.submit(self._state)


@contextlib.contextmanager
def bridge_stage(server: Server, chunk: int) -> Iterator[Stage]:
    """The bridge's own client alone, from ``submit`` on, once it has a picture."""
    facts: Cell[ScopeFacts] = Cell(ScopeFacts())
    settings = ScopeSettings.model_validate(
        {"urls": [server.url], "pipeline": PIPELINE, "load_params": SIZE, "chunk_frames": chunk}
    )
    frames: LatestSlot[Frame] = LatestSlot()
    client = ScopeClient(settings, facts=facts, frames=frames, board=ProblemBoard(), clock=time.monotonic)
    stage = Stage(client, facts)
    client.start()
    try:
        until(lambda: facts.value.state == "live" and facts.value.chunk.measured, "the bridge's picture")
        yield stage
    finally:
        client.stop(10.0)


class Daemon:
    """A running daemon, told by OSC; ``web`` is the address of its page."""

    def __init__(self, client: SimpleUDPClient, web: str) -> None:
        self._client = client
        self.web = web

    def tell(self, address: str, *values: float | str) -> None:
        """Send one datagram."""
        self._client.send_message(address, list(values))

    def send(self, value: float) -> None:
        """The control moved."""
        self.tell(f"/bridge/param/{PARAM}", value)


@contextlib.contextmanager
def bridge_client(server: Server, chunk: int) -> Iterator[Sender]:
    """The client alone as a knob."""
    with bridge_stage(server, chunk) as stage:

        class Knob:
            def send(self, value: float) -> None:
                stage.param(value)

        yield Knob()


@contextlib.contextmanager
def bridge_daemon(server: Server, chunk: int, *options: str) -> Iterator[Daemon]:
    """The whole daemon, a process of its own, told by OSC datagrams; nothing else moves its parameters.

    ``options`` are further settings, such as ``scope.aim=false``.
    """
    osc, web = free_port(socket.SOCK_DGRAM), free_port()
    given = [
        f'scope.urls=["{server.url}"]',
        f"scope.pipeline={PIPELINE}",
        f"scope.chunk_frames={chunk}",
        f"scope.load_params={{width={SIZE['width']}, height={SIZE['height']}, vace_enabled=true}}",
        f"osc.listen=[{{port={osc}}}]",
        f"web.port={web}",
        'mapping.files=["auto", "-abletonosc"]',
        "audio.source=off",
        "show.ambient=false",
        *options,
    ]
    address = f"http://127.0.0.1:{web}"
    with running_daemon(*given), SimpleUDPClient("127.0.0.1", osc) as client:
        until(lambda: quietly(lambda: _is_live(address)), "the daemon's picture")
        yield Daemon(client, address)


def _is_live(web: str) -> bool:
    scope = get_json(f"{web}/api/v1/status")["scope"]
    return bool(scope["state"] == "live" and scope["chunk"]["period_s"])


@contextlib.contextmanager
def fixed_rate_sender(server: Server, chunk: int) -> Iterator[Sender]:
    """The baseline: the newest whole state 30 times a second while it changes, as clients of Scope do today."""
    knob = _FixedRate(server.url)
    thread = threading.Thread(target=knob.run, daemon=True)
    thread.start()
    try:
        until(lambda: knob.frames > 2 * chunk, "the baseline's picture")
        yield knob
    finally:
        knob.stop()
        thread.join(10)


class _FixedRate:
    def __init__(self, url: str) -> None:
        self._url = url
        self._value: float | None = None
        self._sent: float | None = None
        self._stopped: Future[None] = Future()
        self.frames = 0

    def send(self, value: float) -> None:
        self._value = value

    def stop(self) -> None:
        self._stopped.set_result(None)

    def run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        async with ScopeApi(self._url, timeout=10) as api:
            await Loader(PIPELINE, SIZE, timeout=PATIENCE_S, clock=time.monotonic).ensure(api, lambda stage: None)
            media = MediaSession(ice=IcePlan(), codec="VP8", sending=None, on_ready=lambda: None)
            answer = await api.offer(await media.offer(), {"pipeline_ids": [PIPELINE], "prompts": PROMPTS})
            await media.accept(answer.sdp)
            tasks = [asyncio.create_task(self._receive(media)), asyncio.create_task(self._tick(media))]
            await asyncio.wrap_future(self._stopped)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await api.delete_session(answer.session)
            await media.close()

    async def _receive(self, media: MediaSession) -> None:
        track = await media.video()
        while True:
            self.frames += (await newest(track))[1]

    async def _tick(self, media: MediaSession) -> None:
        await media.opened()
        while True:
            if self._value is not None and self._value != self._sent:
                media.send({"prompts": PROMPTS, "manage_cache": True, PARAM: self._value})
                self._sent = self._value
            await asyncio.sleep(1 / CONTROL_HZ)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan
