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

from bridge.model.errors import ScopeProtocolError, ScopeRefused, ScopeSilent, ScopeUnreachable
from bridge.model.facts import PipelineSchema
from bridge.scope.replies import Answer, Health, IceServer, LoadState, LogTail, SessionMetrics
from bridge.scope.schemas import parse_schemas
from bridge.scope.trouble import no_connection, redirected, silent_proxy
from bridge.scope.urls import is_loopback, is_runpod, mask_url

LIMIT: Final = 1_000_000
SCHEMAS_LIMIT: Final = 2_000_000
_SESSION: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_GONE: Final = frozenset({404, 405, 501})

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
        """Ask for a pipeline, with one body that every version takes; loading goes on in the background."""
        body = {"pipeline_id": pipeline, "pipeline_ids": [pipeline], "load_params": dict(params)}
        await self._json("POST", "/api/v1/pipeline/load", body)

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

    async def metrics(self) -> SessionMetrics | None:
        """Frames in and out on the server; None where it does not count them."""
        found = await self._optional("/api/v1/session/metrics")
        return None if found is None else SessionMetrics.parse(found)

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
        text = await self._request(method, path, body, query=query, limit=limit)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            what = "a web page" if text.lstrip()[:1] == b"<" else "something"
            raise ScopeProtocolError(
                f"{self._shown}{path} answered with {what} that is not JSON.",
                hint="Check that the address is a Daydream Scope server and not another program.",
            ) from error

    async def _request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        limit: int = LIMIT,
    ) -> bytes:
        params = {**self._query, **(query or {})}
        request = self._http.build_request(method, self._base + path, params=params or None, json=body)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._http.send(request, stream=True)
                try:
                    content = await self._read(response, path, limit)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise self._silent(path) from error
        except httpx.TimeoutException as error:
            raise self._silent(path) from error
        except httpx.HTTPError as error:
            raise no_connection(error, self._shown) from error
        self._check_status(response, path, content)
        return content

    async def _read(self, response: httpx.Response, path: str, limit: int) -> bytes:
        # A few compressed kilobytes unpack to gigabytes before anybody can count them.
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ScopeProtocolError(
                f"{self._shown}{path} sent a compressed answer, which was not asked for.",
                hint="Switch compression off in the proxy in front of Scope.",
            )
        content = bytearray()
        async for piece in response.aiter_raw():
            content += piece
            if len(content) > limit:
                raise ScopeProtocolError(
                    f"{self._shown}{path} sent more than {limit // 1000} kB.",
                    hint="Check that the address is a Daydream Scope server and not another program.",
                )
        return bytes(content)

    def _silent(self, path: str) -> ScopeSilent:
        return ScopeSilent(
            f"{self._shown}{path} gave no answer within {self._timeout:g} s.",
            hint="Check the network, and that the server is not busy loading; scope.http_timeout_s is the limit.",
        )

    def _check_status(self, response: httpx.Response, path: str, content: bytes) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        detail = _detail(content)
        if 300 <= status < 400:
            raise redirected(self._shown + path, status, response.headers.get("location"))
        if is_runpod(self._url) and detail is None and (trouble := _RUNPOD.get(status)):
            raise ScopeUnreachable(trouble[0], hint=trouble[1])
        if detail is None and (behind := silent_proxy(status, self._shown)):
            raise behind
        if status == 404 and path == "/health":
            raise ScopeUnreachable(
                f"{self._shown} answers, but is not a Scope server (no /health).",
                hint="Check address and port in scope.urls; Scope listens on 8000.",
            )
        if status in (401, 403):
            raise ScopeRefused(
                f"{self._shown} wants a login (HTTP {status}).",
                status=status,
                hint="Put user and password into the address: https://user:password@host.",
            )
        told = f": {detail}" if detail else ""
        raise ScopeRefused(
            f"{self._shown}{path} refused (HTTP {status}){told}.", status=status, hint="The server's log says more."
        )


_RUNPOD: Final = {
    404: (
        "RunPod's proxy knows no running pod at this address.",
        "Start it (scope-bridge pod start), or correct its id in scope.urls; port 8000 must be exposed as HTTP.",
    ),
    502: ("The pod runs, but Scope does not answer yet.", "It is probably still starting; this is tried again."),
    503: ("The pod is not ready yet.", "It is probably still starting; this is tried again."),
    524: (
        "RunPod's proxy gave up waiting for Scope.",
        "Scope hangs or is overloaded; restart the pod if this goes on.",
    ),
}


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
