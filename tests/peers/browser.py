"""Headless Chromium, spoken to over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.peers.stage import program

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
]
START_S = 60.0


class Page:
    """One tab. ``complaints`` is everything the console and the browser had to say against the page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._calls = 0
        self.complaints: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One DevTools call; events that come meanwhile are sorted on the way."""
        self._calls += 1
        await self._socket.send_json({"id": self._calls, "method": method, "params": parameters})
        while True:
            message = json.loads(await self._socket.receive_str(timeout=30))
            if message.get("id") == self._calls:
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif (method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning")) or (
            method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert")
        ):
            self.complaints.append(str(parameters))

    async def open(self, url: str, width: int, height: int) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.resize(width, height)
        await self.call("Page.navigate", url=url)

    async def resize(self, width: int, height: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str, seconds: float = 30.0) -> Any:
        """Ask until the expression is true."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not (found := await self.ask(expression)):
            assert asyncio.get_running_loop().time() < deadline, f"not true within {seconds} s: {expression}"
            await asyncio.sleep(0.05)
        return found

    async def click(self, selector: str) -> None:
        """Press the mouse on the middle of an element, as a hand would."""
        where = await self.ask(
            f"(() => {{ const node = document.querySelector({json.dumps(selector)});"
            "node.scrollIntoView({block: 'center'});"
            "const box = node.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1)

    async def screenshot(self) -> bytes:
        answer = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])


@asynccontextmanager
async def chromium() -> AsyncIterator[Page]:
    """A browser with an empty profile and one empty tab."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program("chromium"),
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            env=os.environ | {"HOME": profile},
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(START_S), aiohttp.ClientSession() as session:
                port = await _port(process)
                async with session.get(f"http://127.0.0.1:{port}/json") as tabs:
                    (tab,) = [tab for tab in await tabs.json() if tab["type"] == "page"]
                    address = tab["webSocketDebuggerUrl"]
            async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
                yield Page(socket)
        finally:
            process.terminate()
            await process.communicate()


async def _port(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        if found := re.search(rb"DevTools listening on ws://[^:]+:(\d+)/", line):
            return found.group(1).decode()
    raise AssertionError("Chromium ended before its DevTools listened")
