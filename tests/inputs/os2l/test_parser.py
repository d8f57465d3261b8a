"""OS2L's stream: objects back to back, cut anywhere, with anything between them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inputs.os2l.parser import MAX_MESSAGE, MessageStream

BEAT = b'{"evt":"beat","change":false,"pos":16,"bpm":116.04,"strength":0.8}'
"""As VirtualDJ sends it."""
BUTTON = b'{"evt":"btn","name":"blackout","state":"on"}'
"""The protocol's own example (os2l.org)."""


def parse(*chunks: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    reasons: list[str] = []
    stream = MessageStream(lambda reason, example: reasons.append(reason))
    return [message for chunk in chunks for message in stream.feed(chunk)], reasons


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def test_messages_back_to_back() -> None:
    found, reasons = parse(BEAT + BUTTON + b"\r\n " + BEAT + b"\0,")
    assert [message["evt"] for message in found] == ["beat", "btn", "beat"]
    assert found[0] == {"evt": "beat", "change": False, "pos": 16, "bpm": 116.04, "strength": 0.8}
    assert reasons == ["no JSON object"]  # the comma


@pytest.mark.parametrize(
    ("junk", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "no JSON object"),
        (b'{"evt":"beat","pos":1', "unfinished"),
        (b'{"evt":"btn","name":"never closed', "unfinished"),
        (b'{"evt":"btn","name":"line\nend"}', "a line end in a text"),
        (b'{"name":"' + b"x" * MAX_MESSAGE + b'"}', "longer than a message may be"),
        (b"{}}", "no JSON object"),
        (b"{evt:1}", "not a JSON object"),
        (b'{"n":' + b"[" * 3000 + b"}", "not a JSON object"),
        (b'{"n":"\xff\xfe"}', "not a JSON object"),
        (b'{"pos":' + b"9" * 4000 + b"0" * 1000 + b"}", "longer than a message may be"),
    ],
)
def test_after_garbage_the_next_message_is_understood(junk: bytes, reason: str) -> None:
    found, reasons = parse(junk + BEAT)
    assert found[-1]["evt"] == "beat"
    assert reason in reasons


def test_names_hold_braces_quotes_and_backslashes() -> None:
    names = ["Very{cool}button", 'say "evt"', '{"evt"', "back\\", "\\{", "ÿ→"]
    data = b"".join(
        json.dumps({"evt": "btn", "name": n}, ensure_ascii=i % 2 == 0).encode() for i, n in enumerate(names)
    )
    assert [message["name"] for message in parse(data)[0]] == names


pieces = st.one_of(
    st.sampled_from([BEAT, BUTTON, b'{"evt"', b"{", b"}", b'"', b"\\", b"\n", b'{"a":{"b":1}}', b"x" * 5000]),
    st.binary(max_size=12),
    st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=20), st.floats(), st.booleans()), max_size=4).map(
        lambda value: json.dumps({"evt": "cmd", **value}).encode()
    ),
)


@settings(deadline=None)
@given(st.lists(pieces, max_size=12).map(b"".join), st.lists(st.integers(0, 10**6), max_size=12))
def test_however_the_stream_is_cut_the_messages_are_the_same(data: bytes, places: list[int]) -> None:
    whole, _ = parse(data)
    assert repr(parse(*cut(data, places))[0]) == repr(whole)  # repr: NaN is not equal to itself
    assert repr(parse(*(data[i : i + 1] for i in range(len(data))))[0]) == repr(whole)


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4), max_size=8))
def test_every_object_comes_out_as_it_went_in(sent: list[dict[str, str]]) -> None:
    found, reasons = parse(b"".join(json.dumps(value).encode() for value in sent))
    assert (found, reasons) == (sent, [])
