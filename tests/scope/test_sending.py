"""The video we send: newest frames with their own times, the last one again, black in the end."""

from __future__ import annotations

import asyncio
import itertools
import time
from fractions import Fraction

import numpy as np
import pytest
from aiortc.codecs import h264, vpx

from bridge.model.frames import Frame, LatestSlot
from bridge.scope import sending
from bridge.scope.sending import SendingTrack, allow_bitrate

SIZE = (64, 48)


def frame(level: int, t: float, size: tuple[int, int] = SIZE) -> Frame:
    width, height = size
    data = np.full((height * 3 // 2, width), level, np.uint8)
    return Frame(data, width, height, t=t, seq=level)


def level(picture: object) -> int:
    return memoryview(picture.planes[0])[0]  # type: ignore[attr-defined,no-any-return]


def run(story: object) -> None:
    asyncio.run(asyncio.wait_for(story, 20))  # type: ignore[arg-type]


def test_each_frame_once_with_its_own_time() -> None:
    async def story() -> None:
        slot: LatestSlot[Frame] = LatestSlot()
        track = SendingTrack(slot, SIZE)
        began = time.monotonic()
        stamps = []
        for number in range(5):
            slot.put(frame(50 + number, began + number / 25))
            picture = await track.recv()
            assert level(picture) == 50 + number
            assert picture.time_base == Fraction(1, 90_000)
            stamps.append(picture.pts)
        assert np.diff(stamps) == pytest.approx(3600, abs=1)
        track.stop()

    run(story())


def test_only_the_newest_is_sent() -> None:
    async def story() -> None:
        slot: LatestSlot[Frame] = LatestSlot()
        track = SendingTrack(slot, SIZE)
        for number in range(5):
            slot.put(frame(50 + number, time.monotonic()))
        assert level(await track.recv()) == 54
        track.stop()

    run(story())


def test_the_last_is_repeated_with_rising_times_and_gives_way_to_black(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "HOLD_S", 0.3)
    monkeypatch.setattr(sending, "REPEAT_S", 0.02)

    async def story() -> None:
        slot: LatestSlot[Frame] = LatestSlot()
        track = SendingTrack(slot, SIZE)
        slot.put(frame(99, time.monotonic()))
        seen, stamps = [], []
        while not seen or seen[-1] != 16:
            picture = await track.recv()
            seen.append(level(picture))
            stamps.append(picture.pts)
        assert seen[0] == 99 and set(seen) == {99, 16} and seen.count(99) > 2
        assert all(later > earlier for earlier, later in itertools.pairwise(stamps))
        slot.put(frame(77, time.monotonic()))
        assert level(await track.recv()) == 77, "and it is taken back"
        track.stop()

    run(story())


@pytest.mark.parametrize("wrong", ["size", "old", "none"])
def test_frames_of_another_session_are_left(wrong: str) -> None:
    async def story() -> None:
        slot: LatestSlot[Frame] = LatestSlot()
        track = SendingTrack(slot if wrong != "none" else None, SIZE)
        if wrong == "size":
            slot.put(frame(99, time.monotonic(), (32, 32)))
        if wrong == "old":
            slot.put(frame(99, time.monotonic() - 60))
        assert level(await track.recv()) == 16
        track.stop()

    run(story())


def test_a_stopped_track_lets_the_slot_go() -> None:
    slot: LatestSlot[Frame] = LatestSlot()

    async def story() -> None:
        SendingTrack(slot, SIZE).stop()

    run(story())
    slot.put(frame(1, time.monotonic()))


def test_the_uplink_setting_reaches_the_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    for codec in (vpx, h264):
        for name in ("DEFAULT_BITRATE", "MAX_BITRATE"):
            monkeypatch.setattr(codec, name, getattr(codec, name))
    allow_bitrate(2e6, 4e6)
    assert {(codec.DEFAULT_BITRATE, codec.MAX_BITRATE) for codec in (vpx, h264)} == {(2_000_000, 4_000_000)}  # type: ignore[attr-defined]
    allow_bitrate(1e9, 1e6)
    assert vpx.DEFAULT_BITRATE == vpx.MAX_BITRATE == 1_000_000
