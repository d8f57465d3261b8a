"""The Scope client: the media thread and the door through which the rest of the house talks to it."""

from __future__ import annotations

__all__ = ["ScopeClient"]

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from OpenSSL import SSL

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import DesiredState
from bridge.model.facts import InputMode, PodFacts, ScopeFacts
from bridge.model.frames import Frame, LatestSlot
from bridge.model.status import AvatarStatus, ScopeIceStatus, ScopeServerStatus, ScopeStatus, ScopeVideoStatus
from bridge.scope.avatar import AvatarSettings, PictureSource
from bridge.scope.avatar.keeper import PART as AVATAR
from bridge.scope.catalogue import SchemaStore
from bridge.scope.link import Link
from bridge.scope.notices import PART
from bridge.scope.pacer import Pacer
from bridge.scope.schemas import chunk_frames_of
from bridge.scope.sending import allow_bitrate
from bridge.scope.settings import ScopeSettings
from bridge.scope.urls import mask_url

THREAD: Final = "media"
TURN_S: Final = 1.0


class ScopeClient:
    """Plays the desired state on a Scope server and puts its frames into ``frames``.

    In video mode it sends the frames of ``video_in``, which must have the size that the facts ask for.
    Runs in a thread of its own, ``media``, with an asyncio loop that nothing else uses. ``submit``, ``reconnect`` and
    ``status`` may be called from any thread and never wait. ``start`` may be called again after the thread died. ``schemas``
    is the folder that keeps what servers tell of their pipelines; None keeps nothing.
    ``hidden`` says whether nobody sees the picture now (blackout, pause): then it may be left for a better server.
    """

    def __init__(
        self,
        settings: ScopeSettings,
        avatar: AvatarSettings | None = None,
        *,
        pictures: PictureSource | None = None,
        facts: Cell[ScopeFacts],
        frames: LatestSlot[Frame],
        video_in: LatestSlot[Frame] | None = None,
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
        hidden: Callable[[], bool] = lambda: False,
        schemas: Path | None = None,
        pod: Cell[PodFacts] | None = None,
    ) -> None:
        self._pod = pod or Cell(PodFacts())
        self._settings = settings
        self._avatar = avatar or AvatarSettings()
        self._pictures = pictures or PictureSource(self._avatar.pictures)
        self._picture = self._avatar.first
        self._mode: InputMode = settings.input_mode
        self._facts = facts
        self._frames = frames
        self._video_in = video_in
        self._board = board
        self._clock = clock
        self._hidden = hidden
        self._servers = tuple(ScopeServerStatus(mask_url(url)) for url in settings.urls)
        self._store = SchemaStore(schemas)
        self._pacer = Pacer(
            rate_hz=settings.param_rate_hz,
            chunk_frames=chunk_frames_of(None, settings.pipeline, settings.chunk_frames),
            allow_unknown=settings.allow_unknown_params,
        )
        self._desired = DesiredState()
        self._announced = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._main: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self.last_turn: float | None = None
        """When the media loop last turned; None before it first did."""
        self.tasks = 0
        """Tasks on the media loop when it last turned."""

    def start(self) -> None:
        """Start the media thread; does not wait for it. Nothing happens while it already runs."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()

    def submit(self, desired: DesiredState) -> None:
        """What Scope should be doing now; many submits in a row become one."""
        self._desired = desired
        if self._announced:
            return
        self._announced = True
        self._call(lambda: self._news.set() if self._news is not None else None)

    def reconnect(self) -> None:
        """Drop the session and connect again at once."""
        self._call(lambda: self._link.reconnect() if self._link is not None else None)

    @property
    def mode(self) -> InputMode:
        """The input mode that is wanted: as configured, or as last set."""
        return self._mode

    def set_mode(self, mode: InputMode) -> None:
        """Go over to text or video input."""
        self._mode = mode
        self._call(lambda: self._link.set_mode(mode) if self._link is not None else None)

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the avatar's pictures."""
        return tuple(self._pictures.files)

    def choose_picture(self, name: str) -> None:
        """Hold another of the avatar's pictures, "" for none.

        Raises:
            KeyError: there is no picture of that name.
        """
        if name and name not in self._pictures.files:
            raise KeyError(name)
        self._picture = name
        self._call(lambda: self._link.avatar.choose(name) if self._link is not None else None)

    def pin(self, choice: str | float) -> None:
        """Play on one server alone: its number from 1, address or host; 0 or "auto" chooses by preference again."""
        self._call(lambda: self._link.pin(choice) if self._link is not None else None)

    def stop(self, timeout: float = 5.0) -> bool:
        """Delete the session on the server and end the thread; waits at most ``timeout`` seconds.

        Returns whether the thread has ended. Call it off the control loop.
        """
        thread = self._thread
        if thread is None:
            return True
        began = self._clock()
        self._ready.wait(timeout)
        self._call(lambda: self._main.cancel() if self._main is not None else None)
        thread.join(max(0.0, timeout - (self._clock() - began)))
        return not thread.is_alive()

    def status(self) -> ScopeStatus:
        """The session as ``/api/v1/status`` shows it."""
        facts, link, now = self._facts.value, self._link, self._clock()
        known = bool(facts.pipeline)
        chunk = facts.chunk
        return ScopeStatus(
            state=facts.state,
            url=link.url if link is not None else "",
            servers=link.servers.status() if link is not None else self._servers,
            version=link.version if link is not None else None,
            pipeline=facts.pipeline,
            mode=facts.mode,
            chunk={
                "frames": chunk.frames if known else None,
                "period_s": round(chunk.period_s, 4) if known and chunk.measured else None,
            },
            latency_ms=round(facts.latency_s * 1000, 1) if facts.latency_s is not None else None,
            latency_sd_ms=round(facts.latency_sd_s * 1000, 1) if facts.latency_sd_s is not None else None,
            params=self._pacer.stats,
            quantized=self._pacer.landings.status(),
            video=self._video(link, now),
            ice=link.ice.status() if link is not None else ScopeIceStatus(),
            reconnects=link.reconnects if link is not None else 0,
        )

    def avatar_status(self) -> AvatarStatus:
        """The avatar as ``/api/v1/status`` shows it."""
        facts, link = self._facts.value, self._link
        held = link.avatar.held if link is not None and facts.state in ("live", "stalled") else ""
        return AvatarStatus(
            reference=self._picture,
            references=self.pictures,
            held=held,
            active=bool(held) and facts.vace_active,
            scale=self._avatar.scale,
            problems=tuple(problem for problem in self._board.problems if problem.part == AVATAR),
        )

    def _video(self, link: Link | None, now: float) -> ScopeVideoStatus:
        frame = link.last_frame if link is not None else None
        if link is None or frame is None:
            return ScopeVideoStatus()
        live = self._facts.value.state == "live"
        return ScopeVideoStatus(
            width=frame.width,
            height=frame.height,
            fps=round(self._pacer.fps, 2) if live else 0.0,
            frames=link.frames_seen,
            age_ms=(now - frame.t) * 1000,
        )

    def _call(self, call: Callable[[], object]) -> None:
        """Run on the media loop; nothing when it does not run (the newest state is taken up when it starts)."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(call)
        except RuntimeError:
            # The loop closed between the look and the call, which only a stop or a death of the thread does.
            if not loop.is_closed():
                raise

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._live())
        except asyncio.CancelledError:
            return
        finally:
            self._loop = None
            self._ready.set()
            self._facts.set(replace(self._facts.value, state="offline"))

    async def _live(self) -> None:
        """Take in desired states and keep the link, until cancelled."""
        allow_bitrate(self._settings.send_mbps / 2 * 1e6, self._settings.send_mbps * 1e6)
        self._news = news = asyncio.Event()
        self._link = link = Link(
            self._settings,
            self._avatar,
            pictures=self._pictures,
            mode=self._mode,
            picture=self._picture,
            pacer=self._pacer,
            facts=self._facts,
            frames=self._frames,
            video_in=self._video_in,
            board=self._board,
            clock=self._clock,
            hidden=self._hidden,
            store=self._store,
            pod=self._pod,
        )
        self._main = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_stray)
        news.set()
        self._ready.set()
        forget = self._pod.subscribe(lambda _: self._call(link.hurry))
        try:
            await self._play_on(news, link)
        finally:
            forget()

    async def _play_on(self, news: asyncio.Event, link: Link) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(link.run())
            group.create_task(link.scout.run())
            group.create_task(link.ice.run())
            group.create_task(self._take_in(news, link))
            group.create_task(self._turn())

    def _on_stray(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What ends outside of any task of ours.

        aiortc sends from tasks of its own, which fail when the other end has just closed: one line, and the watchdogs
        do the rest. Anything else is a defect and is told in full.
        """
        error = context.get("exception")
        if isinstance(error, ConnectionError | SSL.Error):
            self._board.reject(PART, "sent to a connection that had just closed", f"{type(error).__name__}: {error}")
        else:
            loop.default_exception_handler(context)

    async def _turn(self) -> None:
        """A sign of life for the watchdog, once a second."""
        while True:
            self.last_turn = self._clock()
            self.tasks = len(asyncio.all_tasks())
            await asyncio.sleep(TURN_S)

    async def _take_in(self, news: asyncio.Event, link: Link) -> None:
        while True:
            await news.wait()
            news.clear()
            self._announced = False
            self._pacer.submit(self._desired, self._clock())
            for reason, example in self._pacer.drain_rejected():
                self._board.reject(PART, reason, example)
            link.refresh_vace()
            link.wake.set()
