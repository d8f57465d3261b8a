from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.osc import AddressPattern
from bridge.inputs.osc.pattern import is_pattern
from bridge.model.errors import OscDecodeError


@pytest.mark.parametrize(
    ("pattern", "named", "not_named"),
    [
        ("/a", ["/a"], ["/b", "/a/", "/aa", ""]),
        ("/*", ["/", "/a", "/abc"], ["/a/b", "//"]),
        ("/a/*/c", ["/a/b/c", "/a//c"], ["/a/c", "/a/b/b/c"]),
        ("/a*b*c", ["/abc", "/a1b2c", "/abbcc"], ["/acb", "/ab/c"]),
        ("/fader?", ["/fader1", "/fader9"], ["/fader", "/fader10", "/fader/"]),
        ("/fader[1-3]", ["/fader1", "/fader3"], ["/fader4", "/fader"]),
        ("/fader[3-1]", ["/fader2"], ["/fader4"]),
        ("/[!a-c]", ["/d", "/!"], ["/a", "//"]),
        ("/[a-]", ["/a", "/-"], ["/b"]),
        ("/[a!]", ["/a", "/!"], ["/b"]),
        ("/{noise,bias}_scale", ["/noise_scale", "/bias_scale"], ["/_scale", "/noise"]),
        ("/x{,y}", ["/x", "/xy"], ["/xyy"]),
        ("/*{abc,b}*c", ["/abc", "/abcc", "/bc"], ["/ab"]),
        ("/{a,ab}c", ["/ac", "/abc"], ["/abbc"]),
        ("/bridge/param/*", ["/bridge/param/noise_scale"], ["/bridge/params/x", "/bridge/param/a/b"]),
        ("/größe/?", ["/größe/é"], ["/grösse/e"]),
    ],
)
def test_what_a_pattern_names(pattern: str, named: list[str], not_named: list[str]) -> None:
    compiled = AddressPattern(pattern)
    assert [address for address in named + not_named if compiled.matches(address)] == named


@pytest.mark.parametrize("pattern", ["/{a,(((", "/[a", "/a]", "/a}", "/{a/b,c}", "/[a/b]", "/}{"])
def test_a_broken_pattern_is_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(OscDecodeError, match="the address pattern"):
        AddressPattern(pattern)


def test_only_pattern_characters_make_a_pattern() -> None:
    assert [a for a in ("/a", "/a*", "/a?", "/[a]", "/{a}", "/a,b", "/a-b!") if is_pattern(a)] == [
        "/a*",
        "/a?",
        "/[a]",
        "/{a}",
    ]


pieces = st.sampled_from(["a", "b", "/", "ab", "*", "?", "[ab]", "[!a]", "[a-c]", "{a,bb}", "{,ab}", "{aba,b}"])
AS_REGEX = {
    "*": "[^/]*",
    "?": "[^/]",
    "[!a]": "[^a/]",
    "{a,bb}": "(?:a|bb)",
    "{,ab}": "(?:|ab)",
    "{aba,b}": "(?:aba|b)",
}


@given(st.lists(pieces, max_size=8), st.text("abc/", max_size=10))
def test_agrees_with_a_regular_expression(pattern: list[str], address: str) -> None:
    expected = re.fullmatch("/" + "".join(AS_REGEX.get(piece, piece) for piece in pattern), "/" + address)
    assert AddressPattern("/" + "".join(pattern)).matches("/" + address) == bool(expected)


def test_many_stars_cost_what_their_length_costs() -> None:
    """A backtracking matcher would need more than the age of the universe for this."""
    hostile = AddressPattern("/" + "*a" * 120 + "b")
    started = time.perf_counter()
    assert not hostile.matches("/" + "a" * 250)
    assert time.perf_counter() - started < 1.0
