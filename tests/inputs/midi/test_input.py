"""From a port's own thread into the control loop."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable

import pytest

from bridge.inputs.midi import MidiInput, MidiSettings
from bridge.inputs.midi.input import QUEUE_LIMIT
from bridge.model.board import ProblemBoard
from bridge.model.events import MidiClockEvent, MidiEvent

from .conftest import FakeSystem

MIX = "MIDI Mix:MIDI Mix MIDI 1 20:0"
CLOCK = "Traktor:Traktor Virtual Output 128:0"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.002)


class Rig:
    def __init__(self, system: FakeSystem, board: ProblemBoard, **settings: object) -> None:
        self.events: list[MidiEvent | MidiClockEvent] = []
        self.threads: set[str] = set()
        ticks = itertools.count(1)
        self.system = system
        self.midi = MidiInput(
            MidiSettings.model_validate({"poll_s": 0.1, "virtual": False, **settings}),
            wanted=["MIDI Mix", "Traktor"],
            cc14={"midi mix": {(1, 7)}},
            on_event=self.take,
            board=board,
            clock=lambda: float(next(ticks)),
            connect=system.connect,
        )

    def take(self, event: MidiEvent | MidiClockEvent) -> None:
        self.threads.add(threading.current_thread().name)
        self.events.append(event)

    async def started(self) -> Rig:
        self.midi.start(asyncio.get_running_loop())
        await until(lambda: len(self.system.open_ports()) == len(self.system.present))
        await until(lambda: len(self.midi.status()) > 0)
        return self


def test_messages_arrive_in_the_loop_in_order_with_early_times(board: ProblemBoard) -> None:
    async def play() -> Rig:
        rig = await Rig(FakeSystem(MIX, CLOCK), board).started()
        sender = threading.Thread(
            target=lambda: [rig.system.send(MIX, 0xB0, 16, value) for value in range(100)], name="rtmidi"
        )
        sender.start()
        sender.join()
        await until(lambda: len(rig.events) == 100)
        rig.midi.stop()
        return rig

    rig = asyncio.run(play())
    assert [event.raw for event in rig.events if isinstance(event, MidiEvent)] == list(range(100))
    assert [event.t for event in rig.events] == sorted(event.t for event in rig.events)
    assert {event.port for event in rig.events} == {"MIDI Mix MIDI 1"}
    assert rig.threads == {"MainThread"}


def test_flood_drops_the_newest_and_counts_them(board: ProblemBoard) -> None:
    async def play() -> Rig:
        rig = await Rig(FakeSystem(MIX), board).started()
        for value in range(QUEUE_LIMIT + 500):
            rig.system.send(MIX, 0xB0, 16, value % 128)
        await until(lambda: len(rig.events) == QUEUE_LIMIT)
        rig.system.send(MIX, 0xB0, 17, 1)
        await until(lambda: len(rig.events) == QUEUE_LIMIT + 1)
        rig.midi.stop()
        return rig

    rig = asyncio.run(play())
    assert rig.midi.dropped == 500
    assert rig.events[-1].number == 17  # type: ignore[union-attr]


def test_flood_lets_the_loop_breathe(board: ProblemBoard) -> None:
    async def play() -> int:
        rig = await Rig(FakeSystem(MIX), board).started()
        for _ in range(2000):
            rig.system.send(MIX, 0xB0, 16, 1)
        turns = 0
        while len(rig.events) < 2000:
            await asyncio.sleep(0)
            turns += 1
        rig.midi.stop()
        return turns

    assert asyncio.run(play()) >= 10


def test_malformed_message_is_counted_on_the_board(board: ProblemBoard) -> None:
    async def play() -> Rig:
        rig = await Rig(FakeSystem(MIX), board).started()
        rig.system.send(MIX, 0xB0, 16)
        rig.system.send(MIX, 0xB0, 16, 5)
        await until(lambda: len(rig.events) == 1)
        rig.midi.stop()
        return rig

    asyncio.run(play())
    assert board.rejected == {("midi:MIDI Mix MIDI 1", "not a MIDI message"): 1}


def test_consumer_that_fails_does_not_make_us_deaf(board: ProblemBoard) -> None:
    async def play() -> list[MidiEvent | MidiClockEvent]:
        rig = Rig(FakeSystem(MIX), board)
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
        await rig.started()
        take, first = rig.take, itertools.count()

        def fail_once(event: MidiEvent | MidiClockEvent) -> None:
            if next(first) == 0:
                raise RuntimeError("consumer")
            take(event)

        rig.midi._on_event = fail_once
        rig.system.send(MIX, 0xB0, 16, 5)
        rig.system.send(MIX, 0xB0, 16, 6)
        await until(lambda: len(rig.events) == 1)
        rig.midi.stop()
        assert len(failures) == 1
        return rig.events

    assert len(asyncio.run(play())) == 1


@pytest.mark.parametrize(("clock", "expected"), [("", 2), ("traktor", 1)])
def test_clock_is_followed_from_the_configured_port(board: ProblemBoard, clock: str, expected: int) -> None:
    async def play() -> Rig:
        rig = await Rig(FakeSystem(MIX, CLOCK), board, clock=clock).started()
        rig.system.send(MIX, 0xF8)
        rig.system.send(CLOCK, 0xF8)
        rig.system.send(MIX, 0xB0, 1, 1)
        await until(lambda: any(isinstance(event, MidiEvent) for event in rig.events))
        rig.midi.stop()
        return rig

    assert sum(isinstance(event, MidiClockEvent) for event in asyncio.run(play()).events) == expected


def test_14_bit_controls_follow_the_mappings(board: ProblemBoard) -> None:
    async def play() -> Rig:
        rig = await Rig(FakeSystem(MIX), board).started()
        rig.system.send(MIX, 0xB0, 7, 64)
        await until(lambda: len(rig.events) == 1)
        rig.midi.set_cc14({})
        rig.system.send(MIX, 0xB0, 7, 64)
        await until(lambda: len(rig.events) == 2)
        rig.midi.stop()
        return rig

    assert [event.kind for event in asyncio.run(play()).events] == ["cc14", "cc"]


def test_unplug_replug_and_new_wishes_are_noticed_while_running(board: ProblemBoard) -> None:
    async def play() -> Rig:
        rig = await Rig(FakeSystem(MIX), board).started()
        rig.system.present.clear()
        await until(lambda: rig.system.open_ports() == [])
        rig.system.present[:] = ["MIDI Mix:MIDI Mix MIDI 1 24:0", "Other:Other 28:0"]
        await until(lambda: rig.system.open_ports() == ["MIDI Mix:MIDI Mix MIDI 1 24:0"])
        rig.midi.set_wanted(["Other"])
        await until(lambda: rig.system.open_ports() == ["Other:Other 28:0"])
        rig.system.send("Other:Other 28:0", 0x90, 1, 1)
        await until(lambda: len(rig.events) == 1)
        assert [(s.port, s.state, s.events) for s in rig.midi.status()] == [("Other", "open", 1)]
        rig.midi.stop()
        assert rig.system.open_ports() == []
        assert not any(thread.name == "midi" for thread in threading.enumerate())
        return rig

    asyncio.run(play())


def test_messages_after_stop_go_nowhere(board: ProblemBoard) -> None:
    async def play() -> None:
        rig = await Rig(FakeSystem(MIX), board).started()
        on_message = rig.system.opened[0].on_message
        rig.midi.stop()
        on_message([0x90, 1, 1])
        await asyncio.sleep(0)
        assert rig.events == []

    asyncio.run(play())


def test_switched_off_it_opens_nothing(board: ProblemBoard) -> None:
    async def play() -> None:
        system = FakeSystem(MIX)
        rig = Rig(system, board, enabled=False)
        rig.midi.start(asyncio.get_running_loop())
        assert system.connects == 0
        assert rig.midi.status() == ()
        rig.midi.stop()

    asyncio.run(play())
