"""Short ways to write events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.mapping import Mapper, MappingSet
from bridge.model.errors import Issue
from bridge.model.events import MidiEvent, MidiKind, OscEvent, OscValue

Load = Callable[..., tuple[MappingSet, list[Issue]]]
MakeMapper = Callable[..., Mapper]

HEAD = 'version = 1\n[about]\nname = "Test"\nmatch = "Box"\n'


def osc(address: str, *args: OscValue, t: float = 0.0) -> OscEvent:
    return OscEvent(t, "127.0.0.1:9700", ("127.0.0.1", 50000), address, args)


def midi(kind: MidiKind, number: int, raw: int, *, channel: int = 1, port: str = "Box MIDI 1") -> MidiEvent:
    top = 16383 if kind in ("cc14", "pitch_bend") else 127
    return MidiEvent(0.0, port, kind, channel, number, raw, raw / top)


def cc(number: int, raw: int, **more: Any) -> MidiEvent:
    return midi("cc", number, raw, **more)


def note(number: int, velocity: int, **more: Any) -> MidiEvent:
    return midi("note_on" if velocity else "note_off", number, velocity, **more)
