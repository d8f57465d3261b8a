from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.inputs.osc import IMMEDIATELY, OscMessage, decode
from bridge.model.errors import OscDecodeError

Capture = Callable[[str], list[dict[str, Any]]]
RECORDED = ["osc_abletonosc_stub", "osc_node_libs", "osc_oscsend_types", "osc_puredata"]

HEARD_OF_MALFORMED = {
    "timetag one hour ahead: python-osc strict_timing sleeps the loop": ("/ok", (7,)),
    "no type tag string (legal, old senders)": ("/ok", ()),
    "unknown tag Q before i": ("/ok", ("Q", 7)),
    "latin-1 string (python-osc raises UnicodeDecodeError out of the handler)": ("/ok", ("café",)),
    "latin-1 address": ("/né", (1,)),
}


def message(address: str, tags: str = "", body: bytes = b"") -> bytes:
    def padded(text: str) -> bytes:
        raw = text.encode() + b"\0"
        return raw + b"\0" * (-len(raw) % 4)

    return padded(address) + padded("," + tags) + body


def bundle(*elements: bytes, timetag: int = IMMEDIATELY) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(e)) + e for e in elements)


def as_recorded(value: Any) -> Any:
    """A fixture's JSON value as we decode it; ``inf`` is how the fixtures write the tag I."""
    if isinstance(value, list):
        return tuple(as_recorded(item) for item in value)
    return True if value == "inf" else value


def as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return tuple(as_json(item) for item in value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_programs_decode_to_what_they_meant(name: str, capture: Capture) -> None:
    for packet in capture(name):
        decoded = decode(bytes.fromhex(packet["hex"]))
        assert [(m.address, as_json(m.args)) for m in decoded] == [
            (meant["address"], as_recorded(meant["args"])) for meant in packet["means"]
        ]
        for got, meant in zip(decoded, packet["means"], strict=True):
            if "timetag" in meant:
                assert got.timetag == int(meant["timetag"], 16)


def test_malformed_datagrams_are_rejected_with_a_reason_or_mean_what_is_written(capture: Capture) -> None:
    packets = capture("osc_malformed_synthetic")
    assert len(packets) == 25
    for packet in packets:
        datagram = bytes.fromhex(packet["hex"])
        if (heard := HEARD_OF_MALFORMED.get(packet["note"])) is not None:
            assert [(m.address, m.args) for m in decode(datagram)] == [heard]
        else:
            with pytest.raises(OscDecodeError) as refused:
                decode(datagram)
            assert refused.value.message and "Traceback" not in str(refused.value)


@pytest.mark.parametrize(
    ("tags", "body", "args"),
    [
        ("i", b"\xff\xff\xff\xfe", (-2,)),
        ("f", struct.pack(">f", 0.5), (0.5,)),
        ("d", struct.pack(">d", 0.1), (0.1,)),
        ("h", struct.pack(">q", -(2**40)), (-(2**40),)),
        ("t", struct.pack(">Q", 2**63 + 1), (2**63 + 1,)),
        ("s", b"neon\0\0\0\0", ("neon",)),
        ("S", b"sym\0", ("sym",)),
        ("s", b"\0\0\0\0", ("",)),
        ("s", "größe".encode() + b"\0", ("größe",)),
        ("c", b"\0\0\0x", ("x",)),
        ("b", b"\0\0\0\x03abc\0", (b"abc",)),
        ("b", b"\0\0\0\0", (b"",)),
        ("r", b"\xff\x80\x00\xff", ((255, 128, 0, 255),)),
        ("m", b"\x00\xb0\x07\x64", ((0, 176, 7, 100),)),
        ("TFNI", b"", (True, False, None, True)),
        ("[i[f]]s", b"\0\0\0\x01\x3f\0\0\0z\0\0\0", ((1, (0.5,)), "z")),
        ("[]", b"", ((),)),
    ],
)
def test_every_type(tags: str, body: bytes, args: tuple[Any, ...]) -> None:
    assert decode(message("/x", tags, body)) == (OscMessage("/x", args),)


def test_sclang_pads_blobs_with_anything() -> None:
    assert decode(message("/x", "bi", b"\0\0\0\x01a\xde\xad\xbe\0\0\0\x05"))[0].args == (b"a", 5)


def test_sclang_sends_a_character_as_the_tag_alone() -> None:
    assert decode(message("/x", "iai", b"\0\0\0\x01\0\0\0\x02"))[0].args == (1, "a", 2)


def test_an_unknown_type_with_a_payload_is_refused_rather_than_shifting_what_follows() -> None:
    with pytest.raises(OscDecodeError, match="unknown type tag 'Q'"):
        decode(message("/x", "Qi", b"\0\0\0\0\0\0\0\0\0\0\0\x07"))


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (message("/x", "f", struct.pack(">f", float("-inf"))), "NaN or infinite"),
        (message("/x", "sd", b"a\0\0\0" + struct.pack(">d", float("nan"))), "NaN or infinite"),
        (message("/x", "i", b"\0\0\0\1\0\0\0\2"), "do not fill"),
        (message("/x", "s", b"a\0\0\0b\0\0\0"), "left over"),
        (message("/x", "sif", b"a\0\0\0\0\0\0\1"), "cut off"),
        (message("/x", "sh", b"a\0\0\0\0\0\0\1"), "cut off"),
        (message("/x", "r"), "cut off"),
        (message("/x", "b"), "cut off"),
        (message("/x", "c", b"\0\x11\0\0"), "outside Unicode"),
        (message("/x", "c", b"\0\0\xd8\0"), "outside Unicode"),
        (message("/x", "[" * 9 + "]" * 9), "nested"),
        (message("/x", "T" * 3000), "type tags"),
        (message("/" + "x" * 300), "longer than"),
        (message("/a\x1b[31m"), "unprintable"),
        (bundle(message("/ok"), message("/{a,(((")), "never closes"),
        (b"/x\0\0,iii", "not terminated"),
        (b"#bundlf\0" + b"\0" * 8, "header"),
        (b"#bun", "header"),
        (bundle(message("/ok", "i", b"\0\0\0\7"), b"junk"), "not terminated"),
        (bundle(message("/ok"), message("ok")), "does not start"),
        (bundle(*[message("/")] * 2049), "elements"),
        (bundle(*[bundle()] * 2049), "elements"),
        (bundle(message("/ok")) + b"\0\0", "cut off"),
    ],
)
def test_what_is_refused_and_why(datagram: bytes, reason: str) -> None:
    with pytest.raises(OscDecodeError, match=reason):
        decode(datagram)


