"""The server's HTTP API: bounded in time and size, every failure told in one sentence (scope-protocol section 2)."""

from __future__ import annotations

__all__ = ["ScopeApi", "trust"]

import asyncio
import functools
import json
import logging
import re
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx

from bridge.model.errors import ScopeProtocolError, ScopeRefused, ScopeUnreachable
from bridge.model.facts import PipelineSchema
from bridge.scope.causes import cause_of, is_gateway
from bridge.scope.replies import (
    Answer,
    Asset,
    Health,
    IceServer,
    LoadState,
    LogTail,
    SessionMetrics,
    parse_load_fields,
    parse_vram,
)
from bridge.scope.schemas import parse_schemas
from bridge.scope.troubles import trouble_error
from bridge.scope.urls import is_loopback, is_runpod, mask_url

LIMIT: Final = 1_000_000
SCHEMAS_LIMIT: Final = 2_000_000
UPLOAD_S: Final = 30.0
"""Longest wait for an upload: a megabyte over a venue's slow uplink."""
_SESSION: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_GONE: Final = frozenset({404, 405, 501})
_WRONG_BODY: Final = frozenset({400, 422})

# httpx logs whole URLs at INFO, passwords included.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


class ScopeApi:
    """One server's HTTP API, December 2025 to 0.2.4.

    Every call raises ScopeUnreachable (no answer, or not Scope's), ScopeRefused (an error status) or
    ScopeProtocolError (a shape Scope does not send), within ``timeout`` seconds and a few megabytes.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url = url
        self._shown = mask_url(url)
        self._timeout = timeout
        base = httpx.URL(url)
        auth = httpx.BasicAuth(base.username, base.password) if base.userinfo else None
        self._query = dict(base.params)
        self._base = str(base.copy_with(username=None, password=None, query=None)).rstrip("/")
        self._http = httpx.AsyncClient(
            auth=auth,
            timeout=timeout,
            follow_redirects=False,
            trust_env=not is_loopback(url),
            verify=base.scheme == "https" and trust(),  # plain HTTP has nothing to verify
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=2),
            headers={"User-Agent": "scope-bridge", "Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def health(self) -> Health:
        """``GET /health``; at the root, never under ``/api/v1``."""
        return Health.parse(await self._json("GET", "/health"))

    async def load(self, pipeline: str, params: Mapping[str, Any]) -> None:
        """Ask for a pipeline; loading goes on in the background.

        The first body is one that every known version takes; a version that refuses it is tried with the body of its
        own that holds nothing else (scope-protocol section 3).
        """
        given = dict(params)
        refused: ScopeRefused | None = None
        for body in (
            {"pipeline_id": pipeline, "pipeline_ids": [pipeline], "load_params": given},
            {"pipelines": [{"node_id": pipeline, "pipeline_id": pipeline, "load_params": given}]},
            {"pipeline_ids": [pipeline], "load_params": given},
            {"pipeline_id": pipeline, "load_params": given},
        ):
            try:
                await self._json("POST", "/api/v1/pipeline/load", body)
            except ScopeRefused as error:
                if error.status not in _WRONG_BODY:
                    raise
                refused = refused or error
            else:
                return
        if refused is not None:
            raise trouble_error(
                functools.partial(ScopeRefused, status=refused.status), "load-refused", detail=refused.message
            ) from refused

    async def load_fields(self) -> frozenset[str] | None:
        """The names that the server's own description (OpenAPI) gives to the body of a load; None where it has none."""
        try:
            found = await self._optional("/openapi.json", limit=SCHEMAS_LIMIT)
        except ScopeProtocolError:
            return None
        return None if found is None else parse_load_fields(found)

    async def load_state(self) -> LoadState:
        """What is loaded now. An ``error`` is told once, to whoever asks first."""
        return LoadState.parse(await self._json("GET", "/api/v1/pipeline/status"))

    async def schema_document(self) -> Any:
        """Every pipeline's schema as the server tells it; None where it is too old to tell."""
        return await self._optional("/api/v1/pipelines/schemas", limit=SCHEMAS_LIMIT)

    async def schemas(self) -> Mapping[str, PipelineSchema] | None:
        """Every pipeline's schema; None where the server is too old to tell."""
        found = await self.schema_document()
        return None if found is None else parse_schemas(found)

    async def ice_servers(self) -> tuple[IceServer, ...]:
        """The server's STUN and TURN servers; empty where it has no such endpoint."""
        found = await self._optional("/api/v1/webrtc/ice-servers")
        return () if found is None else IceServer.parse_all(found)

    async def offer(self, sdp: str, initial: Mapping[str, Any]) -> Answer:
        """Offer a session; ScopeRefused with status 422 means that ``initial`` was not accepted."""
        body = {"sdp": sdp, "type": "offer", "initialParameters": dict(initial)}
        return Answer.parse(await self._json("POST", "/api/v1/webrtc/offer", body))

    async def delete_session(self, session: str) -> bool:
        """End a session on the server; False where the server cannot (before v0.1.7)."""
        if not _SESSION.fullmatch(session):
            return False
        try:
            await self._request("DELETE", f"/api/v1/webrtc/offer/{session}")
        except ScopeRefused as error:
            if error.status in _GONE:
                return False
            raise
        return True

    async def upload_asset(self, name: str, content: bytes) -> str:
        """``POST /api/v1/assets``: store a picture on the server; the path it is known by there, to be used verbatim.

        The same name again replaces the file. Takes longer than other calls may: ``UPLOAD_S``.
        """
        query = {"filename": name}
        text = await self._request("POST", "/api/v1/assets", query=query, upload=content, patience=UPLOAD_S)
        return Asset.parse(self._parsed("/api/v1/assets", text)).path

    async def metrics(self) -> SessionMetrics | None:
        """Frames in and out on the server; None where it does not count them."""
        found = await self._optional("/api/v1/session/metrics")
        return None if found is None else SessionMetrics.parse(found)

    async def hardware_gb(self) -> float | None:
        """The GPU's memory in GB; None where the server has no GPU or does not say."""
        found = await self._optional("/api/v1/hardware/info")
        return None if found is None else parse_vram(found)

    async def log_tail(self, *, lines: int = 200, since: int | None = None) -> LogTail | None:
        """The newest log lines, 1 to 1000; None where the server has no such endpoint."""
        query: dict[str, Any] = {"lines": lines} if since is None else {"lines": lines, "since_offset": since}
        found = await self._optional("/api/v1/logs/tail", query=query)
        return None if found is None else LogTail.parse(found)

    async def has_gpu(self) -> bool | None:
        """Whether the server's machine has a GPU; None where the server cannot tell."""
        found = await self._optional("/api/v1/hardware/info")
        if not isinstance(found, dict) or "vram_gb" not in found:
            return None
        memory = found["vram_gb"]
        return isinstance(memory, int | float) and memory > 0

    async def _optional(self, path: str, *, query: Mapping[str, Any] | None = None, limit: int = LIMIT) -> Any:
        try:
            return await self._json("GET", path, query=query, limit=limit)
        except ScopeRefused as error:
            if error.status in _GONE:
                return None
            raise

    async def _json(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None, limit: int = LIMIT
    ) -> Any:
        return self._parsed(path, await self._request(method, path, body, query=query, limit=limit))

    def _parsed(self, path: str, text: bytes) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            what = "a web page" if text.lstrip()[:1] == b"<" else "something"
            raise self._not_scope(f"{path} is {what} that is not JSON") from error

    async def _request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        limit: int = LIMIT,
        upload: bytes | None = None,
        patience: float = 0.0,
    ) -> bytes:
        """The answer's body. ``upload`` is sent as it is instead of ``body``; ``patience`` may only lengthen the wait."""
        params = {**self._query, **(query or {})}
        seconds = max(patience, self._timeout)
        headers = None if upload is None else {"Content-Type": "application/octet-stream"}
        request = self._http.build_request(
            method,
            self._base + path,
            params=params or None,
            json=body,
            content=upload,
            headers=headers,
            timeout=seconds,
        )
        try:
            async with asyncio.timeout(seconds):
                response = await self._http.send(request, stream=True)
                try:
                    content = await self._read(response, path, limit)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise self._silent(path, seconds) from error
        except httpx.TimeoutException as error:
            raise self._silent(path, seconds) from error
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        self._check_status(response, path, content)
        return content

    async def _read(self, response: httpx.Response, path: str, limit: int) -> bytes:
        # A few compressed kilobytes unpack to gigabytes before anybody can count them.
        if response.headers.get("content-encoding", "identity") != "identity":
            raise trouble_error(ScopeProtocolError, "compressed", server=self._shown, path=path)
        content = bytearray()
        async for piece in response.aiter_raw():
            content += piece
            if len(content) > limit:
                raise self._not_scope(f"{path} sent more than {limit // 1000} kB")
        return bytes(content)

    def _silent(self, path: str, seconds: float) -> ScopeUnreachable:
        return trouble_error(ScopeUnreachable, "no-answer", server=self._shown, path=path, seconds=seconds)

    def _not_scope(self, detail: str) -> ScopeProtocolError:
        return trouble_error(ScopeProtocolError, "not-scope", server=self._shown, detail=detail)

    def _unreachable(self, error: httpx.HTTPError) -> ScopeUnreachable:
        code, detail = cause_of(error)
        return trouble_error(ScopeUnreachable, code, server=self._shown, detail=detail)

    def _check_status(self, response: httpx.Response, path: str, content: bytes) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        detail = _detail(content)
        if 300 <= status < 400:
            leads_to = _shown_target(response.headers.get("location"))
            raise trouble_error(
                ScopeUnreachable, "redirect", server=self._shown, path=path, status=status, target=leads_to
            )
        if is_runpod(self._url) and detail is None and (code := _RUNPOD.get(status)):
            raise trouble_error(ScopeUnreachable, code)
        if detail is None and is_gateway(status):
            raise trouble_error(ScopeUnreachable, "proxy", server=self._shown, status=status)
        if status == 404 and path == "/health":
            raise trouble_error(ScopeUnreachable, "not-scope", server=self._shown, detail="it has no /health")
        refused = functools.partial(ScopeRefused, status=status)
        if status in (401, 403):
            raise trouble_error(refused, "login", server=self._shown, status=status)
        told = f": {detail}" if detail else ""
        raise trouble_error(refused, "refused", server=self._shown, path=path, status=status, detail=told)


_RUNPOD: Final = {404: "pod-stopped", 502: "pod-booting", 503: "pod-not-ready", 524: "pod-hangs"}


def _shown_target(location: str | None) -> str:
    """Where a redirection leads, without secrets. It is never followed: prompts go where the user said only."""
    return mask_url(location)[:200] if location and location.isprintable() else "another place"


@functools.cache
def trust() -> ssl.SSLContext:
    """The authorities to believe; read once, because reading them takes tens of milliseconds of the media loop."""
    return httpx.create_ssl_context()


def _detail(content: bytes) -> str | None:
    """FastAPI's error text in one line of at most 300 characters, or None when the body is not Scope's."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, str):
        return " ".join(detail.split())[:300].rstrip(".")
    if isinstance(detail, list):
        items = [item for item in detail if isinstance(item, dict)]
        told = [f"{'.'.join(str(step) for step in _steps(item))} {item.get('msg', '')}".strip() for item in items]
        return "; ".join(told)[:300].rstrip(".")
    return None


def _steps(item: Mapping[str, Any]) -> list[Any]:
    place = item.get("loc")
    return place if isinstance(place, list) else []
