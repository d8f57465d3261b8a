"""A session that plays: frames in, messages out, and watchdogs over both (scope-protocol sections 6 and 9)."""

from __future__ import annotations

__all__ = ["Play", "first_of"]

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from aiortc.mediastreams import MediaStreamError

from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeError, ScopeSessionLost
from bridge.model.facts import ScopeState
from bridge.model.frames import Frame
from bridge.scope.api import ScopeApi
from bridge.scope.cuts import CutDetector
from bridge.scope.diagnosis import Evidence, diagnose
from bridge.scope.latency import LatencyMeter
from bridge.scope.notices import PART, Notices, pin, quietly
from bridge.scope.pacer import Pacer
from bridge.scope.pictures import newest, to_i420
from bridge.scope.replies import LoadState
from bridge.scope.session import MediaSession
from bridge.scope.settings import ScopeSettings
from bridge.scope.troubles import Diagnosis, diagnosis, trouble_error
from bridge.scope.visit import Visit

_FIRST_CHUNKS: Final = 8.0
_STALL_CHUNKS: Final = 3.0
_LOST_CHUNKS: Final = 6.0


class Play:
    """Runs one session until it is lost.

    ``still_ours`` judges whether the server's pipeline is the one we loaded. ``meanwhile`` runs for ever beside the
    session, and is cancelled with it.
    """

    def __init__(
        self,
        settings: ScopeSettings,
        *,
        api: ScopeApi,
        media: MediaSession,
        visit: Visit,
        pacer: Pacer,
        board: ProblemBoard,
        clock: Callable[[], float],
        wake: asyncio.Event,
        still_ours: Callable[[LoadState], bool],
        on_frame: Callable[[Frame, int], None],
        on_state: Callable[[ScopeState], None],
        meanwhile: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._settings = settings
        self._api = api
        self._media = media
        self._visit = visit
        self._pacer = pacer
        self._board = board
        self._clock = clock
        self._wake = wake
        self._still_ours = still_ours
        self._on_frame = on_frame
        self._on_state = on_state
        self._meanwhile = meanwhile
        self._arrived = asyncio.Event()
        self._streaming = asyncio.Event()
        self._cuts = CutDetector()
        self.latency = LatencyMeter()
        self._last = clock()
        self._seq = 0
        self._stall = ""
        self._notices = Notices(api, board, session=visit.session, log_offset=visit.log_offset)
        self.live_since: float | None = None

    async def run(self) -> None:
        """Play until cancelled. Raises ScopeSessionLost with cause and mend."""
        try:
            await first_of(
                self._media.ended(),
                self._receive(),
                self._send(),
                self._look(),
                self._watch(),
                self._ask(),
                self._meanwhile(),
            )
        finally:
            self._moves_again()
            self._notices.clear()
            self._board.clear(PART, "server-silent")

    async def _receive(self) -> None:
        track = await self._media.video()
        try:
            while True:
                picture, count = await newest(track)
                now = self._clock()
                self._seq += count
                data = to_i420(picture)
                frame = Frame(data, data.shape[1], data.shape[0] * 2 // 3, now, self._seq)
                self._last = now
                self._pacer.on_frames(count, now)
                if self._cuts.look(data, count):
                    self.latency.seen(now, self._pacer.call_s(now))
                self._on_frame(frame, count)
                self._arrived.set()
                self._wake.set()
        except MediaStreamError as error:
            raise trouble_error(ScopeSessionLost, "stream-ended", detail=": no more video") from error

    async def _send(self) -> None:
        """Send what the pacer gives, when it gives it."""
        await self._media.opened()
        self._pacer.on_connected(self._clock())
        while True:
            self._wake.clear()
            now = self._clock()
            due = self._pacer.due_at(now)
            if due is not None and due <= now and self._media.can_send:
                if (message := self._pacer.next_message(now)) is not None:
                    self._media.send(message)
                    if not self._pacer.repeated and "paused" not in message:
                        self.latency.sent(now, message)
                continue
            if self._pacer.wants_phase(now):
                self._streaming.set()
            await _wait(self._wake, due - now if due is not None and due > now else None)

    async def _look(self) -> None:
        """While changes stream, look where the server's pipeline call is."""
        pacer = self._pacer
        while True:
            now = self._clock()
            if not (self._settings.aim and pacer.wants_phase(now)):
                self._streaming.clear()
                await self._streaming.wait()
            elif (due := pacer.phase.look_at(now)) > now:
                await asyncio.sleep(due - now)
            else:
                metrics = await quietly(self._api.metrics())
                fps = metrics.pipeline_fps if metrics is not None and metrics.sessions == 1 else None
                if fps is not None and pacer.is_plausible(fps):
                    pacer.phase.look(now, self._clock(), fps, pacer.chunk.frames)
                    self.latency.settle(pacer.phase)
                    self._wake.set()
                else:  # an old server, a busy one, or figures that are not ours
                    await asyncio.sleep(self._settings.poll_s)

    async def _watch(self) -> None:
        """Notice a missing first frame, a stall and its end."""
        limit = max(self._settings.first_frame_timeout_s, _FIRST_CHUNKS * self._pacer.chunk.period_s)
        if not await _wait(self._arrived, limit):
            cause = await self._diagnose(first_frame=True)
            raise _lost(cause)
        self.live_since = self._clock()
        self._on_state("live")
        while True:
            period = self._pacer.chunk.period_s
            stall = max(self._settings.stall_s, _STALL_CHUNKS * period)
            self._arrived.clear()
            if await _wait(self._arrived, max(0.0, self._last + stall - self._clock())):
                continue
            if self._clock() - self._last >= stall:
                await self._mend(max(self._settings.lost_s, _LOST_CHUNKS * period, stall))

    async def _mend(self, limit: float) -> None:
        """The video stalled: say why, send the state again, and give up after ``limit`` seconds of silence."""
        self._on_state("stalled")
        cause = await self._diagnose(first_frame=False)
        self._stall = cause.code
        pin(self._board, cause)
        recovery = self._pacer.recover(blame=cause.code == "bad-value")
        if recovery is not None:
            if recovery.message and self._media.can_send:
                self._media.send(recovery.message)
            for name, value in recovery.suspects.items():
                self._board.reject(PART, "suspected of stopping the pipeline", f"{name} = {value!r}")
        if not await _wait(self._arrived, max(0.0, self._last + limit - self._clock())):
            raise _lost(cause)
        self._moves_again()
        self._on_state("live")

    def _moves_again(self) -> None:
        """Take down the reason of a stall that is over."""
        if self._stall:
            self._board.clear(PART, self._stall)
            self._stall = ""

    async def _ask(self) -> None:
        """Ask the server now and then whether it is still the one we connected to."""
        while True:
            await asyncio.sleep(self._settings.poll_s)
            try:
                health = await self._api.health()
                state = await self._api.load_state()
            except ScopeError as error:
                pin(self._board, diagnosis("server-silent", detail=error.message))
                continue
            self._board.clear(PART, "server-silent")
            if health.started != self._visit.started:
                raise trouble_error(ScopeSessionLost, "restarted")
            if state.status in ("not_loaded", "error"):
                raise trouble_error(ScopeSessionLost, "unloaded")
            if not self._still_ours(state) or state.pipeline != self._visit.loaded.pipeline:
                raise trouble_error(ScopeSessionLost, "foreign-pipeline", pipeline=state.pipeline or state.status)
            await self._notices.look()

    async def _diagnose(self, *, first_frame: bool) -> Diagnosis:
        metrics = await quietly(self._api.metrics())
        tail = None
        if self._visit.log_offset is not None:
            tail = await quietly(self._api.log_tail(since=self._visit.log_offset))
        return diagnose(
            Evidence(
                first_frame=first_frame,
                silence_s=self._clock() - self._last,
                connection=self._media.connection,
                mode=self._visit.mode,
                vace=self._visit.vace_on,
                has_reference=self._pacer.has_reference,
                stale_turn=self._visit.stale_turn,
                metrics=metrics,
                log=tail.lines if tail is not None else (),
            )
        )


def _lost(cause: Diagnosis) -> ScopeSessionLost:
    return ScopeSessionLost(cause.message, hint=cause.hint, code=cause.code)


async def _wait(event: asyncio.Event, seconds: float | None) -> bool:
    """Whether ``event`` came within ``seconds`` (None: for ever)."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def first_of(*coroutines: Coroutine[Any, Any, Any]) -> None:
    """Run all until the first ends, cancel the rest; raises what the first raised."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
