"""The thread: pictures of the size that is asked for, losses named and mended, nobody in the source's place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bridge.inputs.video import VideoInput, VideoSettings
from bridge.inputs.video.drawn import GuideSource, Music
from bridge.inputs.video.source import Drawn
from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.errors import VideoSourceError
from bridge.model.facts import ScopeFacts
from bridge.model.features import SILENCE, Features
from bridge.model.frames import Frame, LatestSlot
from bridge.model.guide import GUIDES, GuideWish


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError(what)


class Reel:
    """A source that runs, is lost, and comes back when it is let."""

    def __init__(self) -> None:
        self.there = threading.Event()
        self.there.set()
        self.opened: list[tuple[int, int]] = []
        self.closed = 0

    def open(self, width: int, height: int) -> str:
        if not self.there.is_set():
            raise VideoSourceError("There is no reel.", hint="Put it in.")
        self.opened.append((width, height))
        return "reel"

    def read(self, timeout: float) -> Drawn | None:
        if not self.there.is_set():
            raise VideoSourceError("The reel is gone.", hint="Put it back.")
        time.sleep(0.005)
        width, height = self.opened[-1]
        return Drawn(np.zeros((height * 3 // 2, width), np.uint8))

    def close(self) -> None:
        self.closed += 1


class Rig:
    def __init__(self, reel: Reel | None = None, **settings: Any) -> None:
        self.frames: LatestSlot[Frame] = LatestSlot()
        self.facts = Cell(ScopeFacts())
        self.board = ProblemBoard()
        self.video = VideoInput(
            VideoSettings(**settings),
            frames=self.frames,
            facts=self.facts,
            features=lambda: SILENCE,
            grid=lambda: NO_GRID,
            wish=GuideWish,
            board=self.board,
            make=(lambda: reel) if reel is not None else None,
        )
        self.video.start()

    def want(self, size: tuple[int, int] | None) -> None:
        self.facts.set(replace(self.facts.value, input_size=size))

    def state(self) -> str:
        status = self.video.status()
        return "none" if status is None else status.state

    def codes(self) -> list[tuple[str, str]]:
        return [(problem.part, problem.code) for problem in self.board.problems]


@pytest.fixture
def reel() -> Reel:
    return Reel()


@pytest.fixture
def rig(reel: Reel) -> Iterator[Rig]:
    rig = Rig(reel, source="test")
    yield rig
    rig.video.stop()


def test_nothing_is_opened_until_video_is_wanted(rig: Rig, reel: Reel) -> None:
    assert rig.state() == "none" and not reel.opened
    rig.want((64, 48))
    frame = until(rig.frames.get, "a frame")
    assert (frame.width, frame.height, frame.data.shape) == (64, 48, (72, 64))
    assert rig.state() == "running"
    rig.want(None)
    until(lambda: reel.closed == len(reel.opened), "closed again")
    assert rig.state() == "none"


def test_another_size_is_another_opening(rig: Rig, reel: Reel) -> None:
    rig.want((64, 48))
    until(lambda: reel.opened == [(64, 48)], "the first size")
    rig.want((128, 64))
    until(lambda: (f := rig.frames.get()) and (f.width, f.height) == (128, 64), "the second size")
    assert reel.opened == [(64, 48), (128, 64)]


def test_a_lost_source_is_named_and_taken_back(rig: Rig, reel: Reel) -> None:
    rig.want((64, 48))
    until(lambda: rig.state() == "running", "running")
    reel.there.clear()
    until(lambda: rig.codes() == [("video", "source")], "named")
    assert rig.state() == "lost"
    puts = rig.frames.puts
    until(lambda: "There is no reel" in rig.board.problems[0].message, "tried again")
    assert rig.frames.puts == puts, "nothing may stand in for the source"
    reel.there.set()
    until(lambda: rig.state() == "running" and not rig.codes(), "healed")
    assert reel.closed >= 1


def test_a_source_that_says_nothing_is_named(monkeypatch: pytest.MonkeyPatch, reel: Reel) -> None:
    monkeypatch.setattr("bridge.inputs.video.input.FIRST_S", 0.2)
    monkeypatch.setattr(reel, "read", lambda timeout: time.sleep(0.01))
    rig = Rig(reel, source="test")
    try:
        rig.want((64, 48))
        until(lambda: rig.codes() == [("video", "source")], "named")
        assert "gives no pictures" in rig.board.problems[0].message
    finally:
        rig.video.stop()


@pytest.mark.parametrize("source", ["guide", "test"])
def test_drawn_sources_run_at_their_rate(source: str) -> None:
    rig = Rig(source=source, fps=50.0)
    try:
        rig.want((64, 48))
        until(lambda: rig.frames.puts > 20, "frames")
        pictures = {rig.frames.get().data.tobytes() for _ in range(3) if not time.sleep(0.05)}  # type: ignore[union-attr]
        assert len(pictures) > 1, "it moves"
        status = rig.video.status()
        assert status is not None and status.source == source and (status.width, status.height) == (64, 48)
    finally:
        rig.video.stop()


class Conductor:
    """A clock that waiting moves, a grid at 120 BPM, and music that can be changed."""

    def __init__(self) -> None:
        self.now = 50.0
        self.features: Features = SILENCE
        self.wish = GuideWish("pulse", "magenta neon")

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return False

    def guide(self, **settings: Any) -> GuideSource:
        grid = BeatGrid(bpm=120.0, anchor=50.0, confidence=1.0, source="tap")
        music = Music(lambda: self.features, lambda: grid, lambda: self.wish)
        source = GuideSource(VideoSettings(**settings), music, clock=lambda: self.now, wait=self.wait)
        source.open(64, 48)
        return source


def light(source: GuideSource, count: int) -> list[float]:
    frames = [source.read(0.1) for _ in range(count)]
    return [float(frame.data[:48].mean()) for frame in frames if frame is not None]


def test_each_frame_carries_its_own_beat() -> None:
    """At 120 BPM and 20 frames a second every tenth frame is a beat, and the brightest of its ten."""
    levels = light(Conductor().guide(fps=20.0, guide="pulse"), 60)
    peaks = [at for at in range(1, 59) if levels[at] > levels[at - 1] + 2]
    assert peaks and {(at + 1) % 10 for at in peaks} <= {0, 1}
    assert len(peaks) >= 5


def test_the_theme_chooses_the_guide_unless_the_configuration_does() -> None:
    conductor = Conductor()
    pictures = {}
    for name in GUIDES:
        conductor.now, conductor.wish = 50.0, GuideWish(name, "magenta neon")
        frame = conductor.guide(fps=20.0).read(0.1)
        assert frame is not None
        pictures[name] = frame.data.tobytes()
    assert len(set(pictures.values())) == len(GUIDES)
    conductor.now, conductor.wish = 50.0, GuideWish("bars", "magenta neon")
    fixed = conductor.guide(fps=20.0, guide="orbit").read(0.1)
    assert fixed is not None and fixed.data.tobytes() == pictures["orbit"]


def test_without_intensity_the_music_moves_nothing() -> None:
    loud = Conductor()
    loud.features = replace(SILENCE, energy=1.0, low=1.0, mid=1.0, high=1.0)
    quiet = Conductor()
    for intensity, same in ((0.0, True), (1.0, False)):
        pair = [c.guide(fps=20.0, guide="pulse", guide_intensity=intensity).read(0.1) for c in (loud, quiet)]
        assert pair[0] is not None and pair[1] is not None
        assert bool(np.array_equal(pair[0].data, pair[1].data)) is same
        loud.now = quiet.now = 50.0
