"""A defect in a part is named, the part comes back, and the others never notice."""

import asyncio
import threading

import pytest

from bridge.model.board import ProblemBoard
from bridge.supervisor import Supervisor


@pytest.fixture
def board():
    return ProblemBoard()


def test_a_callback_that_throws_is_named_and_returns_none(board):
    supervisor = Supervisor(board, lambda: 0.0)
    assert supervisor.guard("mapping", lambda: 1 / 0) is None
    assert supervisor.guard("mapping", lambda: 7) == 7
    assert [(p.part, p.code) for p in board.problems] == [("mapping", "defect")]
    assert "ZeroDivisionError" in board.problems[0].message


def test_a_coroutine_that_throws_is_started_again(board, monkeypatch):
    async def scenario():
        supervisor = Supervisor(board, lambda: 0.0)
        monkeypatch.setattr("bridge.supervisor.FIRST_RETRY_S", 0.001)
        starts = []
        done = asyncio.Event()

        async def part():
            starts.append(1)
            if len(starts) < 3:
                raise ValueError("once more")
            done.set()

        supervisor.keep("web", part)
        await asyncio.wait_for(done.wait(), 5)
        await supervisor.stop()
        assert len(starts) == 3
        assert board.problems == ()

    asyncio.run(scenario())


def test_a_thread_that_dies_is_revived(board, monkeypatch):
    async def scenario():
        monkeypatch.setattr("bridge.supervisor.FIRST_RETRY_S", 0.001)
        supervisor = Supervisor(board, lambda: 0.0)
        supervisor.start()
        revived = asyncio.Event()
        loop = asyncio.get_running_loop()
        supervisor.revive("program", lambda: loop.call_soon(revived.set))

        def body():
            raise RuntimeError("frame")

        threading.Thread(target=body, name="program").start()
        await asyncio.wait_for(revived.wait(), 5)
        await supervisor.stop()
        assert board.problems == ()

    asyncio.run(scenario())


def test_backoff_doubles_up_to_half_a_minute_and_forgets_after_peace(board):
    now = [100.0]
    supervisor = Supervisor(board, lambda: now[0])
    waits = [supervisor._backoff("x") for _ in range(8)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
    now[0] += 61
    assert supervisor._backoff("x") == 0.5
