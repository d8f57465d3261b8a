"""The doctor's walk to one Scope server, step by step from the outside (issue 3 part 4).

Changes nothing on the server unless it is told to load or to connect.
"""

from __future__ import annotations

__all__ = ["Finding", "examine"]

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeError, ScopeRefused, ScopeSessionLost
from bridge.model.facts import PipelineSchema
from bridge.scope.api import ScopeApi
from bridge.scope.diagnosis import Evidence, diagnose, logged
from bridge.scope.fitting import choose_mode, input_size, judge_version, too_large
from bridge.scope.ice import Ice
from bridge.scope.ladder import IcePlan
from bridge.scope.loading import Loader
from bridge.scope.notices import quietly
from bridge.scope.pictures import newest
from bridge.scope.replies import Health
from bridge.scope.sending import SendingTrack
from bridge.scope.session import MediaSession
from bridge.scope.settings import ScopeSettings
from bridge.scope.troubles import Diagnosis, diagnosis
from bridge.scope.urls import is_loopback, is_runpod, mask_url

CLOCK_OFF_S: Final = 30.0
_CONNECT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict: ``ok``, ``warn`` (it works, but) or ``fail``. ``code`` is a row of the catalogue of troubles, or empty."""

    level: Literal["ok", "warn", "fail"]
    message: str
    hint: str = ""
    code: str = ""


async def examine(
    url: str, settings: ScopeSettings, *, load: bool, connect: bool, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Finding]:
    """Walk to a server; ends at the first step without which no other makes sense.

    Args:
        load: load the configured pipeline unless it is loaded.
        connect: make a session, wait for its first frame, and end it; needs a loaded pipeline.
    """
    async for found in _reach(url):
        yield found
        if found.level == "fail":
            return
    async with ScopeApi(url, timeout=settings.http_timeout_s) as api:
        walk = _Walk(url, settings, api, clock)
        for step in (
            walk.health,
            walk.pipelines,
            walk.hardware,
            walk.load_body,
            walk.loaded,
            walk.sessions,
            walk.log,
        ):
            try:
                async for found in step():
                    yield found
            except ScopeError as error:
                yield _failed(error)
                if step == walk.health:
                    return
        try:
            if load:
                async for found in walk.load():
                    yield found
            if connect:
                async for found in walk.connect():
                    yield found
        except ScopeError as error:
            yield _failed(error)


async def _reach(url: str) -> AsyncIterator[Finding]:
    """Name and port; what follows is HTTP's business."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    where = "this machine" if is_loopback(url) else "RunPod's proxy" if is_runpod(url) else "the network"
    yield Finding("ok", f"{mask_url(url)} is an address on {where}.")
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        yield _fail(diagnosis("dns", server=mask_url(url)))
        return
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    yield Finding("ok", f"{host} is {', '.join(addresses)}.")
    began = time.monotonic()
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        yield _fail(diagnosis("no-answer", server=f"{host}:{port}", path="", seconds=_CONNECT_S))
        return
    except OSError as error:
        yield _fail(diagnosis("unreachable", server=f"{host}:{port}", detail=error.strerror or "no route"))
        return
    writer.close()
    yield Finding("ok", f"port {port} takes connections, within {(time.monotonic() - began) * 1000:.0f} ms.")


