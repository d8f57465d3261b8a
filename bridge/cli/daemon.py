"""Talking to a running daemon over its HTTP API."""

from __future__ import annotations

__all__ = ["Daemon", "add_daemon_arguments"]

import argparse
import json
from collections.abc import Iterator
from typing import Any

import httpx

from bridge.cli.configuration import load_settings
from bridge.model.errors import ConfigurationError, DaemonNotRunning, ScopeBridgeError
from bridge.web import WebSettings


def add_daemon_arguments(parser: argparse.ArgumentParser) -> None:
    """``--url`` and ``--json``."""
    parser.add_argument("--url", metavar="URL", help="where the daemon is; by default as configured")
    parser.add_argument("--json", action="store_true", help="for scripts")


class Daemon:
    """The daemon at ``--url``, or where the configuration says it listens.

    Raises:
        DaemonNotRunning: from every call when nobody answers there.
    """

    def __init__(self, given: argparse.Namespace) -> None:
        try:
            web = load_settings(given).settings.web
        except ConfigurationError:  # a broken file must not keep anyone from asking a running daemon
            web = WebSettings()
        host = "127.0.0.1" if web.address in ("0.0.0.0", "::") else web.address  # noqa: S104 - a comparison
        url = _address(given.url or f"http://{host}:{web.port}")
        self.place = str(url.copy_with(userinfo=b"", query=None)).rstrip("/")
        """Where the daemon is, without a password that may stand in the address."""
        headers = {"Authorization": f"Bearer {web.token.get_secret_value()}"} if web.token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=5.0, trust_env=False)

    def get(self, path: str) -> Any:
        """JSON of a GET."""
        return self._call("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        """JSON of a POST."""
        return self._call("POST", path, body)

    def stream(self, path: str) -> Iterator[Any]:
        """JSON of each server-sent event of a GET without end; None now and then while nothing happens.

        Raises:
            ScopeBridgeError: the daemon ended, or has no such stream.
        """
        begun = False
        try:
            with self._client.stream("GET", path) as answer:
                if answer.status_code >= 400 or not answer.headers.get("content-type", "").startswith("text/event-"):
                    raise ScopeBridgeError(
                        f"What answers at {self.place} has no {path} ({answer.status_code} {answer.reason_phrase}).",
                        hint="Is it an older Scope Bridge?" if answer.status_code == 404 else "",
                    )
                begun = True
                for line in answer.iter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line.removeprefix("data:"))
                    elif line.startswith(":"):
                        yield None
        except httpx.HTTPError as error:
            if not begun:
                raise self._nobody() from error
        raise ScopeBridgeError(f"The daemon at {self.place} ended.", hint="Start it again with: scope-bridge run.")

    def _nobody(self) -> DaemonNotRunning:
        return DaemonNotRunning(
            f"No daemon answers at {self.place}.", hint="Start one with: scope-bridge run (or demo)."
        )

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise self._nobody() from error
        try:
            content = answer.json()
        except ValueError as error:
            raise ScopeBridgeError(f"What answers at {self.place} is not Scope Bridge.") from error
        if answer.status_code >= 400 and answer.status_code != 503:
            raise ScopeBridgeError(str(content.get("error", answer.reason_phrase)), hint=str(content.get("hint", "")))
        return content


def _address(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ScopeBridgeError(f"--url is not an address: {error}.", hint="Such as http://127.0.0.1:9720.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ScopeBridgeError("--url is not an address.", hint="Such as http://127.0.0.1:9720.")
    return url
