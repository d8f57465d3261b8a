"""The program thread: a picture per tick, whatever happens to the source."""

from __future__ import annotations

import threading
import time
from typing import Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import FxState
from bridge.model.facts import ChunkFacts, ScopeFacts
from bridge.model.frames import Frame, LatestSlot
from bridge.model.meter import Meter
from bridge.program import Program, ProgramSettings
from bridge.program.schedule import Schedule
from tests.program.pictures import RED_601, RED_709, at, close, flat


class Stage:
    def __init__(self, **given: object) -> None:
        self.frames: LatestSlot[Frame] = LatestSlot()
        self.canvas: LatestSlot[Frame] = LatestSlot()
        self.fx = Cell(FxState())
        self.board = ProblemBoard()
        self.program = Program(
            ProgramSettings(**({"width": 192, "height": 96, "fps": 100.0, "fade_s": 0.0} | given)),
            frames=self.frames,
            canvas=self.canvas,
            fx=self.fx,
            facts=Cell(ScopeFacts(chunk=ChunkFacts(period_s=0.1))),
            board=self.board,
        )

    def __enter__(self) -> Self:
        self.program.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()

    def until(self, what, timeout: float = 5.0) -> Frame:
        seen, deadline = 0, time.monotonic() + timeout
        while time.monotonic() < deadline:
            shown, seen = self.canvas.wait_newer(seen, 0.2)
            if shown is not None and what(shown):
                return shown
        raise AssertionError("it did not come")


def test_the_slate_is_there_before_start_returns() -> None:
    stage = Stage()
    assert stage.canvas.get() is None
    with stage:
        shown = stage.canvas.get()
        assert shown is not None and shown.matrix == "bt709"
        assert stage.program.size == (shown.width, shown.height) == (192, 96)
        assert stage.program.alive
    assert not stage.program.alive
    assert "program" not in {t.name for t in threading.enumerate()}


def test_ticks_go_on_when_the_source_dies() -> None:
    with Stage(lost_after_s=0.2) as stage:
        stage.frames.put(flat(RED_601, t=time.monotonic()))
        red = stage.until(lambda f: close(at(f, 96, 80), RED_709))
        assert stage.program.status().state == "live"
        stage.until(lambda f: f.seq >= red.seq + 80)
        status = stage.program.status()
        assert status.state == "slate"
        assert status.age_ms is None
        assert status.ticks == stage.canvas.puts or status.ticks + 1 == stage.canvas.puts
        assert status.fps > 20


def test_seq_counts_every_tick() -> None:
    with Stage() as stage:
        first = stage.until(lambda f: True)
        later = stage.until(lambda f: f.seq > first.seq + 10)
        assert later.t > first.t


def test_a_frame_that_cannot_be_shown_is_counted_once_and_the_good_one_stays() -> None:
    with Stage(lost_after_s=30.0) as stage:
        stage.frames.put(flat(RED_601, t=time.monotonic()))
        stage.until(lambda f: close(at(f, 96, 80), RED_709))
        stage.frames.put(Frame(np.zeros((9, 9), np.uint8), 576, 320, time.monotonic()))
        mark = stage.until(lambda f: bool(stage.board.rejected))
        after = stage.until(lambda f: f.seq > mark.seq + 5)
        assert close(at(after, 96, 80), RED_709)
        assert stage.board.rejected == {("program", "a frame that cannot be shown"): 1}
        stage.frames.put(flat((120, 128, 128), t=time.monotonic()))
        stage.until(lambda f: close(at(f, 96, 80), (120, 128, 128)))


@pytest.mark.parametrize("low_latency", [False, True])
def test_low_latency_shows_a_picture_before_the_tick(low_latency: bool) -> None:
    with Stage(fps=2.0, low_latency=low_latency) as stage:
        first = stage.canvas.get()
        assert first is not None
        stage.frames.put(flat(RED_601, t=time.monotonic()))
        shown = stage.until(lambda f: close(at(f, 96, 80), RED_709))
        assert (shown.t - first.t < 0.25) == low_latency


def test_the_slate_returns_by_ticks_in_low_latency_mode_too() -> None:
    with Stage(low_latency=True, lost_after_s=0.2) as stage:
        stage.frames.put(flat(RED_601, t=time.monotonic()))
        stage.until(lambda f: close(at(f, 96, 80), RED_709))
        stage.until(lambda f: stage.program.status().state == "slate")


@given(fps=st.sampled_from([24.0, 29.97, 30.0, 60.0]), delays=st.lists(st.floats(0.0, 0.2), max_size=60))
def test_the_schedule_does_not_drift_and_counts_what_it_skips(fps: float, delays: list[float]) -> None:
    schedule = Schedule(fps, 50.0)
    now, missed = 50.0, 0
    for done, delay in enumerate(delays, start=1):
        now = max(now, schedule.due) + delay
        missed += schedule.ticked(now)
        assert schedule.due > now - 1e-6
        assert schedule.due - now <= 1 / fps + 1e-6
        ticks = (schedule.due - 50.0) * fps
        assert abs(ticks - round(ticks)) < 1e-4
        assert round(ticks) == done + missed + 1


def test_the_meter_measures_and_forgets() -> None:
    meter = Meter(span=10)
    assert meter.rate(0.0) == 0.0
    for n in range(30):
        meter.tick(n * 0.1)
    assert meter.rate(2.9) == pytest.approx(10.0)
    assert meter.rate(12.0) < 1.0
