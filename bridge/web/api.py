"""What a request body asks for, as intents: pure, so that every bad body is one clear sentence."""

from __future__ import annotations

__all__ = ["BadRequestError", "action_intent", "param_intents", "target_intents"]

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from bridge.model.document import suggest
from bridge.model.errors import ScopeBridgeError
from bridge.model.targets import ACTIONS, CHOICES, EFFECTS, MACROS, Intent

ORIGIN = "web"
_KINDS: Final = ("theme", "prompt", "mode", "avatar", "param", "macro", "fx", "tempo", "server")
_TEMPO: Final = {"tempo/bpm": (20.0, 999.0), "tempo/beat": (0.0, 2.0**31 - 1), "tempo/playing": (0.0, 1.0)}


class BadRequestError(ScopeBridgeError):
    """Raised when a request asks for something that does not exist or is not of its type."""


def action_intent(name: str, body: bytes, now: float) -> Intent:
    """``POST /api/v1/actions/<name>``: no body or ``true`` fires, ``false`` releases."""
    if name not in ACTIONS:
        raise BadRequestError(
            f"There is no action {name!r}.", hint=suggest(name, ACTIONS) or "GET /api/v1/targets lists them."
        )
    value = _parse(body) if body.strip() else True
    if isinstance(value, Mapping):
        value = value.get("value", True)
    if value not in (True, False, 0, 1):
        raise BadRequestError("An action takes no value.", hint="Send nothing, or false to release it.")
    return Intent(now, f"action/{name}", "trigger" if value else "release", origin=ORIGIN)


def param_intents(body: bytes, now: float) -> tuple[Intent, ...]:
    """``POST /api/v1/params`` with ``{"noise_scale": 0.5}``: values in the parameter's own unit."""
    return tuple(
        Intent(now, f"param/{name}", "set", _value(name, value), origin=ORIGIN) for name, value in _object(body).items()
    )


def target_intents(body: bytes, now: float) -> tuple[Intent, ...]:
    """``POST /api/v1/targets`` with ``{"theme": "neon-foundry", "macro/reaction": 0.7}``."""
    return tuple(_target(name, value, now) for name, value in _object(body).items())


def _target(name: str, value: Any, now: float) -> Intent:
    kind, _, rest = name.partition("/")
    known: Mapping[str, str] | None = {"macro": MACROS, "fx": EFFECTS}.get(kind)
    if known is not None and rest not in known:
        raise BadRequestError(f"There is no {kind} {rest!r}.", hint=suggest(rest, known))
    if kind == "action":
        return action_intent(rest, json.dumps(value).encode(), now)
    if kind in ("mode", "avatar") and name not in CHOICES:
        raise BadRequestError(f"There is no target {name!r}.", hint=suggest(name, CHOICES))
    if name == "server" and (isinstance(value, bool) or not isinstance(value, str | int | float)):
        raise BadRequestError("server must be a number or a name.", hint='0 or "auto" chooses by preference.')
    if kind not in _KINDS:
        raise BadRequestError(f"There is no target {name!r}.", hint=suggest(kind, _KINDS))
    given = _tempo(name, value) if kind == "tempo" else _value(name, value)
    return Intent(now, name, "set", given, normalised=kind in ("macro", "fx"), origin=ORIGIN)


def _tempo(name: str, value: Any) -> Any:
    if name not in _TEMPO:
        raise BadRequestError(f"There is no target {name!r}.", hint=suggest(name, _TEMPO))
    low, high = _TEMPO[name]
    if not isinstance(value, int | float) or not low <= value <= high:
        raise BadRequestError(f"{name} must be a number from {low:g} to {high:g}.")
    return value


def _object(body: bytes) -> Mapping[str, Any]:
    values = _parse(body)
    if not isinstance(values, Mapping) or not values:
        raise BadRequestError(
            "The body must be a JSON object of names and values.", hint='Such as {"noise_scale": 0.5}.'
        )
    return values


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError("The body is not JSON.", hint='Such as {"noise_scale": 0.5}.') from error


def _value(name: str, value: Any) -> Any:
    if isinstance(value, int | float) and not _finite(value):
        raise BadRequestError(f"{name} must be a finite number.")
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadRequestError(f"{name} holds half a character.", hint="Send it as UTF-8.")
    if isinstance(value, list):
        return tuple(_value(name, inner) for inner in value)
    if isinstance(value, Mapping):
        raise BadRequestError(f"{name} must be a number, text, true, false or a list.")
    return value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number may be too large for a float
        return False
