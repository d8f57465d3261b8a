"""The session's life: connect, load, play, notice, mend, connect again; for ever (scope-protocol sections 0, 2 and 9)."""

from __future__ import annotations

__all__ = ["Link"]

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.errors import ScopeBridgeError, ScopeError, ScopeRefused
from bridge.model.facts import ChunkFacts, InputMode, PipelineSchema, PodFacts, ScopeFacts, ScopeState
from bridge.model.frames import Frame, LatestSlot
from bridge.scope.api import ScopeApi
from bridge.scope.avatar import Avatar, AvatarSettings, PictureSource
from bridge.scope.avatar.keeper import Place
from bridge.scope.catalogue import SchemaStore, catalogue_of
from bridge.scope.complaints import Complaints
from bridge.scope.fitting import choose_mode, input_size, judge_vace, judge_version, too_large
from bridge.scope.ice import Ice
from bridge.scope.loading import Loader
from bridge.scope.notices import PART, quietly
from bridge.scope.pacer import Pacer
from bridge.scope.playing import Play, first_of
from bridge.scope.replies import Health, LoadState
from bridge.scope.schemas import chunk_frames_of
from bridge.scope.scout import Scout
from bridge.scope.sending import SendingTrack
from bridge.scope.servers import Servers
from bridge.scope.session import MediaSession
from bridge.scope.settings import ScopeSettings
from bridge.scope.troubles import Diagnosis, diagnosis
from bridge.scope.urls import mask_url
from bridge.scope.visit import Visit

_DELETE_S: Final = 2.0
_PERIOD_STEP: Final = 0.02
_LATENCY_STEP: Final = 0.01
_LATENCY_SD_STEP: Final = 0.1


