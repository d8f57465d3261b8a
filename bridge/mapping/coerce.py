"""OSC arguments as values for targets: senders disagree on types, so what is meant counts, not the tag."""

from __future__ import annotations

__all__ = ["Rejected", "as_number", "as_param", "as_switch", "as_text", "for_target"]

import json
import math
from dataclasses import dataclass
from typing import Final

from bridge.model.document import suggest
from bridge.model.events import OscValue
from bridge.model.facts import ParamSpec
from bridge.model.length import parse_length
from bridge.model.targets import CHOICES, IntentValue

BPM_LIMITS: Final = (20.0, 999.0)
_YES: Final = frozenset({"true", "on", "yes"})
_NO: Final = frozenset({"false", "off", "no"})


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a value is refused. ``reason`` is one of few, so that it can be counted; ``hint`` says what to send."""

    reason: str
    hint: str = ""


def as_number(value: OscValue) -> float | Rejected:
    """A finite number: from a number, a boolean or a text such as ``"0.5"``."""
    if isinstance(value, int | float):
        number = _finite(value)
    elif isinstance(value, str):
        try:
            number = _finite(float(value))
        except ValueError:
            return Rejected("not a number", "Send a number, such as 0.5.")
    else:
        return Rejected("not a number", "Send a number, such as 0.5.")
    return Rejected("not a finite number", "Send a number, such as 0.5.") if number is None else number


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_switch(value: OscValue) -> bool | Rejected:
    """On or off: true, a number above 0, or the words on, yes, true and their opposites."""
    if isinstance(value, str) and value.strip().lower() in _YES | _NO:
        return value.strip().lower() in _YES
    number = as_number(value)
    return Rejected("not on or off", "Send 1 or 0.") if isinstance(number, Rejected) else number > 0


def as_text(args: tuple[OscValue, ...]) -> str | Rejected:
    """The arguments as one text: Pure Data sends a sentence as one symbol per word."""
    words = [_word(value) for value in args]
    if not words or None in words:
        return Rejected("not a text", "Send a string.")
    text = " ".join(word for word in words if word).strip()
    return text or Rejected("empty text", "Send a string with something in it.")


def _word(value: OscValue) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = _finite(value)
    return None if number is None else f"{number:g}"


def as_param(spec: ParamSpec | None, args: tuple[OscValue, ...]) -> IntentValue | Rejected:
    """The arguments as a value of the parameter ``spec``; None when nothing is known of its type.

    Of several numbers the last counts: programs that send every sample since the last frame end with the newest.
    """
    if not args:
        return True if spec is not None and spec.type == "boolean" else Rejected("no value", "Send one argument.")
    kind = spec.type if spec is not None else ""
    if spec is not None and spec.name == "transition_s" and any(isinstance(value, str) for value in args):
        return _length(args)
    if kind in ("number", "integer"):
        number = as_number(args[-1])
        return round(number) if kind == "integer" and not isinstance(number, Rejected) else number
    if kind == "boolean":
        return as_switch(args[-1])
    if kind == "string":
        text = as_text(args)
        return text if isinstance(text, Rejected) or spec is None else _choice(text, spec)
    if kind in ("list", "object"):
        return _items(args)
    return _as_it_comes(args)


def _length(args: tuple[OscValue, ...]) -> IntentValue | Rejected:
    """Seconds, or a text that says beats: what that is in seconds is for the show, which knows the tempo."""
    text = as_text(args)
    if isinstance(text, Rejected):
        return text
    try:
        length = parse_length(text)
    except ValueError:
        return Rejected("not a length", 'Send seconds, or a text such as "8 beats" or "2 bars".')
    return length.count if length.unit == "s" else text


def _choice(text: str, spec: ParamSpec) -> IntentValue | Rejected:
    if not spec.choices:
        return text
    for choice in spec.choices:
        if str(choice).lower() == text.lower():
            return str(choice)
    return Rejected("not one of its choices", suggest(text, [str(choice) for choice in spec.choices]))


def _items(args: tuple[OscValue, ...]) -> IntentValue | Rejected:
    if len(args) == 1 and isinstance(args[0], str):
        return _from_json(args[0])
    flat = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
    items: list[IntentValue] = []
    for value in flat:
        item = _plain(value)
        if isinstance(item, Rejected):
            return item
        items.append(item)
    return tuple(items)


def _from_json(text: str) -> IntentValue | Rejected:
    refused = Rejected("not a list", "Send one argument per item, or a JSON list as text.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return refused
    if not isinstance(found, list):
        return refused
    items = [_plain(item) for item in found if isinstance(item, int | float | str)]
    good = tuple(item for item in items if not isinstance(item, Rejected))
    return good if len(good) == len(found) else refused


def _plain(value: OscValue) -> IntentValue | Rejected:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        if _finite(value) is None:
            return Rejected("not a finite number", "Send a number, such as 0.5.")
        return value
    return Rejected("not a number or text", "Send a number, such as 0.5.")


def _as_it_comes(args: tuple[OscValue, ...]) -> IntentValue | Rejected:
    if len(args) > 1:
        return _items(args)
    value = args[0]
    if isinstance(value, str):
        number = as_number(value)
        return _plain(value) if isinstance(number, Rejected) else number
    return _items(args) if isinstance(value, tuple) else _plain(value)


def for_target(target: str, spec: ParamSpec | None, args: tuple[OscValue, ...]) -> IntentValue | Rejected:
    """The arguments as a value in the target's own unit; ``spec`` is its parameter, if it is one."""
    if target.startswith("param/"):
        return as_param(spec, args)
    if (
        target in ("theme", "server", "avatar/reference")
        and len(args) == 1
        and not isinstance(number := as_number(args[0]), Rejected)
    ):
        return number
    if target in CHOICES:
        return as_text(args)
    if not args:
        return Rejected("no value", "Send one argument.")
    if target == "tempo/playing":
        return as_switch(args[-1])
    number = as_number(args[-1])
    if isinstance(number, Rejected):
        return number
    if target == "tempo/beat":
        return round(number)
    if target == "tempo/bpm":
        low, high = BPM_LIMITS
        return number if low <= number <= high else Rejected("not a tempo", f"Send {low:g} to {high:g} BPM.")
    return min(max(number, 0.0), 1.0)
