"""What an OS2L message says, in the bridge's own words (os2l.org).

========================================================  ===================================================
``{"evt": "beat", "change", "pos", "bpm", "strength"}``   a :class:`BpmReport`; ``pos`` 0, 4, 8, ... opens a bar
``{"evt": "btn", "name", "page", "state"}``               ``/os2l/btn/<name>``, ``/os2l/btn/<page>/<name>``: 1 or 0
``{"evt": "cmd", "id", "param"}``                         ``/os2l/cmd/<id>``: ``param`` as it is, by the protocol 0..100
========================================================  ===================================================

``change`` and ``strength`` are not used: sources differ on what they mean, and the beat's number tells jumps by itself.
Buttons and commands become OSC events, so that mapping files name them like any other address. Names are lowered and
what is no letter, digit, dot or dash becomes ``_``: "Light Left 2" is ``/os2l/btn/light_left_2``.
"""

from __future__ import annotations

__all__ = ["LISTENER", "understand"]

import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from bridge.model.events import BpmReport, OscEvent

LISTENER: Final = "os2l"
"""The listener that events carry, as an OSC port's address elsewhere."""

_MAX_NAME: Final = 64
_MAX: Final = 2**31
"""Larger numbers are no beat, tempo or percentage."""
_FOREIGN: Final = re.compile(r"[^\w.-]+")
_ANY_PAGE: Final = frozenset({"", "*", "-"})


def understand(
    message: Mapping[str, Any], t: float, sender: tuple[str, int], counted: int
) -> BpmReport | OscEvent | str | None:
    """One message, read at ``t``; a reason where it is wrong, None where it is of a kind we do not use.

    ``counted`` is the beat's number where the program tells none.
    """
    match message.get("evt"):
        case "beat":
            return _beat(message, t, counted)
        case "btn":
            return _button(message, t, sender)
        case "cmd":
            return _command(message, t, sender)
        case str():
            return None
    return 'a message without "evt"'


def _beat(message: Mapping[str, Any], t: float, counted: int) -> BpmReport | str:
    bpm, pos = message.get("bpm"), message.get("pos", counted)
    if bpm is not None and not _is_number(bpm):
        return "a beat whose bpm is no number"
    if not _is_number(pos):
        return "a beat whose pos is no number"
    return BpmReport(t, bpm=float(bpm) if bpm else None, beat=round(pos), source="os2l")


def _button(message: Mapping[str, Any], t: float, sender: tuple[str, int]) -> OscEvent | str:
    name, page, state = message.get("name"), message.get("page", ""), message.get("state")
    if not isinstance(name, str) or not (word := _word(name)):
        return "a button without a name"
    if state not in ("on", "off"):
        return "a button that is neither on nor off"
    where = f"{_word(page)}/" if isinstance(page, str) and page not in _ANY_PAGE else ""
    return OscEvent(t, LISTENER, sender, f"/os2l/btn/{where}{word}", (float(state == "on"),))


def _command(message: Mapping[str, Any], t: float, sender: tuple[str, int]) -> OscEvent | str:
    number, param = message.get("id"), message.get("param", 100)
    if isinstance(number, str) and number.isascii() and number.isdecimal():  # as QLC+'s manual writes it
        number = int(number[:9])
    if not _is_number(number):
        return "a command without an id"
    if not _is_number(param):
        return "a command whose param is no number"
    return OscEvent(t, LISTENER, sender, f"/os2l/cmd/{round(number)}", (float(param),))


def _word(name: str) -> str:
    return _FOREIGN.sub("_", name.strip().casefold())[:_MAX_NAME]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX
