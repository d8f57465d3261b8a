"""The ears' own thread: everything heard in order, the oldest left out when it falls behind."""

from __future__ import annotations

import threading

import numpy as np

from bridge.ears import Ears, EarsSettings, EarsThread
from bridge.model.board import ProblemBoard
from bridge.model.features import HOP, AudioBlock


def block(n: int) -> AudioBlock:
    return AudioBlock(float(n), np.zeros(HOP, np.float32))


class Listener:
    """Collects what is heard; can hold the ears up until told to go on."""

    def __init__(self, until: int) -> None:
        self.times: list[float] = []
        self.busy = threading.Event()
        self.go = threading.Event()
        self.done = threading.Event()
        self._until = until

    def __call__(self, heard) -> None:
        self.busy.set()
        assert self.go.wait(10)
        self.times.append(heard.features.t)
        if heard.features.t == self._until:
            self.done.set()


def test_blocks_are_heard_in_order():
    listener = Listener(until=49)
    listener.go.set()
    thread = EarsThread(Ears(EarsSettings()), on_heard=listener, board=ProblemBoard())
    thread.start()
    for n in range(50):
        thread.feed(block(n))
    assert listener.done.wait(10)
    thread.stop()
    assert listener.times == [float(n) for n in range(50)]
    assert thread.dropped == 0


def test_the_oldest_blocks_give_way_and_are_counted():
    board = ProblemBoard()
    listener = Listener(until=100)
    thread = EarsThread(Ears(EarsSettings()), on_heard=listener, board=board)
    thread.start()
    thread.feed(block(0))
    assert listener.busy.wait(10)
    for n in range(1, 101):
        thread.feed(block(n))
    listener.go.set()
    assert listener.done.wait(10)
    assert listener.times == [0.0, *(float(n) for n in range(37, 101))]
    assert thread.dropped == 36
    thread.stop()
    assert [problem.code for problem in board.problems] == ["ears_late"]


def test_the_problem_is_taken_down_after_ten_calm_seconds():
    board = ProblemBoard()
    listener = Listener(until=2000)
    thread = EarsThread(Ears(EarsSettings()), on_heard=listener, board=board)
    for n in range(70):
        thread.feed(block(n))
    assert thread.dropped == 6
    listener.go.set()
    thread.start()
    fed = 70
    while fed <= 2000:
        while len(listener.times) < fed - 6 - 30:
            listener.done.wait(0.001)
        thread.feed(block(fed))
        fed += 1
    assert listener.done.wait(10)
    thread.stop()
    assert thread.dropped == 6
    assert board.problems == ()


def test_stop_is_quick_with_blocks_waiting_and_start_works_again():
    listener = Listener(until=7)
    thread = EarsThread(Ears(EarsSettings()), on_heard=listener, board=ProblemBoard())
    thread.stop()
    thread.start()
    thread.start()
    for n in range(5):
        thread.feed(block(n))
    listener.go.set()
    thread.stop()
    thread.start()
    thread.feed(block(7))
    assert listener.done.wait(10)
    thread.stop()
