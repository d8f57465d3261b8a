"""The session's life: connect, load, play, notice, mend, connect again; for ever (scope-protocol sections 0, 2 and 9)."""

from __future__ import annotations

__all__ = ["Link"]

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.errors import ScopeError, ScopeRefused, ScopeSessionLost
from bridge.model.facts import ChunkFacts, PipelineSchema, PodFacts, ScopeFacts, ScopeState
from bridge.model.frames import Frame, LatestSlot
from bridge.scope.api import ScopeApi
from bridge.scope.catalogue import SchemaStore, catalogue_of
from bridge.scope.ice import Ice
from bridge.scope.loading import Loader
from bridge.scope.pacer import Pacer
from bridge.scope.playing import Play, quietly
from bridge.scope.replies import LoadState
from bridge.scope.schemas import chunk_frames_of
from bridge.scope.session import MediaSession
from bridge.scope.settings import ScopeSettings
from bridge.scope.urls import mask_url
from bridge.scope.visit import Visit

PART: Final = "scope"
_DELETE_S: Final = 2.0
_STEADY_S: Final = 10.0
_PERIOD_STEP: Final = 0.02


class Link:
    """Keeps a session alive. All of it runs on the media loop.

    ``wake`` is set whenever something may be due for sending.
    """

    def __init__(
        self,
        settings: ScopeSettings,
        *,
        pacer: Pacer,
        facts: Cell[ScopeFacts],
        frames: LatestSlot[Frame],
        board: ProblemBoard,
        clock: Callable[[], float],
        store: SchemaStore | None = None,
        pod: Cell[PodFacts] | None = None,
    ) -> None:
        self._pod = pod or Cell(PodFacts())
        self._settings = settings
        self._store = store or SchemaStore(None)
        self._pacer = pacer
        self._facts = facts
        self._frames = frames
        self._board = board
        self._clock = clock
        self._sessions: dict[str, str] = {}
        self._loaders = {
            url: Loader(
                settings.pipeline, settings.load_params.as_params(), timeout=settings.load_timeout_s, clock=clock
            )
            for url in settings.urls
        }
        self._again = asyncio.Event()
        self._resting = False
        self._pinned: set[str] = set()
        self._play: Play | None = None
        self.ice = Ice(settings, board=board, clock=clock)
        self.wake = asyncio.Event()
        self.url = ""
        self.version: str | None = None
        self.reconnects = 0
        self.frames_seen = 0
        self.last_frame: Frame | None = None

    def reconnect(self) -> None:
        """End the session, or the wait for the next try, and connect at once."""
        self._again.set()

    async def run(self) -> None:
        """Connect for ever, the servers in order, with growing waits between rounds. Ends by being cancelled."""
        if not self._settings.urls:
            self._pin(
                "no-server", "No Scope server is configured.", 'Set scope.urls, such as ["http://127.0.0.1:8000"].'
            )
            await asyncio.Event().wait()
        wait = self._settings.retry_s
        while True:
            live_since: float | None = None
            for url in self._settings.urls:
                if self._must_wait_for_pod(url):
                    continue
                live_since = await self._visit(url)
                if live_since is not None:
                    self.reconnects += 1
                    break
            if live_since is not None and self._clock() - live_since > _STEADY_S:
                wait = self._settings.retry_s
            await self._rest(wait * random.uniform(0.75, 1.25))
            wait = min(wait * 2, self._settings.retry_max_s)

    def _must_wait_for_pod(self, url: str) -> bool:
        """Whether the server is on a pod that does not run or is starting: that is said instead of asking it in vain."""
        pod = self._pod.value
        if not pod.is_in_the_way_of(url):
            if url == pod.url:
                self._unpin("pod")
            return False
        for code in ("server", "session"):
            self._unpin(code)
        self._pin("pod", pod.message, pod.hint)
        self.url = mask_url(url)
        self._publish(
            "connecting" if pod.phase in ("unknown", "starting", "booting") else "offline", url=self.url, version=""
        )
        return True

    def hurry(self) -> None:
        """Connect at once when the link only waits for its next try; a session is left alone."""
        if self._resting:
            self._again.set()

    async def _visit(self, url: str) -> float | None:
        """One try at one server; when its session was live, the time at which it became so."""
        self._again.clear()
        self._publish("connecting", url=mask_url(url), version="")
        self.url = mask_url(url)
        self._play = None
        try:
            async with ScopeApi(url, timeout=self._settings.http_timeout_s) as api:
                await self._serve(api, url)
        except ScopeSessionLost as error:
            self._pin("session", error.message, error.hint)
        except ScopeError as error:
            self._pin("server", error.message, error.hint)
        finally:
            self._pacer.on_disconnected(self._clock())
        live_since = self._play.live_since if self._play is not None else None
        self._publish("failed")
        return live_since

    async def _rest(self, seconds: float) -> None:
        self._resting = True
        try:
            async with asyncio.timeout(seconds):
                await self._again.wait()
        except TimeoutError:
            return
        finally:
            self._resting = False
            self._again.clear()

    async def _serve(self, api: ScopeApi, url: str) -> None:
        health = await api.health()
        self.version = health.version or None
        self._publish("connecting", version=health.version)
        await self._delete(api, url)
        catalogue = await catalogue_of(api, health.version, self._store)
        loaded = await self._loaders[url].ensure(api, lambda stage: self._publish("loading"))
        tail = await quietly(api.log_tail(lines=1))
        visit = replace(
            self._fit(loaded, catalogue.schemas, health.started),
            log_offset=tail.offset if tail is not None else None,
        )
        self._publish("connecting")
        media = await self.ice.gather(
            url,
            api.ice_servers,
            lambda plan: MediaSession(
                ice=plan,
                codec=self._settings.codec,
                send_size=self._size(loaded) if visit.mode == "video" else None,
                on_ready=self.wake.set,
            ),
        )
        visit = replace(visit, stale_turn=self.ice.stale(health.started))
        try:
            await self._open(api, url, media, visit)
            self._play = Play(
                self._settings,
                api=api,
                media=media,
                visit=visit,
                pacer=self._pacer,
                board=self._board,
                clock=self._clock,
                wake=self.wake,
                again=self._again,
                still_ours=self._loaders[url].fits,
                on_frame=self._on_frame,
                on_state=self._on_state,
            )
            await self._play.run()
        finally:
            self.ice.ended()
            self._pacer.on_disconnected(self._clock())
            await self._delete(api, url)
            await media.close()

    async def _open(self, api: ScopeApi, url: str, media: MediaSession, visit: Visit) -> None:
        """Offer with the whole state; a server that refuses the state is offered none and gets it by the channel."""
        sdp = await media.offer()
        base: dict[str, Any] = {"pipeline_ids": [visit.pipeline] if visit.pipeline else [], "input_mode": visit.mode}
        if visit.vace:
            base["vace_enabled"] = True
        try:
            answer = await api.offer(sdp, {**base, "manage_cache": True, **self._pacer.initial()})
        except ScopeRefused as error:
            if error.status != 422:
                raise
            self._board.reject(PART, "initial parameters refused by the server", error.message)
            self._pacer.on_disconnected(self._clock())
            answer = await api.offer(sdp, base)
        if answer.session:
            self._sessions[url] = answer.session
        await media.accept(answer.sdp)

    def _fit(self, loaded: LoadState, schemas: Mapping[str, PipelineSchema], started: float | None) -> Visit:
        """Fit pacer and facts to the pipeline that is loaded."""
        pipeline = loaded.pipeline or self._settings.pipeline
        schema = schemas.get(pipeline)
        mode = self._mode(pipeline, schema)
        vace = bool((loaded.params or {}).get("vace_enabled")) and (schema is None or schema.supports_vace)
        frames = chunk_frames_of(schema, pipeline, self._settings.chunk_frames)
        self._pacer.fit(
            schema.params if schema else {}, chunk_frames=frames, prompts=schema is None or schema.supports_prompts
        )
        self._facts.set(
            replace(
                self._facts.value,
                pipeline=pipeline,
                mode=mode,
                schema=schema,
                vace_active=vace,
                chunk=self._pacer.chunk,
            )
        )
        return Visit(pipeline, mode, vace, started, loaded)

    def _mode(self, pipeline: str, schema: PipelineSchema | None) -> Literal["text", "video"]:
        wanted = self._settings.input_mode
        if schema is None or wanted in schema.modes:
            self._unpin("mode")
            return wanted
        other: Literal["text", "video"] = "video" if wanted == "text" else "text"
        self._pin(
            "mode",
            f'"{pipeline}" knows no {wanted} mode; {other} is used.',
            f'Set scope.input_mode = "{other}", or another scope.pipeline.',
        )
        return other

    def _size(self, loaded: LoadState) -> tuple[int, int]:
        known = loaded.params or {}
        width, height = known.get("width"), known.get("height")
        if isinstance(width, int) and isinstance(height, int) and 16 <= width <= 4096 and 16 <= height <= 4096:
            return width & ~1, height & ~1
        return self._settings.load_params.width, self._settings.load_params.height

    async def _delete(self, api: ScopeApi, url: str) -> None:
        """End our session on the server: a dead one would keep the GPU for half a minute. Never the cause of a failure."""
        session = self._sessions.get(url)
        if session is None:
            return
        try:
            async with asyncio.timeout(_DELETE_S):
                await api.delete_session(session)
        except (ScopeError, TimeoutError) as error:
            self._board.reject(PART, "session could not be deleted on the server", str(error))
            return
        del self._sessions[url]

    def _on_frame(self, frame: Frame, count: int) -> None:
        self.frames_seen += count
        self.last_frame = frame
        self._frames.put(frame)
        self._announce_chunk(self._pacer.chunk)

    def _announce_chunk(self, chunk: ChunkFacts) -> None:
        """Publish the chunk when it changed by more than the measurement's noise."""
        known = self._facts.value.chunk
        drift = abs(chunk.period_s - known.period_s) / known.period_s
        if chunk.frames != known.frames or chunk.measured != known.measured or drift > _PERIOD_STEP:
            self._facts.set(replace(self._facts.value, chunk=chunk))

    def _on_state(self, state: ScopeState) -> None:
        self._publish(state)
        if state == "live":
            self.ice.live()
            for code in tuple(self._pinned - {"mode"}):
                self._unpin(code)

    def _publish(self, state: ScopeState, **changes: Any) -> None:
        self._facts.set(replace(self._facts.value, state=state, **changes))

    def _pin(self, code: str, message: str, hint: str) -> None:
        self._pinned.add(code)
        self._board.pin(PART, code, message, hint)

    def _unpin(self, code: str) -> None:
        self._pinned.discard(code)
        self._board.clear(PART, code)
