"""Link: what is reported, when, and that a follower never dictates a tempo."""

from __future__ import annotations

import asyncio

import pytest

from bridge.inputs.link import LinkInput, LinkSettings
from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.board import ProblemBoard
from bridge.model.errors import DependencyMissing
from bridge.model.events import BpmReport


class FakeSession:
    """A Link session whose beats come as fast as they are asked for."""

    def __init__(self, tempo: float, peers: list[int], stop: asyncio.Event) -> None:
        self.enabled = False
        self.tempo = tempo
        self.quantum = 1.0
        self.playing = False
        self.start_stop_sync_enabled = False
        self._peers = peers
        self._beat = 0
        self._stop = stop

    @property
    def num_peers(self) -> int:
        return self._peers[min(self._beat, len(self._peers)) - 1]

    @property
    def beat(self) -> float:
        return float(self._beat)

    def force_beat(self, beat: float) -> None:
        pytest.fail("a follower moved the session")

    async def sync(self, beat: float) -> float:
        await asyncio.sleep(0)
        if self._beat == len(self._peers):
            self._stop.set()
            await asyncio.Event().wait()
        self._beat += 1
        return float(self._beat)


def play(peers: list[int], *, bpm: float | None = None, tempo: float = 128.0) -> tuple[list[BpmReport], FakeSession]:
    heard: list[BpmReport] = []

    async def scenario() -> FakeSession:
        stop = asyncio.Event()
        made: list[FakeSession] = []

        def make(start: float) -> FakeSession:
            made.append(FakeSession(tempo, peers, stop))
            return made[0]

        link = LinkInput(
            LinkSettings(enabled=True),
            on_event=heard.append,
            grid=lambda: BeatGrid(bpm=bpm),
            board=ProblemBoard(),
            clock=lambda: 7.0,
            make=make,
        )
        task = asyncio.create_task(link.run())
        await asyncio.wait_for(stop.wait(), 5)
        assert made[0].enabled
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not made[0].enabled
        return made[0]

    return heard, asyncio.run(scenario())


def test_every_beat_of_a_session_with_others_is_reported_and_its_tempo_left_alone() -> None:
    heard, session = play([1, 1, 2], bpm=90.0)
    assert heard == [BpmReport(7.0, bpm=128.0, beat=beat, source="link") for beat in (1, 2, 3)]
    assert session.tempo == 128.0


def test_alone_nothing_is_reported_and_our_end_follows_what_is_heard() -> None:
    heard, session = play([0, 0], bpm=124.0, tempo=120.0)
    assert heard == []
    assert session.tempo == 124.0


def test_it_is_off_until_asked_for() -> None:
    link = LinkInput(
        LinkSettings(),
        on_event=print,
        grid=lambda: NO_GRID,
        board=ProblemBoard(),
        make=lambda _: pytest.fail(),
    )
    asyncio.run(asyncio.wait_for(link.run(), 5))


def test_a_missing_package_is_named_with_its_mend() -> None:
    def missing(bpm: float) -> FakeSession:
        raise DependencyMissing("no aalink.", hint="pip install it.")

    board = ProblemBoard()
    link = LinkInput(
        LinkSettings(enabled=True),
        on_event=print,
        grid=lambda: NO_GRID,
        board=board,
        make=missing,
    )
    asyncio.run(asyncio.wait_for(link.run(), 5))
    assert [problem.hint for problem in board.problems] == ["pip install it."]
