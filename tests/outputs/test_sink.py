"""One thread per sink: opened once, mended by itself, and nobody else's problem."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Self

import numpy as np
import pytest

from bridge.model.board import ProblemBoard
from bridge.model.errors import DependencyMissing, OutputError
from bridge.model.frames import Frame, LatestSlot
from bridge.outputs import Outputs, OutputSettings
from bridge.outputs.sink import Absent

NO_PREVIEW = OutputSettings.model_validate({"preview": {"enabled": False}})


class FakeSink:
    """Notes what is asked of it; fails when told to."""

    kind = "fake"

    def __init__(self, name: str = "fake", *, optional: bool = False) -> None:
        self.name = name
        self.optional = optional
        self.open_error: Exception | None = None
        self.write_error: Exception | None = None
        self.blocked: threading.Event | None = None
        self.opened: list[tuple[int, int, float]] = []
        self.frames: list[Frame] = []
        self.closed = 0

    def open(self, width: int, height: int, fps: float) -> str:
        self.opened.append((width, height, fps))
        if self.open_error:
            raise self.open_error
        return "here"

    def write(self, frame: Frame, now: float) -> bool:
        if self.blocked:
            self.blocked.wait()
        if self.write_error:
            raise self.write_error
        self.frames.append(frame)
        return True

    def close(self) -> None:
        self.closed += 1

    def receivers(self) -> int:
        return 2


class Rig:
    def __init__(self, *sinks: FakeSink) -> None:
        self.canvas: LatestSlot[Frame] = LatestSlot()
        self.board = ProblemBoard()
        # twenty times the real speed: back-off and repeats need no patience
        self.outputs = Outputs(
            NO_PREVIEW, canvas=self.canvas, board=self.board, fps=25.0, clock=lambda: time.monotonic() * 20, sinks=sinks
        )
        self.seq = 0
        self.size = (64, 64)

    def __enter__(self) -> Self:
        self.outputs.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.outputs.stop()

    def put(self) -> None:
        self.seq += 1
        width, height = self.size
        self.canvas.put(Frame(np.zeros((height * 3 // 2, width), np.uint8), width, height, 0.0, self.seq, "bt709"))

    def until(self, what: Callable[[], object]) -> None:
        deadline = time.monotonic() + 5
        while not what():
            assert time.monotonic() < deadline, (self.outputs.status(), self.board.problems)
            self.put()
            time.sleep(0.01)


def test_it_opens_once_with_the_first_picture_and_closes_at_the_end() -> None:
    sink = FakeSink()
    with Rig(sink) as rig:
        assert rig.outputs.status()[0].state == "waiting"
        rig.until(lambda: len(sink.frames) > 20)
        status = rig.outputs.status()[0]
        assert (status.name, status.kind, status.state, status.receivers) == ("fake", "fake", "open", 2)
        assert status.frames >= 20 and status.fps > 0
        assert sink.opened == [(64, 64, 25.0)]
        assert sink.closed == 0
    assert sink.closed == 1
    assert "out-fake" not in {t.name for t in threading.enumerate()}


def test_a_canvas_that_stands_still_is_sent_again() -> None:
    sink = FakeSink()
    with Rig(sink) as rig:
        rig.put()
        deadline = time.monotonic() + 5
        while len(sink.frames) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(sink.frames) >= 3
        assert {f.seq for f in sink.frames} == {1}


def test_a_sink_that_cannot_open_is_on_the_board_tried_again_and_heals() -> None:
    sink = FakeSink()
    sink.open_error = OutputError("No way in.", hint="Open the door.")
    with Rig(sink) as rig:
        rig.until(lambda: len(sink.opened) >= 3)
        problem = rig.board.problems[0]
        assert (problem.part, problem.code, problem.message, problem.hint) == (
            "outputs",
            "fake",
            "No way in.",
            "Open the door.",
        )
        assert rig.outputs.status()[0].state == "failed"
        assert rig.outputs.status()[0].receivers is None
        sink.open_error = None
        rig.until(lambda: sink.frames)
        assert rig.board.problems == ()
        assert rig.outputs.status()[0].state == "open"


def test_a_lost_sink_is_closed_and_opened_again() -> None:
    sink = FakeSink()
    with Rig(sink) as rig:
        rig.until(lambda: sink.frames)
        sink.write_error = OutputError("The cable is out.")
        rig.until(lambda: rig.board.problems)
        assert sink.closed >= 1
        sink.write_error = None
        rig.until(lambda: len(sink.opened) >= 2 and not rig.board.problems)


@pytest.mark.parametrize("error", [Absent("Not there."), DependencyMissing("Not installed.")])
@pytest.mark.parametrize("optional", [True, False])
def test_absence_is_a_problem_only_where_somebody_asked_for_it(error: Exception, optional: bool) -> None:
    sink = FakeSink(optional=optional)
    sink.open_error = error
    with Rig(sink) as rig:
        rig.until(lambda: len(sink.opened) >= 2)
        assert bool(rig.board.problems) == (not optional)
        assert rig.outputs.status()[0].state == ("waiting" if optional else "failed")


def test_an_optional_sink_that_is_there_and_broken_is_a_problem() -> None:
    sink = FakeSink(optional=True)
    sink.open_error = OutputError("There, and locked.")
    with Rig(sink) as rig:
        rig.until(lambda: rig.board.problems)


def test_one_sink_failing_or_hanging_leaves_the_others_alone() -> None:
    hanging, failing, fine = FakeSink("hanging"), FakeSink("failing"), FakeSink("fine")
    hanging.blocked = threading.Event()
    failing.write_error = OutputError("Broken.")
    with Rig(hanging, failing, fine) as rig:
        rig.until(lambda: len(fine.frames) > 30)
        numbers = [f.seq for f in fine.frames]
        assert numbers == sorted(numbers)
        assert hanging.frames == []
        hanging.blocked.set()
        rig.until(lambda: hanging.frames)


def test_back_off_grows_and_is_bounded() -> None:
    sink = FakeSink()
    sink.open_error = OutputError("No.")
    times: list[float] = []
    real_open = sink.open

    def timed(width: int, height: int, fps: float) -> str:
        times.append(time.monotonic() * 20)
        return real_open(width, height, fps)

    sink.open = timed  # type: ignore[method-assign]
    with Rig(sink) as rig:
        rig.until(lambda: len(times) >= 6)
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps[0] < gaps[1] < gaps[2] < gaps[3]
    assert gaps[0] >= 0.5 and gaps[-1] >= 4.9


def test_a_canvas_of_another_size_opens_the_sink_again() -> None:
    sink = FakeSink()
    with Rig(sink) as rig:
        rig.until(lambda: sink.frames)
        rig.size = (128, 64)
        rig.until(lambda: (128, 64, 25.0) in sink.opened)
