"""A MIDI system in memory: devices come and go, ports deliver what is sent to them."""

from __future__ import annotations

import threading

import pytest

from bridge.inputs.midi.backend import OnMessage
from bridge.model.board import ProblemBoard
from bridge.model.errors import MidiPortError


class FakePort:
    def __init__(self, raw: str, on_message: OnMessage) -> None:
        self.raw = raw
        self.on_message = on_message
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class FakeSystem:
    """Behaves as RtMidi does (inputs section 2): a dead port says nothing, a stale index opens nothing."""

    def __init__(self, *names: str) -> None:
        self.present: list[str] = list(names)
        self.opened: list[FakePort] = []
        self.virtual: FakePort | None = None
        self.running = True
        self.busy: set[str] = set()
        self.connects = 0
        self.listed_before_open: list[str] | None = None

    def connect(self) -> FakeClient:
        self.connects += 1
        if not self.running:
            raise MidiPortError("The ALSA sequencer is missing.", hint="Run: sudo modprobe snd-seq.")
        return FakeClient(self)

    def open_ports(self) -> list[str]:
        return [port.raw for port in self.opened if not port.closed.is_set()]

    def send(self, raw: str, *message: int) -> None:
        for port in self.opened:
            if port.raw == raw and not port.closed.is_set():
                port.on_message(list(message))


class FakeClient:
    def __init__(self, system: FakeSystem) -> None:
        self._system = system
        self.closed = False

    def names(self) -> list[str]:
        return list(self._system.listed_before_open or self._system.present)

    def open(self, index: int, raw: str, on_message: OnMessage) -> FakePort:
        if index >= len(self._system.present) or self._system.present[index] != raw:
            raise MidiPortError(f"{raw} has just gone.")
        if raw in self._system.busy:
            raise MidiPortError(f"{raw} is busy.")
        self._system.opened.append(FakePort(raw, on_message))
        return self._system.opened[-1]

    def open_virtual(self, name: str, on_message: OnMessage) -> FakePort:
        self._system.virtual = FakePort(name, on_message)
        return self._system.virtual

    def alive(self) -> bool:
        return self._system.running

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def board() -> ProblemBoard:
    return ProblemBoard()


@pytest.fixture
def make_system() -> type[FakeSystem]:
    return FakeSystem
