"""The way from the worker to the wire."""

from __future__ import annotations

import asyncio

import av
import numpy as np
import pytest

from bridge.rehearsal.output import FrameQueue, OutputTrack, ProductionRate


def frames(count: int) -> list[av.VideoFrame]:
    return [av.VideoFrame.from_ndarray(np.full((48, 32), n, dtype=np.uint8), format="yuv420p") for n in range(count)]


@pytest.mark.parametrize(("chunk", "size"), [(4, 30), (12, 30), (24, 48)])
def test_the_queue_holds_thirty_or_two_chunks_and_drops_the_newest(chunk: int, size: int) -> None:
    async def main() -> None:
        queue = FrameQueue(chunk, asyncio.get_running_loop())
        sent = frames(size + 5)
        queue.put(sent[:-3])
        queue.put(sent[-3:])
        assert len(queue) == queue.size == size and queue.dropped == 5
        assert queue.get() is sent[0]
        queue.flush()
        assert len(queue) == 0 and queue.get() is None

    asyncio.run(main())


def test_waiting_ends_with_a_frame_or_with_time() -> None:
    async def main() -> None:
        queue = FrameQueue(4, asyncio.get_running_loop())
        await queue.wait(0.01)
        waiting = asyncio.ensure_future(queue.wait(30))
        await asyncio.sleep(0)
        await asyncio.to_thread(queue.put, frames(1))
        await asyncio.wait_for(waiting, 5)

    asyncio.run(main())


def test_the_rate_is_that_of_the_last_ten_chunks() -> None:
    rate = ProductionRate(15.0)
    assert rate.fps == 15.0
    for _ in range(10):
        rate.add(12, 0.8)
    assert rate.fps == pytest.approx(15.0)
    for _ in range(10):
        rate.add(4, 0.16)
    assert rate.fps == pytest.approx(25.0)
    for _ in range(10):
        rate.add(12, 0.001)
    assert rate.fps == 60.0


def test_the_track_is_silent_until_started_then_even_and_repeats_when_paused() -> None:
    async def main() -> None:
        queue = FrameQueue(4, asyncio.get_running_loop())
        paused = False
        count = 0

        def counted(frame: av.VideoFrame) -> None:
            nonlocal count
            count += 1

        track = OutputTrack(queue, ProductionRate(100.0), is_paused=lambda: paused, on_frame=counted)
        queue.put(frames(5))
        first = asyncio.ensure_future(track.recv())
        await asyncio.sleep(0.02)
        assert not first.done()
        track.started.set()
        times = [(await first).pts, (await track.recv()).pts, (await track.recv()).pts, (await track.recv()).pts]
        assert times[0] == 0 and times == sorted(times)
        paused = True
        held = track.last
        assert await track.recv() is held and await track.recv() is held
        assert len(queue) == 1 and count == 6
        track.stop()

    asyncio.run(main())
