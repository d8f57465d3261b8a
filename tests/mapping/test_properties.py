"""Whatever arrives: nothing raises, nothing leaves its range, and the same in gives the same out."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.mapping import Mapper, load_mappings, mapping_directories
from bridge.mapping.slots import Values
from bridge.mapping.vocabulary import SIGNALS
from bridge.model.events import MidiEvent, OscEvent
from bridge.model.targets import Intent

SHIPPED, _ = load_mappings([mapping_directories()[1]])
ADDRESSES = sorted(Mapper(SHIPPED).known_addresses())
TARGETS = sorted({rule.target for file in SHIPPED.files for rule in file.rules})
PORTS = ["MIDI Mix MIDI 1", "nanoKONTROL2 SLIDER/KNOB", "DDJ-400 MIDI 1", "APC MINI MIDI 1", "XONE:K2", "nothing"]

osc_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
addresses = st.sampled_from(ADDRESSES) | st.text(max_size=12).map("/bridge/".__add__) | st.text(max_size=12)
osc_events = st.builds(
    OscEvent,
    st.floats(0, 100),
    st.just("127.0.0.1:9700"),
    st.just(("127.0.0.1", 5)),
    addresses,
    st.lists(osc_values, max_size=4).map(tuple),
)
midi_events = st.builds(
    lambda port, kind, channel, number, raw: MidiEvent(0.0, port, kind, channel, number, raw, raw / 127),
    st.sampled_from(PORTS),
    st.sampled_from(["note_on", "note_off", "cc", "cc14", "pitch_bend", "program", "aftertouch", "poly_aftertouch"]),
    st.integers(1, 16),
    st.integers(0, 127),
    st.integers(0, 127),
)
events = st.lists(osc_events | midi_events, max_size=30)
known = st.dictionaries(st.sampled_from(TARGETS), st.none() | st.floats(0, 1), max_size=8)
signals = st.dictionaries(st.sampled_from(SIGNALS), st.floats(), max_size=4)


def play(arrived: list[OscEvent | MidiEvent], values: Values, heard: dict[str, float]) -> list[Intent]:
    mapper, intents = Mapper(SHIPPED, reject=lambda source, reason, example: None), []
    for number, event in enumerate(arrived):
        intents += mapper.feed(event, values, number * 0.02)
        intents += mapper.tick(heard, values, number * 0.02 + 0.01)
        mapper.takeover(values)
        mapper.matches(event)
    return intents


@settings(max_examples=150, deadline=None)
@given(events, known, signals)
def test_anything_may_arrive(arrived: list[OscEvent | MidiEvent], values: Values, heard: dict[str, float]) -> None:
    for intent in play(arrived, values, heard):
        if isinstance(intent.value, float):
            assert math.isfinite(intent.value)
        if intent.target.startswith(("macro/", "fx/")) and intent.kind == "set":
            assert isinstance(intent.value, float)
            assert 0.0 <= intent.value <= 1.0
        if intent.normalised:
            assert isinstance(intent.value, float)
            assert 0.0 <= intent.value <= 1.0
        assert intent.origin.startswith(("midi:", "osc:", "audio", "beat"))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 127), st.floats(allow_nan=False, allow_infinity=False))
def test_ranges_hold(raw: int, number: float) -> None:
    """The shipped ranges, whatever the knob or the sender says."""
    mapper = Mapper(SHIPPED)
    mapper.feed(MidiEvent(0.0, "MIDI Mix", "note_on", 1, 27, 127, 1.0), {}, 0.0)
    found = mapper.feed(MidiEvent(0.0, "MIDI Mix", "cc", 1, 16, raw, raw / 127), {}, 0.0)
    found += mapper.feed(OscEvent(0.0, "l", ("h", 1), "/energy", (number,)), {}, 0.0)
    assert [intent.target for intent in found] == ["param/noise_scale"] * 2
    assert all(isinstance(intent.value, float) and 0.48 <= intent.value <= 0.68 for intent in found)


@settings(max_examples=60, deadline=None)
@given(events, known, signals)
def test_the_same_in_gives_the_same_out(
    arrived: list[OscEvent | MidiEvent], values: Values, heard: dict[str, float]
) -> None:
    assert repr(play(arrived, values, heard)) == repr(play(arrived, values, heard))
