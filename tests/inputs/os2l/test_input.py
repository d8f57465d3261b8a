"""The OS2L server over real sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.inputs.os2l import Os2lInput, Os2lSettings
from bridge.inputs.os2l.connection import MessageBudget
from bridge.model.board import ProblemBoard
from bridge.model.events import BpmReport, OscEvent

LOOPBACK = "127.0.0.1"


class Stage:
    """A running server, what it heard, and the clock it reads."""

    def __init__(self, **settings: Any) -> None:
        self.board = ProblemBoard()
        self.heard: list[BpmReport | OscEvent] = []
        self.now = 100.0
        self.writers: list[asyncio.StreamWriter] = []
        self.os2l = Os2lInput(
            Os2lSettings(**{"enabled": True, "port": 0} | settings),
            on_beat=self.heard.append,
            on_control=self.heard.append,
            board=self.board,
            clock=lambda: self.now,
        )

    @property
    def status(self) -> Any:
        return self.os2l.status()

    @property
    def port(self) -> int:
        return int(self.status.address.rpartition(":")[2])

    async def until(self, condition: Callable[[], Any]) -> None:
        async def wait() -> None:
            while not condition():
                await asyncio.sleep(0.002)

        await asyncio.wait_for(wait(), 10)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        self.writers.append(writer)
        return reader, writer

    async def join(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        peers = self.status.peers
        streams = await self.connect()
        await self.until(lambda: self.status.peers == peers + 1)
        return streams

    async def end(self, task: asyncio.Task[None]) -> None:
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[Stage]:
    stage = Stage(**settings)
    task = asyncio.create_task(stage.os2l.run())
    try:
        await stage.until(lambda: stage.status.state == "listening" or stage.board.problems)
        yield stage
    finally:
        await stage.end(task)


def beat(pos: int, bpm: float = 124.0) -> bytes:
    return json.dumps({"evt": "beat", "change": False, "pos": pos, "bpm": bpm, "strength": 0.8}).encode()


def test_beats_and_buttons_arrive_stamped() -> None:
    async def scenario() -> None:
        async with serving() as stage:
            _, writer = await stage.join()
            writer.write(beat(4) + b'{"evt":"btn","name":"drop","state":"on"}{"evt":"song","name":"x"}{]}')
            await stage.until(lambda: stage.status.received == 3 and stage.status.rejected)
            sender = writer.get_extra_info("sockname")
            assert stage.heard == [
                BpmReport(100.0, bpm=124.0, beat=4, source="os2l"),
                OscEvent(100.0, "os2l", sender, "/os2l/btn/drop", (1.0,)),
            ]
            assert stage.status.ignored == 1
            assert stage.board.rejected == {("os2l", "not a JSON object"): 1}
            writer.close()
            await stage.until(lambda: stage.status.peers == 0)

    asyncio.run(scenario())


def test_one_program_gives_the_beat_until_it_is_silent_or_gone() -> None:
    async def scenario() -> None:
        async with serving() as stage:
            (_, first), (_, second) = await stage.join(), await stage.join()

            async def say(writer: asyncio.StreamWriter, pos: int) -> None:
                before = stage.status.received
                writer.write(beat(pos))
                await stage.until(lambda: stage.status.received > before)

            await say(first, 1)
            await say(second, 50)
            await say(first, 2)
            stage.now += 3.0
            await say(second, 56)
            await say(first, 3)
            second.close()
            await stage.until(lambda: stage.status.peers == 1)
            await say(first, 4)
            assert [report.beat for report in stage.heard if isinstance(report, BpmReport)] == [1, 2, 56, 4]

    asyncio.run(scenario())


def test_newcomers_are_told_which_buttons_are_on_then_every_change() -> None:
    async def scenario() -> None:
        async with serving() as stage:
            stage.os2l.tell({"blackout": False, "freeze": True})
            reader, _ = await stage.join()
            stage.os2l.tell({"blackout": True, "freeze": True})
            sent = b'{"evt":"feedback","name":"freeze","state":"on"}{"evt":"feedback","name":"blackout","state":"on"}'
            assert await asyncio.wait_for(reader.readexactly(len(sent)), 5) == sent

    asyncio.run(scenario())


def test_strangers_floods_and_too_many_are_turned_away() -> None:
    async def scenario() -> None:
        async with serving(allow=("192.0.2.0/24",)) as stage:
            reader, _ = await stage.connect()
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
            await stage.until(lambda: stage.status.peers == 0)
            assert ("os2l", "the sender is not on the allow list") in stage.board.rejected
        async with serving() as stage:
            for _ in range(8):
                await stage.join()
            await stage.connect()
            await stage.until(lambda: ("os2l", "8 programs are connected already") in stage.board.rejected)
        async with serving() as stage:
            _, writer = await stage.join()
            writer.write(b"{}" * 2100)
            await stage.until(lambda: stage.status.peers == 0)
            assert stage.status.received == 2000

    asyncio.run(scenario())


def test_a_taken_port_is_named_and_tried_until_free() -> None:
    async def scenario() -> None:
        with socket.create_server((LOOPBACK, 0)) as other:
            port = other.getsockname()[1]
            async with serving(port=port) as stage:
                (problem,) = stage.board.problems
                assert f"TCP {LOOPBACK}:{port} is in use" in problem.message
                assert stage.status.state == "waiting"
                other.close()
                await stage.until(lambda: stage.status.state == "listening")
                assert not stage.board.problems

    asyncio.run(scenario())


def test_it_is_off_until_asked_for() -> None:
    stage = Stage(enabled=False)
    asyncio.run(asyncio.wait_for(stage.os2l.run(), 5))
    assert stage.status is None


def test_a_peer_has_its_share_of_messages() -> None:
    budget = MessageBudget(0.0)
    assert all(budget.spend(0.0) for _ in range(2000))
    assert not budget.spend(0.0)
    assert budget.spend(0.01)


@pytest.mark.parametrize("setting", [{"address": "everywhere"}, {"allow": ("x",)}, {"port": -1}])
def test_settings_say_what_is_wrong(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"address|greater than"):
        Os2lSettings(**setting)
