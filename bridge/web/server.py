"""The HTTP edge: aiohttp on the control loop."""

from __future__ import annotations

__all__ = ["Preview", "WebServer"]

import asyncio
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from importlib.resources import files
from typing import Any, Final, Protocol

from aiohttp import hdrs, web

from bridge.model.board import ProblemBoard
from bridge.model.errors import Issue, ScopeBridgeError
from bridge.model.eventlog import EventLog
from bridge.model.frames import LatestSlot
from bridge.model.targets import ACTIONS, EFFECTS, MACROS, Intent
from bridge.web.api import BadRequestError, action_intent, param_intents, target_intents
from bridge.web.guard import guard
from bridge.web.metrics import metrics_text
from bridge.web.monitor import PAUSE_S, QUIET_PAUSES, messages_of
from bridge.web.settings import WebSettings, is_loopback

logger = logging.getLogger(__name__)

PART: Final = "web"
MAX_BODY: Final = 64 * 1024
MAX_WATCHERS: Final = 16
RETRY_S: Final = 5.0
SHORTEST_TOKEN: Final = 12


class Preview(Protocol):
    """The preview output, as the page needs it."""

    slot: LatestSlot[bytes]
    """The newest JPEG."""

    def watch(self) -> AbstractContextManager[object]:
        """Pictures are encoded only while somebody is inside this context."""