class Link:
    """Keeps a session alive. All of it runs on the media loop.

    ``wake`` is set whenever something may be due for sending. ``hidden`` says that nobody sees the picture now.
    ``mode`` and ``picture`` are the input mode and the avatar's picture to begin with.
    """

    def __init__(
        self,
        settings: ScopeSettings,
        avatar: AvatarSettings,
        *,
        pictures: PictureSource,
        mode: InputMode,
        picture: str,
        pacer: Pacer,
        facts: Cell[ScopeFacts],
        frames: LatestSlot[Frame],
        video_in: LatestSlot[Frame] | None,
        board: ProblemBoard,
        clock: Callable[[], float],
        hidden: Callable[[], bool],
        store: SchemaStore | None = None,
        pod: Cell[PodFacts] | None = None,
    ) -> None:
        self._pod = pod or Cell(PodFacts())
        self._settings = settings
        self._store = store or SchemaStore(None)
        self._pacer = pacer
        self._facts = facts
        self._frames = frames
        self._video_in = video_in
        self._board = board
        self._clock = clock
        self._sessions: dict[str, str] = {}
        self._avatar_settings = avatar
        self.avatar = Avatar(avatar, pictures, hold=self._hold, board=board, clock=clock, chosen=picture)
        self._mode: InputMode = mode
        self._playing: Visit | None = None
        load_params = settings.load_params.wanted(with_vace=self.avatar.is_configured)
        self._loaders = {
            url: Loader(settings.pipeline, load_params, timeout=settings.load_timeout_s, clock=clock)
            for url in settings.urls
        }
        self._again = asyncio.Event()
        self._resting = False
        self._complaints = Complaints(board)
        self.servers = Servers(
            settings.urls,
            retry_s=settings.retry_s,
            retry_max_s=settings.retry_max_s,
            fail_back=settings.fail_back,
            fail_back_after_s=settings.fail_back_after_s,
            probe_s=settings.probe_s,
        )
        self.scout = Scout(
            self.servers,
            self._loaders,
            timeout=settings.http_timeout_s,
            hidden=hidden,
            clock=clock,
            on_go=self.reconnect,
        )
        self._play: Play | None = None
        self._visited = ""
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

    def pin(self, choice: str | float) -> None:
        """Play on one server alone, or by preference again; what cannot be chosen is counted and named."""
        try:
            if self.servers.pin(choice):
                self.reconnect()
        except ScopeBridgeError as error:
            self._board.reject(PART, error.message, error.hint)

    def set_mode(self, mode: InputMode) -> None:
        """Go over to text or video input, with a new session on the pipeline as it is loaded.

        A message over the channel is not enough: what a session does with input video, and whether it takes any, is
        settled when it is set up (scope-protocol section 5). The whole state goes with the new one.
        """
        if mode != self._mode:
            self._mode = mode
            self.reconnect()

    def refresh_vace(self) -> None:
        """Publish whether VACE has something to hold on to, and name it when it was loaded for nothing."""
        visit, facts = self._playing, self._facts.value
        if visit is None:
            return
        active = visit.vace and (self._pacer.has_reference or visit.steered)
        if (active, visit.via_vace) != (facts.vace_active, facts.vace_use_input_video):
            self._facts.set(replace(facts, vace_active=active, vace_use_input_video=visit.via_vace))
        idle = self._settings.load_params.vace_enabled and not active and not self.avatar.is_configured
        self._complaints.show_if("vace-idle", diagnosis("vace-idle") if idle else None)

    def _hold(self, paths: tuple[str, ...] | None) -> None:
        self._pacer.refer(paths, self._clock())
        self.refresh_vace()
        self.wake.set()

    async def run(self) -> None:
        """Connect for ever, the servers as :class:`Servers` chooses them. Ends by being cancelled."""
        if not self._settings.urls:
            self._complaints.show(diagnosis("no-server"))
            await asyncio.Event().wait()
        if self._settings.pinned:
            self.pin(self._settings.pinned)
        while True:
            url, wait = self.servers.next_visit(self._clock())
            if wait > 0 and await self._asked_within(wait):
                self.servers.hurry()
            elif not self._must_wait_for_pod(url) and await self._visit(url) is not None:
                self.reconnects += 1

    def _must_wait_for_pod(self, url: str) -> bool:
        """Whether the server is on a pod that does not run or is starting: that is said instead of asking it in vain."""
        pod = self._pod.value
        if not pod.is_in_the_way_of(url):
            if url == pod.url:
                self._complaints.clear("pod")
            return False
        self._complaints.blame(url, Diagnosis("pod", pod.message, pod.hint), pinned=self._only())
        self.servers.visiting(url)
        self.servers.ended(url, self._clock(), live_since=None, problem=pod.message)
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
        self.servers.visiting(url)
        self._publish("connecting", url=mask_url(url), version="", latency_s=None, latency_sd_s=None)
        self._visited = url
        self.url = mask_url(url)
        self._play = None
        problem = ""
        try:
            async with ScopeApi(url, timeout=self._settings.http_timeout_s) as api:
                await first_of(self._serve(api, url), self._again.wait())
        except ScopeError as error:
            problem = error.message
            self._note(url, error)
        finally:
            self._pacer.on_disconnected(self._clock())
        live_since = self._play.live_since if self._play is not None else None
        self.servers.ended(url, self._clock(), live_since=live_since, problem=problem)
        self._publish("failed")
        return live_since

    def _note(self, url: str, error: ScopeError) -> None:
        """Name the loss, and do what a new session alone would not mend."""
        if self._complaints.lost(url, error, pinned=self._only()):
            self._loaders[url].distrust()

    def _only(self) -> str:
        """The pinned server, where there are others."""
        return self.servers.pinned if len(self._settings.urls) > 1 else ""

    async def _asked_within(self, seconds: float) -> bool:
        """Wait; whether somebody asked for a new session meanwhile."""
        self._resting = True
        try:
            async with asyncio.timeout(seconds):
                await self._again.wait()
        except TimeoutError:
            return False
        else:
            return True
        finally:
            self._resting = False
            self._again.clear()

    async def _serve(self, api: ScopeApi, url: str) -> None:
        health = await api.health()
        self.version = health.version or None
        self._publish("connecting", version=health.version)
        await self._delete(api, url)
        catalogue = await catalogue_of(api, health.version, self._store)
        await self._judge(api, health, catalogue.schemas)
        loaded = await self._loaders[url].ensure(api, lambda stage: self._publish("loading"))
        tail = await quietly(api.log_tail(lines=1))
        visit = replace(
            self._fit(loaded, catalogue.schemas, health.started),
            log_offset=tail.offset if tail is not None else None,
        )
        place = Place(url, health.started, visit.size) if visit.vace else None
        await self.avatar.begin(api, place)
        self._publish("connecting")
        size = visit.size if visit.mode == "video" else None
        media = await self.ice.gather(
            url,
            api.ice_servers,
            lambda plan: MediaSession(
                ice=plan,
                codec=self._settings.codec,
                sending=SendingTrack(self._video_in, size, clock=self._clock) if size is not None else None,
                on_ready=self.wake.set,
            ),
        )
        visit = replace(visit, stale_turn=self.ice.stale(health.started))
        try:
            visit = self._playing = await self._open(api, url, media, visit)
            self.refresh_vace()
            self._play = Play(
                self._settings,
                api=api,
                media=media,
                visit=replace(visit, session=self._sessions.get(url, "")),
                pacer=self._pacer,
                board=self._board,
                clock=self._clock,
                wake=self.wake,
                still_ours=self._loaders[url].fits,
                on_frame=self._on_frame,
                on_state=self._on_state,
                meanwhile=lambda: self.avatar.keep(api, place),
            )
            await self._play.run()
        finally:
            self._playing = None
            self.ice.ended()
            self._pacer.on_disconnected(self._clock())
            await self._delete(api, url)
            await media.close()

    async def _open(self, api: ScopeApi, url: str, media: MediaSession, visit: Visit) -> Visit:
        """Offer with the whole state; a server that refuses the state is offered none and gets it by the channel.

        Returns the visit as it was offered.
        """
        sdp = await media.offer()
        base: dict[str, Any] = {"pipeline_ids": [visit.pipeline] if visit.pipeline else [], "input_mode": visit.mode}
        state = self._pacer.initial()
        visit = replace(visit, via_vace=bool(state.get("vace_use_input_video", visit.via_vace)))
        # VACE is switched on only with something to hold on to; without, sessions have been seen to stay silent.
        if visit.vace and (self._pacer.has_reference or visit.steered):
            visit = replace(visit, vace_on=True)
            base |= {"vace_enabled": True, "vace_use_input_video": visit.via_vace}
            if self.avatar.is_configured:
                base["vace_context_scale"] = self._avatar_settings.scale
        try:
            answer = await api.offer(sdp, {**base, "manage_cache": True, **state})
        except ScopeRefused as error:
            if error.status != 422:
                raise
            self._complaints.show(diagnosis("offer-refused", detail=f" ({error.message})"))
            self._pacer.on_disconnected(self._clock())
            answer = await api.offer(sdp, base)
        if answer.session:
            self._sessions[url] = answer.session
        await media.accept(answer.sdp)
        return visit

    def _fit(self, loaded: LoadState, schemas: Mapping[str, PipelineSchema], started: float | None) -> Visit:
        """Fit pacer and facts to the pipeline that is loaded."""
        pipeline = loaded.pipeline or self._settings.pipeline
        schema = schemas.get(pipeline)
        mode, unfit = choose_mode(self._mode, pipeline, schema)
        self._complaints.show_if("mode", unfit)
        vace = bool((loaded.params or {}).get("vace_enabled")) and (schema is None or schema.supports_vace)
        idle = judge_vace(pipeline, schema, loaded=vace, avatar=self.avatar.is_configured)
        for code in ("avatar-no-vace", "avatar-vace-off"):
            self._complaints.show_if(code, idle if idle is not None and idle.code == code else None)
        vace = vace and (self._pacer.has_reference or not self._complaints.vace_failed)
        size = input_size(loaded, self._settings.load_params)
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
                input_size=size if mode == "video" else None,
                chunk=self._pacer.chunk,
            )
        )
        via_vace = self._avatar_settings.input_to == "vace"
        return Visit(pipeline, mode, vace, started, loaded, size=size, via_vace=via_vace)

    async def _judge(self, api: ScopeApi, health: Health, schemas: Mapping[str, PipelineSchema]) -> None:
        """Say what will be missing: an old server tells little, a small GPU will not hold the pipeline."""
        there = await quietly(api.hardware_gb())
        quantized = self._settings.load_params.quantization is not None
        self._complaints.show_if("old-server", judge_version(health.version))
        self._complaints.show_if(
            "too-large", too_large(schemas.get(self._settings.pipeline), there, quantized=quantized)
        )

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
        if self._play is not None:
            self._announce_latency(self._play.latency.estimate(frame.t))

    def _announce_chunk(self, chunk: ChunkFacts) -> None:
        """Publish the chunk when it changed by more than the measurement's noise."""
        known = self._facts.value.chunk
        drift = abs(chunk.period_s - known.period_s) / known.period_s
        if chunk.frames != known.frames or chunk.measured != known.measured or drift > _PERIOD_STEP:
            self._facts.set(replace(self._facts.value, chunk=chunk))

    def _announce_latency(self, estimate: tuple[float, float] | None) -> None:
        """Publish the latency when it became known or unknown, or it or its uncertainty moved."""
        facts = self._facts.value
        mean, sd = (None, None) if estimate is None else estimate
        if _moved(facts.latency_s, mean, _LATENCY_STEP) or _moved(facts.latency_sd_s, sd, _LATENCY_SD_STEP):
            self._facts.set(replace(facts, latency_s=mean, latency_sd_s=sd))

    def _on_state(self, state: ScopeState) -> None:
        self._publish(state)
        if state == "live":
            self.servers.live(self._visited, self._clock())
            self.ice.live()
            self._complaints.live()

    def _publish(self, state: ScopeState, **changes: Any) -> None:
        self._facts.set(replace(self._facts.value, state=state, **changes))


def _moved(known: float | None, new: float | None, share: float) -> bool:
    """Whether a figure became known or unknown, or changed by more than ``share`` of itself."""
    if known is None or new is None:
        return known is not new
    return abs(new - known) > share * known
