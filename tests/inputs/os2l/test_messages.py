"""OS2L's messages in the bridge's words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.os2l.messages import understand
from bridge.model.events import BpmReport, OscEvent

SENDER = ("127.0.0.1", 40000)


def says(counted: int = 7, **message: Any) -> BpmReport | OscEvent | str | None:
    return understand(message, 3.0, SENDER, counted)


def test_a_beat() -> None:
    told = says(evt="beat", change=False, pos=16, bpm=116.04, strength=0.8)
    assert told == BpmReport(3.0, bpm=116.04, beat=16, source="os2l")
    assert says(evt="beat") == BpmReport(3.0, beat=7, source="os2l")  # QLC+'s manual allows it bare
    assert says(evt="beat", bpm=0, pos=2.0) == BpmReport(3.0, beat=2, source="os2l")


@pytest.mark.parametrize(
    ("message", "address", "value"),
    [
        ({"evt": "btn", "name": "blackout", "state": "on"}, "/os2l/btn/blackout", 1.0),
        ({"evt": "btn", "name": "Light Left 2", "state": "off"}, "/os2l/btn/light_left_2", 0.0),
        ({"evt": "btn", "name": "go", "page": "Drop", "state": "on"}, "/os2l/btn/drop/go", 1.0),
        ({"evt": "btn", "name": "go", "page": "*", "state": "on"}, "/os2l/btn/go", 1.0),
        ({"evt": "cmd", "id": 3, "param": 75.0}, "/os2l/cmd/3", 75.0),
        ({"evt": "cmd", "id": "1", "param": 255}, "/os2l/cmd/1", 255.0),
        ({"evt": "cmd", "id": 42}, "/os2l/cmd/42", 100.0),
    ],
)
def test_buttons_and_commands_are_addresses(message: dict[str, Any], address: str, value: float) -> None:
    assert says(**message) == OscEvent(3.0, "os2l", SENDER, address, (value,))


@pytest.mark.parametrize(
    "message",
    [
        {"evt": "beat", "bpm": "fast"},
        {"evt": "beat", "pos": float("nan")},
        {"evt": "beat", "pos": 1e300},
        {"evt": "btn", "state": "on"},
        {"evt": "btn", "name": "x", "state": "perhaps"},
        {"evt": "cmd", "id": None},
        {"evt": "cmd", "id": 1, "param": float("inf")},
        {"name": "no evt"},
    ],
)
def test_what_is_wrong_is_named(message: dict[str, Any]) -> None:
    assert isinstance(says(**message), str)


def test_other_kinds_are_left_alone() -> None:
    assert says(evt="song", name="x") is None


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=4,
)
keys = st.sampled_from(["evt", "name", "page", "state", "id", "param", "pos", "bpm", "change", "strength"])


@given(st.sampled_from(["beat", "btn", "cmd"]), st.dictionaries(keys, anything, max_size=6))
def test_nothing_raises(evt: str, message: dict[str, Any]) -> None:
    understand({**message, "evt": evt}, 0.0, SENDER, 0)
    understand(message, 0.0, SENDER, 0)
