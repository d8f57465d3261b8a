"""MIDI clock out: the port through plugs and deaths, and never to the device that leads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from bridge.feedback import MidiClockOut, MidiClockOutSettings
from bridge.feedback.clock_ticks import CLOCK, START, STOP
from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.board import ProblemBoard
from bridge.model.errors import MidiPortError

GRID = BeatGrid(bpm=120.0, anchor=0.0)
DRUMS = "Drum Machine MIDI 1"


class FakePort:
    def __init__(self, name: str) -> None:
        self.name = name
        self.heard: list[tuple[int, ...]] = []
        self.broken = False
        self.closed = threading.Event()

    def send(self, message: Sequence[int]) -> None:
        if self.broken:
            raise MidiPortError(f"{self.name} takes nothing.")
        self.heard.append(tuple(message))

    def close(self) -> None:
        self.closed.set()


class FakeSystem:
    """A MIDI system: devices come and go; it may die as a whole."""

    def __init__(self, *names: str, virtual: bool = True) -> None:
        self.present = list(names)
        self.virtual = virtual
        self.running = True
        self.opened: list[FakePort] = []
        self.closed = 0

    def connect(self) -> FakeSystem:
        if not self.running:
            raise MidiPortError("No JACK server runs.", hint="Start JACK.")
        return self

    def find(self, pattern: str) -> str | None:
        return next((name for name in self.present if pattern in name), None)

    def open(self, name: str) -> FakePort:
        self.opened.append(FakePort(name))
        return self.opened[-1]

    def open_virtual(self, name: str) -> FakePort | None:
        return self.open(name) if self.virtual else None

    def alive(self) -> bool:
        return self.running

    def close(self) -> None:
        self.closed += 1


class Stage:
    def __init__(self, system: FakeSystem, port: str = "Drum") -> None:
        self.system = system
        self.grid = GRID
        self.leader = ""
        self.board = ProblemBoard()
        self.now = 0.0
        self.out = MidiClockOut(
            MidiClockOutSettings(enabled=True, port=port),
            grid=lambda: self.grid,
            follows=lambda: self.leader,
            connect=system.connect,
            board=self.board,
            clock=lambda: self.now,
        )

    def until(self, end: float) -> Stage:
        while self.now < end:
            self.now = max(self.now + 1e-3, min(self.out.turn(self.now), end))
        return self

    @property
    def state(self) -> str:
        status = self.out.status()
        assert status is not None
        return status.state

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.board.problems]


def test_ticks_start_and_counts() -> None:
    stage = Stage(FakeSystem("Keys", DRUMS)).until(4.0)
    (port,) = stage.system.opened
    assert port.name == DRUMS
    assert port.heard.count(START) == 1
    assert port.heard.count(CLOCK) in (8 * 24 - 1, 8 * 24)
    status = stage.out.status()
    assert status is not None
    assert (status.port, status.running, status.sent, status.skipped) == (DRUMS, True, port.heard.count(CLOCK), 0)
    stage.grid = NO_GRID
    stage.until(4.5)
    assert port.heard[-1] == STOP


def test_unplugged_and_plugged_again_it_starts_at_a_bar() -> None:
    stage = Stage(FakeSystem(DRUMS)).until(3.0)
    stage.system.present.clear()
    stage.until(5.0)
    first = stage.system.opened[0]
    assert first.closed.wait(5.0)
    assert (stage.state, stage.codes) == ("waiting", ["port"])
    stage.system.present.append(DRUMS)
    stage.until(9.0)
    second = stage.system.opened[1]
    assert (stage.state, stage.codes) == ("open", [])
    assert second.heard.count(START) == 1
    status = stage.out.status()
    assert status is not None
    assert status.sent == first.heard.count(CLOCK) + second.heard.count(CLOCK)


def test_a_system_that_dies_is_named_and_found_again() -> None:
    stage = Stage(FakeSystem(DRUMS)).until(2.0)
    stage.system.running = False
    stage.until(4.0)
    assert stage.codes == ["no_backend"]
    assert stage.system.closed == 1
    stage.system.running = True
    stage.until(12.0)
    assert (stage.state, stage.codes) == ("open", [])
    assert len(stage.system.opened) == 2


def test_a_port_that_refuses_is_opened_again() -> None:
    stage = Stage(FakeSystem(DRUMS)).until(2.0)
    stage.system.opened[0].broken = True
    stage.until(4.0)
    assert len(stage.system.opened) == 2
    assert stage.state == "open"


@pytest.mark.parametrize(
    ("port", "leader"), [(DRUMS, DRUMS), ("Traktor Virtual Input", "Traktor Virtual Output"), ("DJM IN 1", "djm out 1")]
)
def test_the_device_that_leads_is_sent_nothing(port: str, leader: str) -> None:
    stage = Stage(FakeSystem(port), port=port)
    stage.leader = leader
    stage.until(4.0)
    assert stage.system.opened[0].heard == []
    assert stage.state == "paused"
    stage.leader = "another device"
    stage.until(8.0)
    assert stage.system.opened[0].heard.count(START) == 1
    stage.leader = leader
    before = len(stage.system.opened[0].heard)
    stage.until(10.0)
    assert len(stage.system.opened[0].heard) - before <= 2 * 24


def test_without_a_name_a_virtual_port_is_offered() -> None:
    stage = Stage(FakeSystem(), port="").until(3.0)
    assert [port.name for port in stage.system.opened] == ["Scope Bridge Clock"]
    assert stage.codes == []
    windows = Stage(FakeSystem(virtual=False), port="").until(1.0)
    assert windows.codes == ["port"]


def test_the_thread_plays_and_stops_the_receivers(until: Callable[[Callable[[], object]], None]) -> None:
    system = FakeSystem(DRUMS)
    out = MidiClockOut(
        MidiClockOutSettings(enabled=True, port=DRUMS),
        grid=lambda: BeatGrid(bpm=390.0),
        follows=lambda: "",
        connect=system.connect,
        board=ProblemBoard(),
    )
    out.start()
    out.start()
    until(lambda: system.opened and START in system.opened[0].heard)
    out.stop()
    assert len(system.opened) == 1
    assert system.opened[0].heard[-1] == STOP
    assert system.opened[0].closed.wait(5.0)
    assert "clock-out" not in [thread.name for thread in threading.enumerate()]


def test_it_is_off_until_asked_for() -> None:
    out = MidiClockOut(
        MidiClockOutSettings(),
        grid=lambda: GRID,
        follows=lambda: "",
        connect=pytest.fail,
        board=ProblemBoard(),
    )
    out.start()
    out.stop()
    assert out.status() is None


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    return wait
