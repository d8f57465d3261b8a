"""Sessions over loopback, with a plain aiortc client."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.rehearsal.client import load, rehearsal, session


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def test_frames_arrive_at_the_loaded_size() -> None:
    async def main() -> None:
        async with rehearsal() as (_, http):
            assert (await load(http, width=160, height=96))["status"] == "loaded"
            async with session(http) as client:
                await client.wait_frames(6)
                assert (client.frames[-1].width, client.frames[-1].height) == (160, 96)

    run(main())
