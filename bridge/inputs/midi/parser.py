"""MIDI bytes to events (inputs section 2). Pure: one parser per port, told the time."""

from __future__ import annotations

__all__ = ["MidiParser"]

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import mido

from bridge.model.events import MidiClockEvent, MidiEvent, MidiKind

_CLOCK: Final = 0xF8
_MAX_7: Final = 127
_MAX_14: Final = 16383
_LSB_OFFSET: Final = 32
_REAL_TIME: Final = {"clock": "clock", "start": "start", "stop": "stop", "continue": "continue"}
_PLAIN: Final[dict[str, tuple[MidiKind, str, str]]] = {
    "note_on": ("note_on", "note", "velocity"),
    "note_off": ("note_off", "note", "velocity"),
    "control_change": ("cc", "control", "value"),
    "polytouch": ("poly_aftertouch", "note", "value"),
    "program_change": ("program", "program", "program"),
}


class MidiParser:
    """Turns one port's messages into events.

    ``cc14`` holds (channel 1..16, MSB number 0..31) of the controls that send 14 bits: their MSB is applied at
    once, their LSB (number + 32) refines it, and an MSB that repeats keeps the LSB. ``on_malformed`` is told of
    bytes that are no MIDI message; nothing is ever raised for them. Messages without an event here (sysex, active
    sensing, song select) give none.
    """

    def __init__(
        self,
        port: str,
        *,
        cc14: Collection[tuple[int, int]] = (),
        on_malformed: Callable[[str, bytes], None] | None = None,
    ) -> None:
        self._port = port
        self._on_malformed = on_malformed
        self._cc14 = frozenset(cc14)
        self._pairs: dict[tuple[int, int], tuple[int, int]] = {}
        self.malformed = 0

    def set_cc14(self, cc14: Collection[tuple[int, int]]) -> None:
        """Say which controls send 14 bits from now on."""
        self._cc14 = frozenset(cc14)
        self._pairs = {key: pair for key, pair in self._pairs.items() if key in self._cc14}

    def feed(self, data: Sequence[int], t: float) -> tuple[MidiEvent | MidiClockEvent, ...]:
        """Take one whole message (what every backend delivers) and give its events."""
        if len(data) == 1 and data[0] == _CLOCK:
            return (MidiClockEvent(t, self._port, "clock"),)
        try:
            message = mido.Message.from_bytes(data)
        except (ValueError, TypeError, LookupError) as error:
            self._reject(str(error), data)
            return ()
        return self._events(message, t)

    def _reject(self, reason: str, data: Sequence[int]) -> None:
        self.malformed += 1
        if self._on_malformed is not None:
            self._on_malformed(reason, bytes(byte & 0xFF for byte in data))

    def _events(self, message: Any, t: float) -> tuple[MidiEvent | MidiClockEvent, ...]:
        kind = message.type
        if kind == "control_change":
            return self._control_change(message, t)
        if kind == "note_on" and message.velocity == 0:
            return (self._event(t, "note_off", message.channel, message.note, 0),)
        if kind in _PLAIN:
            ours, number, value = _PLAIN[kind]
            return (self._event(t, ours, message.channel, getattr(message, number), getattr(message, value)),)
        if kind == "pitchwheel":
            return (self._event(t, "pitch_bend", message.channel, 0, message.pitch - mido.MIN_PITCHWHEEL, _MAX_14),)
        if kind == "aftertouch":
            return (self._event(t, "aftertouch", message.channel, 0, message.value),)
        if kind in _REAL_TIME:
            return (MidiClockEvent(t, self._port, kind),)
        if kind == "songpos":
            return (MidiClockEvent(t, self._port, "song_position", message.pos),)
        return ()

    def _control_change(self, message: Any, t: float) -> tuple[MidiEvent, ...]:
        channel, number, value = message.channel, message.control, message.value
        if (channel + 1, number) in self._cc14:
            msb, lsb = self._pairs.get((channel + 1, number), (-1, 0))
            pair = (value, lsb if value == msb else 0)
        elif (channel + 1, number - _LSB_OFFSET) in self._cc14:
            number -= _LSB_OFFSET
            if (channel + 1, number) not in self._pairs:
                return ()
            pair = (self._pairs[channel + 1, number][0], value)
        else:
            return (self._event(t, "cc", channel, number, value),)
        self._pairs[channel + 1, number] = pair
        return (self._event(t, "cc14", channel, number, pair[0] << 7 | pair[1], _MAX_14),)

    def _event(self, t: float, kind: MidiKind, channel: int, number: int, raw: int, full: int = _MAX_7) -> MidiEvent:
        return MidiEvent(t, self._port, kind, channel + 1, number, raw, raw / full)