class _Walk:
    """The steps over HTTP; each uses what those before it found."""

    def __init__(self, url: str, settings: ScopeSettings, api: ScopeApi, clock: Callable[[], float]) -> None:
        self._url = url
        self._settings = settings
        self._api = api
        self._clock = clock
        self._health = Health()
        self._schemas: Mapping[str, PipelineSchema] = {}
        self._ice = Ice(settings, board=ProblemBoard(), clock=clock)
        self._loader = Loader(
            settings.pipeline, settings.load_params.as_params(), timeout=settings.load_timeout_s, clock=clock
        )

    async def health(self) -> AsyncIterator[Finding]:
        """TLS, ``/health``, version and clock."""
        self._health = health = await self._api.health()
        if self._url.startswith("https"):
            yield Finding("ok", "its certificate is valid.")
        age = f", up for {health.age_s / 60:.0f} minutes" if health.age_s is not None else ""
        yield Finding("ok", f"healthy, version {health.version or 'of 2025'}{age}.")
        if (old := judge_version(health.version)) is not None:
            yield _warn(old)
        if health.now is not None:
            off = health.now - time.time()
            if abs(off) > CLOCK_OFF_S:
                yield Finding(
                    "warn",
                    f"its clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} this machine's.",
                    "Set both by NTP: passwords and certificates that expire depend on it.",
                )
            else:
                yield Finding("ok", "its clock agrees with this machine's.")

    async def pipelines(self) -> AsyncIterator[Finding]:
        """Whether the server has the pipeline, and its mode."""
        wanted = self._settings.pipeline
        schemas = await self._api.schemas()
        if schemas is None:
            yield Finding(
                "warn", "it does not list its pipelines.", "It is old: what it can do is taken from a list of ours."
            )
            return
        self._schemas = schemas
        offered = ", ".join(sorted(schemas))
        if wanted and wanted not in schemas:
            yield _fail(diagnosis("unknown-pipeline", pipeline=wanted, detail="", offered=offered or "none"))
            return
        yield Finding("ok", f"it has {wanted or f'these pipelines: {offered}'}.")
        if (schema := schemas.get(wanted)) is not None:
            _, unfit = choose_mode(self._settings.input_mode, wanted, schema)
            if unfit is not None:
                yield _warn(unfit)

    async def hardware(self) -> AsyncIterator[Finding]:
        """The GPU against the pipeline's estimate."""
        there = await self._api.hardware_gb()
        schema = self._schemas.get(self._settings.pipeline)
        small = too_large(schema, there, quantized=self._settings.load_params.quantization is not None)
        if small is not None:
            yield _warn(small)
        elif there is not None:
            wants = f"; {schema.id} wants about {schema.vram_gb:g}" if schema is not None and schema.vram_gb else ""
            yield Finding("ok", f"its GPU has {there:g} GB{wants}.")
        else:
            yield Finding(
                "warn", "it names no GPU.", "Right for the rehearsal server; a pod may have come back without its GPU."
            )

    async def load_body(self) -> AsyncIterator[Finding]:
        """Whether its own description of the request to load knows a form that the bridge sends."""
        fields = await self._api.load_fields()
        if fields is None:
            yield Finding(
                "warn", "it does not describe how it loads.", "To try it in earnest: scope-bridge doctor --load"
            )
        elif fields & {"pipelines", "pipeline_ids", "pipeline_id"}:
            yield Finding("ok", "it takes the request to load.")
        else:
            yield _fail(diagnosis("load-refused", detail=f"it knows {', '.join(sorted(fields)) or 'no field'}"))

    async def loaded(self) -> AsyncIterator[Finding]:
        """What is loaded now."""
        state = await self._api.load_state()
        if state.status == "loading":
            yield Finding(
                "warn", f"it is loading{f' ({state.stage})' if state.stage else ''}.", "Wait for it, then ask again."
            )
        elif self._loader.fits(state):
            yield Finding("ok", f"{state.pipeline} is loaded as configured.")
        elif state.status == "loaded":
            yield Finding(
                "warn",
                f"{state.pipeline} is loaded, not what is configured.",
                "The daemon loads its own when it starts; if it runs, another client changed it.",
                "foreign-pipeline",
            )
        elif not self._settings.pipeline:
            yield _fail(diagnosis("no-pipeline"))
        else:
            yield Finding("ok", "nothing is loaded yet: the daemon does that.")

    async def sessions(self) -> AsyncIterator[Finding]:
        """Who else uses the GPU."""
        metrics = await self._api.metrics()
        if metrics is None:
            yield Finding("warn", "it does not tell its sessions.")
        elif metrics.sessions:
            rate = f" ({metrics.fps_out:.0f} frames a second)" if metrics.fps_out else ""
            yield Finding("warn", f"a session plays on it{rate}.", "Fine when it is your daemon's; two share the GPU.")
        else:
            yield Finding("ok", "nobody plays on it.")

    async def log(self) -> AsyncIterator[Finding]:
        """Known errors among its newest log lines."""
        tail = await self._api.log_tail()
        if tail is None:
            yield Finding("warn", "it does not show its log.")
        elif (told := logged(tail.lines)) is not None:
            yield Finding("warn", f"its log says, not long ago: {told.message}", told.hint, told.code)
        else:
            yield Finding("ok", f"its newest {len(tail.lines)} log lines name no known trouble.")

    async def load(self) -> AsyncIterator[Finding]:
        """Load the pipeline in earnest."""
        began = self._clock()
        state = await self._loader.ensure(self._api, lambda stage: None)
        yield Finding("ok", f"{state.pipeline} is loaded, after {self._clock() - began:.1f} s.")

    async def connect(self) -> AsyncIterator[Finding]:
        """A session of our own, up to its first frame; it is ended again."""
        state = await self._api.load_state()
        if state.status != "loaded":
            yield Finding("fail", "no session can be tried: nothing is loaded.", "Add --load.")
            return
        mode, _ = choose_mode(self._settings.input_mode, state.pipeline, self._schemas.get(state.pipeline))
        ours, began = "", self._clock()
        size = input_size(state, self._settings.load_params) if mode == "video" else None

        def session(plan: IcePlan) -> MediaSession:
            sending = SendingTrack(None, size, clock=self._clock) if size is not None else None
            return MediaSession(ice=plan, codec=self._settings.codec, sending=sending, on_ready=lambda: None)

        media = await self._ice.gather(self._url, self._api.ice_servers, session)
        try:
            answer = await self._api.offer(await media.offer(), {"pipeline_ids": [state.pipeline], "input_mode": mode})
            ours = answer.session
            await media.accept(answer.sdp)
            yield await self._first_frame(media, mode, began)
        finally:
            await media.close()
            if ours:
                await quietly(self._api.delete_session(ours))

    async def _first_frame(self, media: MediaSession, mode: str, began: float) -> Finding:
        async def arrives() -> str:
            picture, _ = await newest(await media.video())
            return f"{picture.width}x{picture.height}"

        arriving, ending = asyncio.ensure_future(arrives()), asyncio.ensure_future(media.ended())
        try:
            await asyncio.wait(
                (arriving, ending), timeout=self._settings.first_frame_timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            if arriving.done():
                return Finding("ok", f"the first frame, {arriving.result()}, after {self._clock() - began:.1f} s.")
            if ending.done():
                ending.result()
        except ScopeSessionLost as error:
            return _failed(error)
        finally:
            arriving.cancel()
            ending.cancel()
            await asyncio.gather(arriving, ending, return_exceptions=True)
        tail = await quietly(self._api.log_tail())
        return _fail(
            diagnose(
                Evidence(
                    first_frame=True,
                    silence_s=self._clock() - began,
                    connection=media.connection,
                    mode=mode,
                    metrics=await quietly(self._api.metrics()),
                    log=tail.lines if tail is not None else (),
                    stale_turn=self._ice.stale(self._health.started),
                )
            )
        )


def _fail(found: Diagnosis) -> Finding:
    return Finding("fail", found.message, found.hint, found.code)


def _warn(found: Diagnosis) -> Finding:
    return Finding("warn", found.message, found.hint, found.code)


def _failed(error: ScopeError) -> Finding:
    code = error.code or ("refused" if isinstance(error, ScopeRefused) else "")
    return Finding("fail", error.message, error.hint, code)