def test_bundles_nest_and_each_message_has_its_own_bundles_time() -> None:
    inner = bundle(message("/b"), bundle(message("/c"), timetag=9), timetag=8)
    decoded = decode(bundle(message("/a"), inner, message("/d"), timetag=7))
    assert [(m.address, m.timetag) for m in decoded] == [("/a", 7), ("/b", 8), ("/c", 9), ("/d", 7)]
    assert decode(bundle()) == ()


def test_eight_bundles_deep_is_heard_and_nine_is_not() -> None:
    datagram = message("/deep")
    for _ in range(8):
        datagram = bundle(datagram)
    assert decode(datagram)[0].address == "/deep"
    with pytest.raises(OscDecodeError, match="nested"):
        decode(bundle(datagram))


addresses = st.lists(st.text("abcxyz019_-.é", min_size=1, max_size=8), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
singles = st.floats(width=32, allow_nan=False, allow_infinity=False)
typed = st.one_of(
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("h"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("f"), singles),
    st.tuples(st.just("d"), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just("s"), texts),
    st.tuples(st.just("b"), st.binary(min_size=1, max_size=20)),
    st.tuples(st.just("T"), st.just(True)),
    st.tuples(st.just("F"), st.just(False)),
    st.tuples(st.just("N"), st.none()),
    st.tuples(st.just("m"), st.tuples(*[st.integers(0, 255)] * 4)),
    st.tuples(st.just("r"), st.integers(0, 2**32 - 1)),
)
guessed = st.recursive(
    st.one_of(st.integers(-(2**31), 2**31 - 1), singles, texts, st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=8,
)


def as_decoded(value: Any) -> Any:
    return tuple(as_decoded(item) for item in value) if isinstance(value, list) else value


@given(addresses, st.lists(typed, max_size=8), st.lists(guessed, max_size=3))
def test_whatever_python_osc_builds_is_heard_as_it_was_meant(
    address: str, arguments: list[tuple[str, Any]], more: list[Any]
) -> None:
    builder = OscMessageBuilder(address)
    expected: list[Any] = []
    for tag, value in arguments:
        builder.add_arg(value, tag)
        expected.append(tuple(value.to_bytes(4, "big")) if tag == "r" else value)
    for value in more:
        builder.add_arg(value)
        expected.append(as_decoded(value))
    assert decode(builder.build().dgram) == (OscMessage(address, tuple(expected)),)


@given(st.lists(st.tuples(addresses, singles), max_size=6), st.floats(0, 2e9))
def test_whatever_bundle_python_osc_builds_is_heard_in_order(messages: list[tuple[str, float]], when: float) -> None:
    outer = OscBundleBuilder(when)
    inner = OscBundleBuilder(1)
    for address, value in messages:
        builder = OscMessageBuilder(address)
        builder.add_arg(value)
        outer.add_content(builder.build())
        inner.add_content(builder.build())
    outer.add_content(inner.build())
    decoded = decode(outer.build().dgram)
    assert [(m.address, m.args[0]) for m in decoded] == messages * 2


def test_values_decode_to_their_exact_python_types() -> None:
    args = decode(message("/x", "iTf", b"\0\0\0\1" + struct.pack(">f", 1.0)))[0].args
    assert [type(value) for value in args] == [int, bool, float]


noise = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=120).map(lambda tail: b"#bundle\0" + tail),
    st.tuples(st.text("isfbhtdScrmTFNI[]Qa", max_size=20), st.binary(max_size=80)).map(
        lambda pair: message("/x", pair[0], pair[1])
    ),
)


@given(noise)
@example(bundle(*[bundle(message("/", "[" * 40))] * 3))
def test_any_bytes_give_messages_or_one_kind_of_error(datagram: bytes) -> None:
    try:
        decoded = decode(datagram)
    except OscDecodeError as error:
        assert error.message
    else:
        assert all(m.address.startswith("/") and m.address.isprintable() for m in decoded)


@pytest.mark.parametrize(
    "datagram",
    [
        message("/x", "[" * 60_000),
        message("/x", "s" * 2000, b"\0\0\0\0" * 2000),
        bundle(*[message("/x")] * 2048),
        b"#bundle\0" * 8000,
        b"/" * 65_504,
        b"/x\0\0" + b"," * 65_000,
    ],
    ids=["arrays", "strings", "bundle", "bundles", "slashes", "commas"],
)
def test_the_worst_datagram_costs_no_more_than_a_few_hundred_good_ones(datagram: bytes) -> None:
    def best(data: bytes, times: int) -> float:
        costs = []
        for _ in range(5):
            started = time.perf_counter()
            for _ in range(times):
                try:
                    decode(data)
                except OscDecodeError:
                    pass
            costs.append(time.perf_counter() - started)
        return min(costs)

    assert best(datagram, 1) < 8 * best(message("/bridge/param/x", "f", b"\0\0\0\0"), 1000)
