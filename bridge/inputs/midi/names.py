"""Port names that stay the same when a device is plugged again, and how patterns match them.

ALSA appends its ``client:port`` numbers, which change with each plug, RtMidi puts the client's name in front
(``APC MINI:APC MINI MIDI 1 20:0``) and a2jmidid its own numbers (``a2j:APC MINI [20] (capture): ...``).
"""

from __future__ import annotations

__all__ = ["Found", "assign", "matches", "stable_name"]

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_ALSA_NUMBERS: Final = re.compile(r"\s\d+:\d+$")
_A2J: Final = re.compile(r"^a2j:(?P<client>.+?) \[\d+\] \((?:capture|playback)\): (?P<port>.+)$")


@dataclass(frozen=True, slots=True)
class Found:
    """A port that exists: its ``index`` and ``raw`` name now, and the ``name`` it keeps (the second of two
    equal devices is ``name #2``).
    """

    name: str
    raw: str
    index: int


@lru_cache(maxsize=1024)
def stable_name(raw: str) -> str:
    """The part of a backend's port name that does not change with a plug."""
    name = _ALSA_NUMBERS.sub("", raw)
    if bridged := _A2J.match(name):
        name = f"{bridged['client']}:{bridged['port']}"
    client, colon, port = name.partition(":")
    return port.strip() if colon and client and port.strip().startswith(client) else name.strip()


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error:
        return None


@lru_cache(maxsize=4096)
def matches(pattern: str, name: str) -> bool:
    """Whether a pattern names a port: part of its name, or a regular expression found in it; case is ignored.

    An empty pattern matches nothing; one that is no valid expression is only looked for as text.
    """
    if not pattern:
        return False
    if pattern.casefold() in name.casefold():
        return True
    expression = _expression(pattern)
    return expression is not None and expression.search(name) is not None


def assign(raw_names: Sequence[str], patterns: Sequence[str], own_client: str = "") -> dict[str, Found]:
    """The ports that any of the patterns names, by stable name; equal devices are told apart by their order.

    Ports of ``own_client`` (ours) are left out.
    """
    seen: Counter[str] = Counter()
    found: dict[str, Found] = {}
    for index, raw in enumerate(raw_names):
        if own_client and raw.casefold().startswith(own_client.casefold()):
            continue
        name = stable_name(raw)
        if not any(matches(pattern, name) or matches(pattern, raw) for pattern in patterns):
            continue
        seen[name] += 1
        unique = name if seen[name] == 1 else f"{name} #{seen[name]}"
        found[unique] = Found(unique, raw, index)
    return found
