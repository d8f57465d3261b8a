"""RunPod's REST API, version 2: four calls, bounded in time and size, every failure one clear error (cloud section 3)."""

from __future__ import annotations

__all__ = ["KEY_VARIABLE", "RunPod", "read_key"]

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Literal, Self

import httpx
from pydantic import SecretStr

from bridge.model.errors import PodError, PodKeyRefused, PodRefused, PodUnreachable
from bridge.scope.api import trust
from bridge.scope.pods.pod import Pod, parse_pod, parse_pods
from bridge.scope.urls import is_loopback

KEY_VARIABLE: Final = "RUNPOD_API_KEY"
LIMIT: Final = 2_000_000
_LONGEST_DETAIL: Final = 300
_RATE: Final = re.compile(r"(?:^|;|,)\s*(?:t|reset)\s*=\s*(\d{1,9})")


def read_key(environ: Mapping[str, str]) -> SecretStr | None:
    """The API key, from the environment and nowhere else; None without one or with one no header can carry."""
    key = environ.get(KEY_VARIABLE, "").strip()
    return SecretStr(key) if key and key.isascii() and key.isprintable() else None


class RunPod:
    """The account's pods.

    Every call raises PodUnreachable (try later), PodKeyRefused or PodRefused, within ``timeout`` seconds. The key is in
    no message: what RunPod quotes of it is masked.
    """

    def __init__(self, api_url: str, key: SecretStr, *, timeout: float) -> None:
        self._url = api_url
        self._key = key
        self._timeout = timeout
        self._http = httpx.AsyncClient(
            timeout=timeout,
            follow_redirects=False,  # the key goes to nobody else
            trust_env=not is_loopback(api_url),
            verify=api_url.startswith("https:") and trust(),
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1),
            headers={"User-Agent": "scope-bridge", "Accept": "application/json, application/problem+json"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, pod_id: str) -> Pod:
        """The pod as it is now."""
        return parse_pod(await self._call("GET", f"/pods/{pod_id}"))

    async def list(self) -> tuple[Pod, ...]:
        """Every pod of the account."""
        return parse_pods(await self._call("GET", "/pods"))

    async def act(self, pod_id: str, action: Literal["start", "stop"]) -> Pod:
        """Start or stop; the pod as RunPod shows it right after. PodRefused 409: not the moment for it."""
        return parse_pod(await self._call("POST", f"/pods/{pod_id}/action", {"action": action}))

    async def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        request = self._http.build_request(
            method, self._url + path, json=body, headers={"Authorization": f"Bearer {self._key.get_secret_value()}"}
        )
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._http.send(request, stream=True)
                try:
                    content = await _read(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException) as error:
            raise PodUnreachable(
                f"RunPod gave no answer within {self._timeout:g} s.", hint="Check the network; this is tried again."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PodUnreachable(
                f"No connection to RunPod ({type(error).__name__}).", hint="Check the network; this is tried again."
            ) from error
        found = _json(content)
        if not 200 <= response.status_code < 300:
            raise self._refusal(response, found)
        if found is None:
            raise PodUnreachable(
                "RunPod answered with something that is not JSON.", hint="Something sits in between; it is tried again."
            )
        return found

    def _refusal(self, response: httpx.Response, body: Any) -> PodError:
        status = response.status_code
        told = self._detail(body)
        if status in (401, 403):
            return PodKeyRefused(
                f"RunPod does not accept the API key (HTTP {status}).",
                hint=f"Set {KEY_VARIABLE} to a key that may read and write pods (RunPod console, Settings, API keys).",
            )
        if status == 404:
            return PodRefused(
                "RunPod knows no such pod in this account.",
                status=status,
                hint="Correct pod.id; without one, scope-bridge pod status lists your pods.",
            )
        if status == 409:
            return PodRefused(f"RunPod refuses that now{told}.", status=status, hint="The pod's status does not fit.")
        if status in (408, 425, 429) or status >= 500:
            what = "asks for fewer requests" if status == 429 else f"has trouble (HTTP {status})"
            return PodUnreachable(
                f"RunPod {what}{told}.", hint="This is tried again later.", retry_after=_retry_after(response.headers)
            )
        if 300 <= status < 400:
            return PodUnreachable(
                f"RunPod redirects elsewhere (HTTP {status}), which is not followed.", hint="Check pod.api_url."
            )
        return PodRefused(f"RunPod refuses the request (HTTP {status}){told}.", status=status)

    def _detail(self, body: Any) -> str:
        """RFC 9457's words in one short line, after a colon; the key masked."""
        if not isinstance(body, Mapping):
            return ""
        words = next((body[name] for name in ("detail", "title") if isinstance(body.get(name), str)), "")
        shown = "".join(letter if letter.isprintable() else " " for letter in words)
        shown = " ".join(shown.replace(self._key.get_secret_value(), "***").split())
        return f": {shown[:_LONGEST_DETAIL].rstrip('.')}" if shown else ""


async def _read(response: httpx.Response) -> bytes:
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > LIMIT:
            raise PodUnreachable(f"RunPod sent more than {LIMIT // 1000} kB.", hint="Check pod.api_url.")
    return bytes(content)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds from Retry-After (a number or a date), else from RateLimit or RateLimit-Reset; None without them."""
    if told := headers.get("Retry-After", "").strip():
        if told.isdecimal():
            return float(told)
        try:
            when = parsedate_to_datetime(told)
        except ValueError:
            return None
        return max(0.0, (when.astimezone(timezone.utc) - datetime.now(timezone.utc)).total_seconds())
    if found := _RATE.search(headers.get("RateLimit", "")):
        return float(found.group(1))
    reset = headers.get("RateLimit-Reset", "").strip()
    return float(reset) if reset.isdecimal() else None