class WebServer:
    """Serves the page and the API; a port in use is a degraded state that is retried for ever.

    Args:
        status: the whole status document, as plain JSON values.
        post: takes an intent and gives what is wrong with it; called on the control loop.
        preview: where pictures come from, None without one.
        complaints: what the watchdog says; empty means healthy.
        events: what arrives and what it does, for the monitor.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        status: Callable[[], Mapping[str, Any]],
        post: Callable[[Intent], Issue | None],
        preview: Preview | None,
        complaints: Callable[[], tuple[str, ...]],
        board: ProblemBoard,
        clock: Callable[[], float],
        events: EventLog | None = None,
    ) -> None:
        self._settings = settings
        self._status = status
        self._post = post
        self._preview = preview
        self._complaints = complaints
        self._board = board
        self._clock = clock
        self._observed = events or EventLog()
        self._runner: web.AppRunner | None = None
        self._binding: asyncio.Task[None] | None = None
        self.watchers = 0
        """Streams that are being read now."""
        self._stopping = asyncio.Event()
        # Waiting for a picture blocks a thread; these are kept apart so that viewers never starve other work.
        self._waiters = ThreadPoolExecutor(MAX_WATCHERS, thread_name_prefix="web-wait")
        self.url: str | None = None

    async def start(self) -> None:
        """Begin to serve; returns after the first attempt to bind."""
        if not self._settings.enabled:
            return
        if (problem := self._token_problem()) is not None:
            self._board.pin(PART, "no-token", problem, "Set SCOPE_BRIDGE_WEB__TOKEN, or bind 127.0.0.1.")
            return
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        if not await self._bind(self._runner):
            self._binding = asyncio.create_task(self._keep_binding(self._runner), name="web-bind")

    async def stop(self) -> None:
        """End every stream and close the port."""
        self._stopping.set()
        if self._binding is not None:
            self._binding.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        self._waiters.shutdown(wait=False, cancel_futures=True)

    def _token_problem(self) -> str | None:
        if is_loopback(self._settings.address):
            return None
        token = self._settings.token
        if token is None:
            return f"The page is not served: {self._settings.address} is seen by the network and no token is set."
        if len(token.get_secret_value()) < SHORTEST_TOKEN:
            return f"The page is not served: its token is shorter than {SHORTEST_TOKEN} characters."
        return None

    async def _bind(self, runner: web.AppRunner) -> bool:
        settings = self._settings
        site = web.TCPSite(runner, settings.address, settings.port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            if site in runner.sites:
                await site.stop()
            self._board.pin(
                PART,
                "bind",
                f"The page cannot listen on {settings.address}:{settings.port}: {os.strerror(error.errno) if error.errno else error}.",
                "Is another Scope Bridge running? Set web.port to a free one.",
            )
            return False
        self._board.clear(PART, "bind")
        host, port = runner.addresses[0][:2]
        self.url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        return True

    async def _keep_binding(self, runner: web.AppRunner) -> None:
        while not self._stopping.is_set():
            await self._pause(RETRY_S)
            if await self._bind(runner):
                return

    def _application(self) -> web.Application:
        settings = self._settings
        hosts = {"127.0.0.1", "localhost", "::1", settings.address, *settings.allowed_hosts}
        token = settings.token.get_secret_value() if settings.token else None
        application = web.Application(
            middlewares=[
                guard(hosts, token, lambda reason, example: self._board.reject(PART, reason, example)),
                self._errors,
            ],
            client_max_size=MAX_BODY,
        )
        static = files("bridge.web") / "static"
        for path, name, content_type in (
            ("/", "index.html", "text/html"),
            ("/app.js", "app.js", "text/javascript"),
            ("/style.css", "style.css", "text/css"),
        ):
            application.router.add_get(path, _static((static / name).read_bytes(), content_type))
        application.router.add_get("/api/v1/status", self._get_status)
        application.router.add_get("/api/v1/targets", self._get_targets)
        application.router.add_get("/api/v1/events", self._get_events)
        application.router.add_get("/api/v1/monitor", self._get_monitor)
        application.router.add_get("/api/v1/preview.jpg", self._get_jpeg)
        application.router.add_get("/api/v1/preview.mjpeg", self._get_mjpeg)
        application.router.add_post("/api/v1/actions/{name}", self._post_action)
        application.router.add_post("/api/v1/params", self._post_params)
        application.router.add_post("/api/v1/targets", self._post_targets)
        application.router.add_get("/healthz", self._get_health)
        application.router.add_get("/metrics", self._get_metrics)
        return application

    @web.middleware
    async def _errors(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            response = await handler(request)
        except BadRequestError as error:
            self._board.reject(PART, "bad request", f"{request.path}: {error.message}")
            return web.json_response({"error": error.message, "hint": error.hint}, status=400)
        except ScopeBridgeError as error:
            return web.json_response({"error": error.message, "hint": error.hint}, status=500)
        except web.HTTPException as error:
            if error.status == web.HTTPRequestEntityTooLarge.status_code:
                self._board.reject(PART, "body too large", request.path)
            hint = {404: "See the README for the API.", 413: f"Send at most {MAX_BODY // 1024} KiB."}.get(
                error.status, ""
            )
            body = {"error": error.reason, "hint": hint}
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return web.json_response(body, status=error.status, headers=headers)
        return response

    async def _get_status(self, _: web.Request) -> web.Response:
        return _json(self._status())

    async def _get_targets(self, _: web.Request) -> web.Response:
        return _json({"actions": ACTIONS, "macros": MACROS, "effects": EFFECTS})

    async def _post_action(self, request: web.Request) -> web.Response:
        return self._take(action_intent(request.match_info["name"], await request.read(), self._clock()))

    async def _post_params(self, request: web.Request) -> web.Response:
        return self._take(*param_intents(await request.read(), self._clock()))

    async def _post_targets(self, request: web.Request) -> web.Response:
        return self._take(*target_intents(await request.read(), self._clock()))

    def _take(self, *intents: Intent) -> web.Response:
        """Act; 202 with what was taken and what was refused, 422 where nothing was taken."""
        taken, refused = [], []
        for intent in intents:
            issue = self._post(intent)
            if issue is None:
                taken.append(intent.target)
            else:
                refused.append({"target": intent.target, "error": issue.message, "hint": issue.hint})
        if refused and not taken:
            return _json({"error": refused[0]["error"], "hint": refused[0]["hint"], "refused": refused}, status=422)
        return _json({"taken": taken, "refused": refused}, status=202)

    async def _get_health(self, _: web.Request) -> web.Response:
        complaints = self._complaints()
        return _json({"healthy": not complaints, "complaints": complaints}, status=503 if complaints else 200)

    async def _get_metrics(self, _: web.Request) -> web.Response:
        text = metrics_text(self._status(), self._board.rejected)
        return web.Response(text=text, headers={hdrs.CONTENT_TYPE: "text/plain; version=0.0.4; charset=utf-8"})

    async def _get_events(self, request: web.Request) -> web.StreamResponse:
        """Status as server-sent events. A slow reader gets fewer of them, never old ones."""

        async def tell(response: web.StreamResponse) -> None:
            while not self._stopping.is_set():
                data = json.dumps(self._status(), separators=(",", ":"))
                await response.write(f"event: status\ndata: {data}\n\n".encode())
                await self._pause(1 / self._settings.events_hz)

        return await self._stream(request, "text/event-stream", tell)

    async def _get_monitor(self, request: web.Request) -> web.StreamResponse:
        """What arrives and what it does as server-sent events, described only while somebody reads this."""

        async def tell(response: web.StreamResponse) -> None:
            quiet = 0
            await response.write(b": watching\n\n")
            while not self._stopping.is_set():
                await self._pause(PAUSE_S)
                text = messages_of(*watch.take(), behind_s=time.time() - self._clock())
                quiet = 0 if text else quiet + 1
                if text or quiet % QUIET_PAUSES == 0:
                    # A comment now and then, or a reader who left would never be noticed.
                    await response.write(text or b": nothing\n\n")

        with self._observed.watch() as watch:
            return await self._stream(request, "text/event-stream", tell)

    async def _get_jpeg(self, _: web.Request) -> web.Response:
        if self._preview is None:
            return _no_preview()
        with self._preview.watch():
            picture, _newest = await self._next_picture(self._preview.slot, self._preview.slot.puts, 2.0)
        if picture is None:
            return _no_preview()
        return web.Response(body=picture, content_type="image/jpeg", headers={"Cache-Control": "no-store"})

    async def _get_mjpeg(self, request: web.Request) -> web.StreamResponse:
        """Newest picture after newest picture; those a slow reader has no time for are skipped."""
        if self._preview is None:
            return _no_preview()
        slot = self._preview.slot

        async def show(response: web.StreamResponse) -> None:
            count = 0
            while not self._stopping.is_set():
                picture, newest = await self._next_picture(slot, count, 1.0)
                if picture is None or newest == count:
                    continue
                count = newest
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                await response.write(head.encode() + picture + b"\r\n")

        with self._preview.watch():
            return await self._stream(request, "multipart/x-mixed-replace; boundary=frame", show)

    async def _next_picture(self, slot: LatestSlot[bytes], than: int, seconds: float) -> tuple[bytes | None, int]:
        return await asyncio.get_running_loop().run_in_executor(self._waiters, slot.wait_newer, than, seconds)

    async def _stream(
        self, request: web.Request, content_type: str, write: Callable[[web.StreamResponse], Awaitable[None]]
    ) -> web.StreamResponse:
        """Let ``write`` fill a response without end; a viewer who leaves ends it."""
        if self.watchers >= MAX_WATCHERS:
            raise web.HTTPServiceUnavailable(reason=f"More than {MAX_WATCHERS} pages are open.")
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: content_type, "Cache-Control": "no-store"})
        self.watchers += 1
        try:
            await response.prepare(request)
            await write(response)
        except ConnectionError:
            logger.debug("a viewer of %s left", request.path)
        finally:
            self.watchers -= 1
        return response

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


def _static(body: bytes, content_type: str) -> Callable[[web.Request], Any]:
    headers = {
        "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)

    return serve


def _json(value: Any, status: int = 200) -> web.Response:
    return web.json_response(value, status=status, headers={"Cache-Control": "no-store"})


def _no_preview() -> web.Response:
    return _json({"error": "There is no preview picture.", "hint": "Set outputs.preview.enabled = true."}, status=404)
