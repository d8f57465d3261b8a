"""OSC 1.0 address patterns: ``?``, ``*``, ``[a-z]``, ``[!a-z]`` and ``{one,two}``, none of which crosses a slash.

A pattern is walked over an address with a set of positions held in one integer, so that no pattern that a
stranger sends can make matching slow: the work is the pattern's length, whatever the stars (a regular
expression would backtrack).
"""

from __future__ import annotations

__all__ = ["AddressPattern", "compile_pattern", "is_pattern"]

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from bridge.model.errors import OscDecodeError

_SPECIAL: Final = frozenset("?*[]{}")


@dataclass(frozen=True, slots=True)
class _Class:
    """``?`` or a bracket: one character within (or, negated, without) the ranges."""

    ranges: tuple[tuple[str, str], ...] = ()
    negated: bool = True

    def positions(self, occurrences: Mapping[str, int]) -> int:
        """Bits of the positions in an address that this takes."""
        found = 0
        for character, bits in occurrences.items():
            inside = any(low <= character <= high for low, high in self.ranges)
            if inside != self.negated and character != "/":
                found |= bits
        return found


@dataclass(frozen=True, slots=True)
class _Star:
    """Any run of characters up to the next slash."""


_Piece: TypeAlias = "str | _Class | _Star | tuple[str, ...]"


@lru_cache(maxsize=4096)
def is_pattern(address: str) -> bool:
    """Whether an incoming address is a pattern rather than the name of one place."""
    return not _SPECIAL.isdisjoint(address)


class AddressPattern:
    """One compiled pattern.

    Raises:
        OscDecodeError: a bracket or brace never closes, closes without opening, or reaches across a slash.
    """

    __slots__ = ("_pieces", "_prefix", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._pieces = tuple(_pieces(pattern))
        first = self._pieces[0] if self._pieces else ""
        self._prefix = first if isinstance(first, str) else ""

    def matches(self, address: str) -> bool:
        """Whether the pattern names this literal address, whole."""
        if not address.startswith(self._prefix):
            return False
        occurrences = _occurrences(address)
        length = len(address)
        within = ((1 << length) - 1) & ~occurrences.get("/", 0)
        reached = 1
        for piece in self._pieces:
            if isinstance(piece, str):
                reached = _literal(reached, piece, occurrences)
            elif isinstance(piece, tuple):
                ends = 0
                for alternative in piece:
                    ends |= _literal(reached, alternative, occurrences)
                reached = ends
            elif isinstance(piece, _Class):
                reached = (reached & piece.positions(occurrences)) << 1
            else:
                # Adding carries each reached bit through the run of ones that it stands in, up to the next slash.
                reached |= ((reached & within) + within) ^ within
            if not reached:
                return False
        return bool(reached >> length & 1)


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> AddressPattern:
    """The compiled pattern, from a bounded cache. Raises OscDecodeError as :class:`AddressPattern` does."""
    return AddressPattern(pattern)


@lru_cache(maxsize=4096)
def _occurrences(address: str) -> Mapping[str, int]:
    """Where each character stands, as bits."""
    found: dict[str, int] = {}
    for position, character in enumerate(address):
        found[character] = found.get(character, 0) | 1 << position
    return found


def _literal(reached: int, text: str, occurrences: Mapping[str, int]) -> int:
    for character in text:
        reached = (reached & occurrences.get(character, 0)) << 1
        if not reached:
            break
    return reached


def _pieces(pattern: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    literal = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character not in _SPECIAL:
            literal += character
            position += 1
            continue
        if literal:
            pieces.append(literal)
            literal = ""
        if character == "*":
            pieces.append(_Star())
        elif character == "?":
            pieces.append(_Class())
        elif character == "[":
            inside, position = _enclosed(pattern, position, "]")
            pieces.append(_character_class(inside))
        elif character == "{":
            inside, position = _enclosed(pattern, position, "}")
            pieces.append(tuple(dict.fromkeys(inside.split(","))))
        else:
            raise OscDecodeError(f"the address pattern has a {character} that nothing opened")
        position += 1
    if literal:
        pieces.append(literal)
    return pieces


def _enclosed(pattern: str, start: int, closing: str) -> tuple[str, int]:
    """The text between an opening character and its closing one, and the position of the latter."""
    end = pattern.find(closing, start)
    if end < 0:
        raise OscDecodeError(f"the address pattern never closes its {pattern[start]}")
    inside = pattern[start + 1 : end]
    if "/" in inside:
        raise OscDecodeError(f"the address pattern has a / between {pattern[start]} and {closing}")
    return inside, end


def _character_class(inside: str) -> _Class:
    negated = inside.startswith("!")
    if negated:
        inside = inside[1:]
    ranges: list[tuple[str, str]] = []
    position = 0
    while position < len(inside):
        low = high = inside[position]
        if inside[position + 1 : position + 2] == "-" and position + 2 < len(inside):
            low, high = sorted((low, inside[position + 2]))
            position += 2
        ranges.append((low, high))
        position += 1
    return _Class(tuple(ranges), negated)
