"""Port names across plugs and backends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.midi.names import assign, matches, stable_name


@pytest.mark.parametrize(
    ("raw", "stable"),
    [
        ("APC Key 25:APC Key 25 MIDI 1 20:0", "APC Key 25 MIDI 1"),
        ("APC Key 25:APC Key 25 MIDI 1 128:12", "APC Key 25 MIDI 1"),
        ("Midi Through:Midi Through Port-0 14:0", "Midi Through Port-0"),
        ("rtpmidid:stage left 130:2", "rtpmidid:stage left"),
        ("a2j:MIDI Mix [24] (capture): MIDI Mix MIDI 1", "MIDI Mix MIDI 1"),
        ("jack_midi_clock:mclk_out", "jack_midi_clock:mclk_out"),
        ("system:midi_capture_1", "system:midi_capture_1"),
        ("nanoKONTROL2 1", "nanoKONTROL2 1"),
        ("", ""),
    ],
)
def test_stable_name(raw: str, stable: str) -> None:
    assert stable_name(raw) == stable


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("midi mix", "MIDI Mix MIDI 1", True),
        ("nanoKONTROL2", "NANOKONTROL2 MIDI 1", True),
        (r"^Launchpad( Mini)? MIDI", "Launchpad Mini MIDI 1", True),
        (r"^Launchpad MK2", "Launchpad Mini MIDI 1", False),
        ("Kontrol (1", "Kontrol (1) MIDI", True),
        ("Kontrol (2", "Kontrol (1) MIDI", False),
        ("", "anything", False),
    ],
)
def test_patterns(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


def test_equal_devices_are_told_apart_by_order() -> None:
    found = assign(["Thru 14:0", "APC:APC MIDI 1 20:0", "APC:APC MIDI 1 24:0"], ["apc"])
    assert {name: (port.index, port.raw) for name, port in found.items()} == {
        "APC MIDI 1": (1, "APC:APC MIDI 1 20:0"),
        "APC MIDI 1 #2": (2, "APC:APC MIDI 1 24:0"),
    }


def test_our_own_ports_are_left_out() -> None:
    assert assign(["scope-bridge:LEDs 128:0"], [".*"], own_client="Scope-Bridge") == {}


@given(st.text(max_size=30), st.text(max_size=60))
def test_any_pattern_meets_any_name(pattern: str, name: str) -> None:
    assert isinstance(matches(pattern, name), bool)
    assert stable_name(stable_name(name)) in stable_name(name) or stable_name(name)
