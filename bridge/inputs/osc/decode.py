"""OSC 1.0 datagrams to values: pure, bounded, and never more lenient than it says.

What a datagram means here, where the specification leaves room:

* A packet is flat: the messages of nested bundles in order, each with its own bundle's time tag.
* A packet is all or nothing: one bad element rejects the whole datagram.
* Strings and addresses are UTF-8 (ASCII is); bytes that are not are read as Latin-1, so that ``caf\\xe9`` from
  an old program stays ``café`` instead of being lost. Addresses must be printable, since they reach terminals; an
  address pattern must be one that can be matched.
* NaN and infinity are rejected: they must not reach a parameter. The tag ``I`` (OSC 1.1: impulse, a bang) is True.
* A message without a type tag string is legal when it carries no arguments (OSC 1.0, "older implementations").
* An unknown tag letter is a character without payload, as sclang sends ``$a``, when the datagram's length agrees
  exactly with that reading; else the message is rejected. Later arguments never shift.
* The padding of strings and blobs may hold anything (sclang pads blobs with non-zero bytes).
"""

from __future__ import annotations

__all__ = ["IMMEDIATELY", "OscMessage", "OscPacket", "decode"]

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from struct import Struct
from typing import Final, TypeAlias

from bridge.inputs.osc.pattern import compile_pattern, is_pattern
from bridge.model.errors import OscDecodeError
from bridge.model.events import OscValue

IMMEDIATELY: Final = 1
"""The time tag that means "now" (OSC 1.0)."""

MAX_DEPTH: Final = 8
"""Bundles within bundles; arrays within arrays. No program seen nests deeper than 2."""

MAX_ELEMENTS: Final = 2048
"""Messages and bundles in one datagram: bounds its decoding to a few milliseconds."""

MAX_ARGS: Final = 2048
MAX_ADDRESS: Final = 255

_BUNDLE: Final = b"#bundle\0"
_BUNDLE_HEADER: Final = 16
_COMMA: Final = ord(",")
_CACHED_TAGS: Final = 64

_INT32: Final = Struct(">i")
_UINT64: Final = Struct(">Q")


@dataclass(frozen=True, slots=True)
class OscMessage:
    """One message: its address, arguments, and the time tag of the bundle it came in (NTP, 64 bits).

    Arguments by tag: ``i h t`` int, ``f d`` float, ``s S`` str, ``c`` str of one character, ``b`` bytes,
    ``T I`` True, ``F`` False, ``N`` None, ``r`` (red, green, blue, alpha), ``m`` (port, status, data, data),
    ``[ ]`` a tuple.
    """

    address: str
    args: tuple[OscValue, ...] = ()
    timetag: int = IMMEDIATELY


OscPacket: TypeAlias = tuple[OscMessage, ...]
"""The messages of one datagram in order; empty for an empty bundle."""


def decode(datagram: bytes) -> OscPacket:
    """Decode one datagram.

    Raises:
        OscDecodeError: it is not OSC 1.0; the message is the reason, without the datagram.
    """
    if datagram[:1] == b"/":
        return (_message(datagram, IMMEDIATELY),)
    if datagram[:1] == b"#":
        messages: list[OscMessage] = []
        _bundle(datagram, 1, messages, [0])
        return tuple(messages)
    raise OscDecodeError("the datagram starts with neither / nor #bundle" if datagram else "the datagram is empty")


def _bundle(data: bytes, depth: int, messages: list[OscMessage], elements: list[int]) -> None:
    """Append a bundle's messages; ``elements`` holds the count over the whole datagram."""
    size = len(data)
    if size < _BUNDLE_HEADER or not data.startswith(_BUNDLE):
        raise OscDecodeError("the bundle's header is incomplete")
    if depth > MAX_DEPTH:
        raise OscDecodeError(f"bundles are nested more than {MAX_DEPTH} deep")
    timetag: int = _UINT64.unpack_from(data, 8)[0]
    position = _BUNDLE_HEADER
    while position < size:
        elements[0] += 1
        if elements[0] > MAX_ELEMENTS:
            raise OscDecodeError(f"the bundle holds more than {MAX_ELEMENTS} elements")
        if position + 4 > size:
            raise OscDecodeError("a bundle element's size is cut off")
        length: int = _INT32.unpack_from(data, position)[0]
        position += 4
        if length <= 0 or length & 3:
            raise OscDecodeError("a bundle element's size is not a positive multiple of 4")
        if position + length > size:
            raise OscDecodeError("a bundle element is larger than the datagram")
        element = data[position : position + length]
        position += length
        if element[0] == 0x23:  # '#'
            _bundle(element, depth + 1, messages, elements)
        else:
            messages.append(_message(element, timetag))


