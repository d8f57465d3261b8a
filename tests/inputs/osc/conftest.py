"""A running OscInput on loopback, with what it heard."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.inputs.osc import OscInput, OscListenSettings, OscSettings
from bridge.model.board import ProblemBoard
from bridge.model.events import OscEvent

CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures"


class Ears:
    """An OscInput with one listener on a free port, and everything it told us."""

    def __init__(self, settings: OscSettings | None = None, **options: Any) -> None:
        self.board = ProblemBoard()
        self.events: list[OscEvent] = []
        self.triggers: set[str] = set()
        options.setdefault("is_trigger", lambda address: address in self.triggers)
        options.setdefault("clock", time.monotonic)
        self.osc = OscInput(
            settings or OscSettings(listen=(OscListenSettings(port=0),)),
            on_event=self.events.append,
            board=self.board,
            **options,
        )

    @property
    def port(self) -> int:
        return int(self.osc.status()[0].address.rpartition(":")[2])

    @property
    def addresses(self) -> list[str]:
        return [event.address for event in self.events]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the loop run until something is true; fails after three seconds."""
        async with asyncio.timeout(3):
            while not condition():
                await asyncio.sleep(0.002)


Listening = Callable[..., AbstractAsyncContextManager[Ears]]


@pytest.fixture
def listening() -> Listening:
    """``async with listening(...) as ears``: a started OscInput."""

    @asynccontextmanager
    async def run(settings: OscSettings | None = None, **options: Any) -> AsyncIterator[Ears]:
        ears = Ears(settings, **options)
        await ears.osc.start()
        try:
            yield ears
        finally:
            await ears.osc.stop()

    return run


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    """Another program's UDP socket on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


@pytest.fixture
def capture() -> Callable[[str], list[dict[str, Any]]]:
    """The packets of a recorded capture."""

    def read(name: str) -> list[dict[str, Any]]:
        packets: list[dict[str, Any]] = json.loads((CAPTURES / f"{name}.json").read_text())["packets"]
        return packets

    return read
