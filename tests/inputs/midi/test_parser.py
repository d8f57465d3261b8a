"""Byte-level facts of MIDI (inputs section 2)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.midi import MidiParser
from bridge.model.events import MidiClockEvent, MidiEvent

CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures"
P = "MIDI Mix"


def one(data: str, parser: MidiParser | None = None) -> MidiEvent | MidiClockEvent:
    (event,) = (parser or MidiParser(P)).feed(bytes.fromhex(data), 1.5)
    return event


@pytest.mark.parametrize(
    ("data", "kind", "channel", "number", "raw", "value"),
    [
        ("90 3c 40", "note_on", 1, 60, 64, 64 / 127),
        ("9f 00 7f", "note_on", 16, 0, 127, 1.0),
        ("80 3c 40", "note_off", 1, 60, 64, 64 / 127),
        ("90 3c 00", "note_off", 1, 60, 0, 0.0),
        ("b0 10 7f", "cc", 1, 16, 127, 1.0),
        ("b2 00 00", "cc", 3, 0, 0, 0.0),
        ("e0 00 00", "pitch_bend", 1, 0, 0, 0.0),
        ("e0 00 40", "pitch_bend", 1, 0, 8192, 8192 / 16383),
        ("e0 7f 7f", "pitch_bend", 1, 0, 16383, 1.0),
        ("c5 07", "program", 6, 7, 7, 7 / 127),
        ("d1 7f", "aftertouch", 2, 0, 127, 1.0),
        ("a0 3c 20", "poly_aftertouch", 1, 60, 32, 32 / 127),
    ],
)
def test_channel_messages(data: str, kind: str, channel: int, number: int, raw: int, value: float) -> None:
    assert one(data) == MidiEvent(1.5, P, kind, channel, number, raw, pytest.approx(value))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "kind", "position"),
    [
        ("f8", "clock", 0),
        ("fa", "start", 0),
        ("fb", "continue", 0),
        ("fc", "stop", 0),
        ("f2 10 00", "song_position", 16),
        ("f2 7f 7f", "song_position", 16383),
    ],
)
def test_clock_messages(data: str, kind: str, position: int) -> None:
    assert one(data) == MidiClockEvent(1.5, P, kind, position)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", ["fe", "ff", "f6", "f3 05", "f1 12", "f0 7e 7f 06 01 f7"])
def test_messages_of_no_use_here_are_silent_and_not_malformed(data: str) -> None:
    parser = MidiParser(P)
    assert parser.feed(bytes.fromhex(data), 0.0) == ()
    assert parser.malformed == 0


@pytest.mark.parametrize(
    "data", ["", "3c", "90", "90 3c", "90 3c 80", "b0 10 7f 00", "f0 01 02", "f4", "f5", "f7", "f9"]
)
def test_malformed_bytes_are_counted_and_told(data: str) -> None:
    told = []
    parser = MidiParser(P, on_malformed=lambda reason, bad: told.append((reason, bad)))
    assert parser.feed(bytes.fromhex(data), 0.0) == ()
    assert parser.malformed == 1
    assert told[0][1] == bytes.fromhex(data)
    assert one("b0 10 01", parser), "the next message is heard"


def test_14_bit_control_is_coarse_at_once_and_refined() -> None:
    parser = MidiParser("DDJ-400", cc14={(1, 19)})
    raws = [one(data, parser).raw for data in ("b0 13 40", "b0 33 05", "b0 13 40", "b0 33 7f", "b0 13 41")]  # type: ignore[union-attr]
    assert raws == [64 << 7, (64 << 7) + 5, (64 << 7) + 5, (64 << 7) + 127, 65 << 7]
    top = [one(data, parser) for data in ("b0 13 7f", "b0 33 7f")][-1]
    assert top == MidiEvent(1.5, "DDJ-400", "cc14", 1, 19, 16383, 1.0)


def test_lsb_without_its_msb_says_nothing_yet() -> None:
    assert MidiParser(P, cc14={(1, 19)}).feed(b"\xb0\x33\x05", 0.0) == ()


def test_only_declared_controls_are_14_bit() -> None:
    parser = MidiParser(P, cc14={(1, 19)})
    assert one("b1 13 40", parser).kind == "cc"  # another channel
    assert one("b0 14 40", parser).kind == "cc"  # another number
    assert one("b0 34 05", parser).number == 52  # type: ignore[union-attr]
    parser.set_cc14(())
    assert one("b0 13 40", parser).kind == "cc"


def test_recorded_sequencer_plays_its_notes_in_pairs() -> None:
    parser = MidiParser("jack_midiseq")
    packets = json.loads((CAPTURES / "midi_jack_midiseq.json").read_text(encoding="utf-8"))["packets"]
    events = [event for p in packets for event in parser.feed(bytes.fromhex(p["hex"]), p["t"])]
    assert len(events) == len(packets) == 24
    assert [e.kind for e in events] == ["note_on", "note_off"] * 12
    assert {(e.number, e.raw) for e in events if isinstance(e, MidiEvent)} == {(60, 64), (63, 64)}


def test_recorded_clock_is_understood_whole() -> None:
    parser = MidiParser("jack_midi_clock")
    packets = json.loads((CAPTURES / "midi_jack_midi_clock.json").read_text(encoding="utf-8"))["packets"]
    kinds = [event.kind for p in packets for event in parser.feed(bytes.fromhex(p["hex"]), p["t"])]
    assert [kinds.count(kind) for kind in ("start", "clock", "stop", "continue")] == [1, 463, 3, 1]
    assert parser.malformed == 0


@given(st.lists(st.one_of(st.binary(max_size=8), st.lists(st.integers(-5, 300), max_size=6)), max_size=20))
def test_no_bytes_are_raised_for_and_every_value_is_in_range(messages: list[bytes | list[int]]) -> None:
    parser = MidiParser(P, cc14={(1, n) for n in range(32)})
    for t, message in enumerate(messages):
        for event in parser.feed(message, float(t)):
            if isinstance(event, MidiEvent):
                assert 0.0 <= event.value <= 1.0
                assert 1 <= event.channel <= 16
                assert 0 <= event.number <= 127


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127)), min_size=1))
def test_14_bit_pairs_always_end_on_their_own_value(pairs: list[tuple[int, int]]) -> None:
    parser = MidiParser(P, cc14={(3, 7)})
    for msb, lsb in pairs:
        parser.feed([0xB2, 7, msb], 0.0)
        (event,) = parser.feed([0xB2, 39, lsb], 0.0)
        assert isinstance(event, MidiEvent)
        assert event.raw == msb * 128 + lsb