def _message(data: bytes, timetag: int) -> OscMessage:
    size = len(data)
    if size & 3:
        raise OscDecodeError("the message's length is not a multiple of 4")
    end = data.find(0)
    if end < 0:
        raise OscDecodeError("the address is not terminated")
    address = _address(data[:end])
    comma = (end + 4) & ~3
    if comma == size:
        return OscMessage(address, (), timetag)
    if data[comma] != _COMMA:
        raise OscDecodeError("arguments without a type tag string")
    stop = data.find(0, comma)
    if stop < 0:
        raise OscDecodeError("the type tag string is not terminated")
    body = (stop + 4) & ~3
    tags = data[comma + 1 : stop]
    layout = _layout(tags) if len(tags) <= _CACHED_TAGS else None
    if layout is None:
        return OscMessage(address, _arguments(data, tags, body), timetag)
    if layout.size != size - body:
        raise OscDecodeError("the arguments do not fill the datagram as the type tags say")
    args = layout.unpack_from(data, body)
    for value in args:
        if not isfinite(value):
            raise OscDecodeError("an argument is NaN or infinite")
    return OscMessage(address, args, timetag)


@lru_cache(maxsize=4096)
def _address(raw: bytes) -> str:
    if len(raw) > MAX_ADDRESS:
        raise OscDecodeError(f"the address is longer than {MAX_ADDRESS} bytes")
    address = _text(raw)
    if not address.startswith("/"):
        raise OscDecodeError("the address does not start with /")
    if not address.isprintable():
        raise OscDecodeError("the address holds unprintable characters")
    if is_pattern(address):
        compile_pattern(address)
    return address


@lru_cache(maxsize=512)
def _layout(tags: bytes) -> Struct | None:
    """One fixed layout for a message of numbers only, the common case; None for all others."""
    codes = {"i": "i", "f": "f", "d": "d", "h": "q", "t": "Q"}
    letters = tags.decode("latin-1")
    if not all(letter in codes for letter in letters):
        return None
    return Struct(">" + "".join(codes[letter] for letter in letters))


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


_NUMBERS: Final = {
    ord("i"): _INT32,
    ord("f"): Struct(">f"),
    ord("d"): Struct(">d"),
    ord("h"): Struct(">q"),
    ord("t"): _UINT64,
}
_CONSTANTS: Final[dict[int, OscValue]] = {ord("T"): True, ord("F"): False, ord("N"): None, ord("I"): True}
_STRINGS: Final = frozenset(b"sS")
_QUADS: Final = frozenset(b"rm")


def _arguments(data: bytes, tags: bytes, position: int) -> tuple[OscValue, ...]:
    """Decode arguments of any type from ``position`` to the end of the message."""
    if len(tags) > MAX_ARGS:
        raise OscDecodeError(f"the message has more than {MAX_ARGS} type tags")
    args: list[OscValue] = []
    outer: list[list[OscValue]] = []
    unknown = 0
    for tag in tags:
        if (number := _NUMBERS.get(tag)) is not None:
            if position + number.size > len(data):
                raise OscDecodeError("an argument is cut off")
            value = number.unpack_from(data, position)[0]
            if not isfinite(value):
                raise OscDecodeError("an argument is NaN or infinite")
            args.append(value)
            position += number.size
        elif tag in _STRINGS:
            text, position = _string(data, position)
            args.append(text)
        elif tag in _CONSTANTS:
            args.append(_CONSTANTS[tag])
        elif tag == 0x62:  # 'b'
            blob, position = _blob(data, position)
            args.append(blob)
        elif tag == 0x5B:  # '['
            if len(outer) == MAX_DEPTH:
                raise OscDecodeError(f"arrays are nested more than {MAX_DEPTH} deep")
            outer.append(args)
            args = []
        elif tag == 0x5D:  # ']'
            if not outer:
                raise OscDecodeError("an array ends that never began")
            array = tuple(args)
            args = outer.pop()
            args.append(array)
        elif tag in _QUADS:
            args.append(tuple(_quad(data, position)))
            position += 4
        elif tag == 0x63:  # 'c'
            args.append(_character(_quad(data, position)))
            position += 4
        else:
            unknown = tag
            args.append(chr(tag))
    if outer:
        raise OscDecodeError("an array never ends")
    if position != len(data):
        if unknown:
            raise OscDecodeError(f"unknown type tag {chr(unknown)!r}")
        raise OscDecodeError("bytes are left over after the last argument")
    return tuple(args)


def _string(data: bytes, position: int) -> tuple[str, int]:
    end = data.find(0, position)
    if end < 0:
        raise OscDecodeError("a string is not terminated")
    return _text(data[position:end]), (end + 4) & ~3


def _blob(data: bytes, position: int) -> tuple[bytes, int]:
    if position + 4 > len(data):
        raise OscDecodeError("a blob's size is cut off")
    length: int = _INT32.unpack_from(data, position)[0]
    position += 4
    if length < 0 or position + length > len(data):
        raise OscDecodeError("a blob's size is negative or larger than the datagram")
    return data[position : position + length], (position + length + 3) & ~3


def _quad(data: bytes, position: int) -> bytes:
    quad = data[position : position + 4]
    if len(quad) < 4:
        raise OscDecodeError("an argument is cut off")
    return quad


def _character(quad: bytes) -> str:
    code = int.from_bytes(quad, "big")
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise OscDecodeError("a character is outside Unicode")
    return chr(code)
