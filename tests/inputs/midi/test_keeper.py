"""Hot plug with a fake MIDI system and a clock of our own."""

from __future__ import annotations

import logging

import pytest

from bridge.inputs.midi.keeper import VIRTUAL_PORT, PortKeeper
from bridge.model.board import ProblemBoard

from .conftest import FakeSystem

MIX = "MIDI Mix:MIDI Mix MIDI 1 20:0"
MIX_AGAIN = "MIDI Mix:MIDI Mix MIDI 1 24:0"
NAME = "MIDI Mix MIDI 1"


def keeper_of(system: FakeSystem, board: ProblemBoard, *required: str, virtual: bool = False) -> PortKeeper:
    return PortKeeper(
        connect=system.connect,
        listener=lambda port: lambda message: None,
        board=board,
        required=required,
        virtual=virtual,
        close=lambda port: port.close(),
    )


def codes(board: ProblemBoard) -> list[str]:
    return [problem.code for problem in board.problems]


def test_only_wanted_ports_are_opened(board: ProblemBoard) -> None:
    system = FakeSystem("Midi Through:Midi Through Port-0 14:0", MIX)
    keeper = keeper_of(system, board)
    keeper.look(["midi mix"], 0.0)
    assert system.open_ports() == [MIX]
    assert keeper.states == ((NAME, "open"),)
    keeper.look(["midi mix"], 1.0)
    assert len(system.opened) == 1, "an open port is left alone"


def test_mapping_for_a_device_nobody_has_only_waits(board: ProblemBoard) -> None:
    keeper = keeper_of(FakeSystem(), board)
    keeper.look(["nanoKONTROL2"], 0.0)
    assert keeper.states == (("nanoKONTROL2", "waiting"),)
    assert codes(board) == []


def test_missing_device_of_the_settings_is_a_problem_until_it_comes(board: ProblemBoard) -> None:
    system = FakeSystem()
    keeper = keeper_of(system, board, "MIDI Mix")
    keeper.look([], 0.0)
    assert codes(board) == ["port:MIDI Mix"]
    assert "scope-bridge devices" in board.problems[0].hint
    system.present.append(MIX)
    keeper.look([], 1.0)
    assert codes(board) == []
    assert system.open_ports() == [MIX]


def test_unplug_and_replug_under_another_number(board: ProblemBoard) -> None:
    system = FakeSystem(MIX)
    keeper = keeper_of(system, board)
    keeper.look(["MIDI Mix"], 0.0)
    system.present.clear()
    keeper.look(["MIDI Mix"], 1.0)
    assert system.open_ports() == []
    assert codes(board) == [f"port:{NAME}"]
    assert keeper.states == (("MIDI Mix", "waiting"),)
    system.present.append(MIX_AGAIN)
    keeper.look(["MIDI Mix"], 2.0)
    assert system.open_ports() == [MIX_AGAIN]
    assert keeper.states == ((NAME, "open"),)
    assert codes(board) == []


def test_wiggle_between_two_looks_is_seen_by_the_new_number(board: ProblemBoard) -> None:
    system = FakeSystem(MIX)
    keeper = keeper_of(system, board)
    keeper.look(["MIDI Mix"], 0.0)
    system.present[:] = [MIX_AGAIN]
    keeper.look(["MIDI Mix"], 1.0)
    assert system.open_ports() == [MIX_AGAIN]
    assert system.opened[0].closed.is_set()


def test_device_gone_between_look_and_open_is_tried_again(board: ProblemBoard) -> None:
    system = FakeSystem("Other:Other 1 16:0", MIX)
    system.listed_before_open = [MIX]
    keeper = keeper_of(system, board)
    keeper.look(["MIDI Mix"], 0.0)
    assert keeper.states == ((NAME, "failed"),)
    system.listed_before_open = None
    keeper.look(["MIDI Mix"], 1.0)
    assert keeper.states == ((NAME, "open"),)


def test_busy_device_is_failed_and_tried_for_ever(board: ProblemBoard) -> None:
    system = FakeSystem(MIX)
    system.busy.add(MIX)
    keeper = keeper_of(system, board)
    for second in range(5):
        keeper.look(["MIDI Mix"], float(second))
        assert keeper.states == ((NAME, "failed"),)
    assert "busy" in board.problems[0].message
    system.busy.clear()
    keeper.look(["MIDI Mix"], 6.0)
    assert keeper.states == ((NAME, "open"),)
    assert codes(board) == []


def test_two_equal_devices_are_opened_with_a_warning(board: ProblemBoard, caplog: pytest.LogCaptureFixture) -> None:
    system = FakeSystem(MIX, MIX_AGAIN)
    keeper = keeper_of(system, board)
    with caplog.at_level(logging.WARNING):
        keeper.look(["MIDI Mix"], 0.0)
        keeper.look(["MIDI Mix"], 1.0)
    assert keeper.states == ((NAME, "open"), (f"{NAME} #2", "open"))
    assert len([record for record in caplog.records if "two devices" in record.message]) == 1


def test_no_midi_system_is_said_with_a_hint_and_tried_for_ever_with_back_off(board: ProblemBoard) -> None:
    system = FakeSystem(MIX)
    system.running = False
    keeper = keeper_of(system, board, "MIDI Mix")
    for tenth in range(600):
        keeper.look(["MIDI Mix"], tenth / 10)
    assert codes(board) == ["no_backend"]
    assert "modprobe snd-seq" in board.problems[0].hint
    assert 6 <= system.connects <= 10
    system.running = True
    keeper.look(["MIDI Mix"], 75.0)
    assert system.open_ports() == [MIX]
    assert codes(board) == []


@pytest.mark.parametrize("wanted", [[], ["MIDI Mix"]])
def test_no_midi_system_is_no_problem_until_the_settings_name_a_port(board: ProblemBoard, wanted: list[str]) -> None:
    system = FakeSystem()
    system.running = False
    keeper_of(system, board, virtual=True).look(wanted, 0.0)
    assert codes(board) == []


def test_death_of_the_system_closes_all_and_its_return_opens_all(board: ProblemBoard) -> None:
    system = FakeSystem(MIX)
    keeper = keeper_of(system, board, virtual=True)
    keeper.look(["MIDI Mix"], 0.0)
    system.running = False
    keeper.look(["MIDI Mix"], 6.0)
    assert codes(board) == ["no_backend"]
    assert system.open_ports() == []
    assert system.virtual is not None and system.virtual.closed.is_set()
    system.running = True
    keeper.look(["MIDI Mix"], 8.0)
    assert system.open_ports() == [MIX]
    assert keeper.states == ((NAME, "open"), (VIRTUAL_PORT, "open"))
    assert codes(board) == []


def test_device_no_longer_wanted_is_closed_and_no_problem(board: ProblemBoard) -> None:
    system = FakeSystem(MIX)
    keeper = keeper_of(system, board)
    keeper.look(["MIDI Mix"], 0.0)
    keeper.look([], 1.0)
    assert system.open_ports() == []
    assert keeper.states == ()
    assert codes(board) == []


def test_close_closes_everything(board: ProblemBoard) -> None:
    system = FakeSystem(MIX)
    keeper = keeper_of(system, board, virtual=True)
    keeper.look(["MIDI Mix"], 0.0)
    keeper.close()
    assert system.open_ports() == []
    assert system.virtual is not None and system.virtual.closed.is_set()
