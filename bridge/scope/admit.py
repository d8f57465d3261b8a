"""The last look at a value before it leaves: nothing that makes a chunk throw is ever sent.

The show already fits values to the schema; this catches what was made before the schema was known, and pipelines
whose schema changed under a running show.
"""

from __future__ import annotations

__all__ = ["MAX_MESSAGE", "MAX_VALUE", "NotAdmitted", "admit", "check_size", "clean", "plain", "size_of"]

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from bridge.model.facts import ParamSpec

MAX_MESSAGE: Final = 262_144
"""Longest DataChannel message in bytes (scope-protocol section 4)."""

MAX_VALUE: Final = 64_000
"""Longest single value in bytes, so that a few always fit into one message."""

_DEEPEST: Final = 16
_LARGEST: Final = 2**53


class NotAdmitted(ValueError):
    """Raised when a value cannot be sent; the text is a short reason for the board."""


def clean(text: str) -> str:
    """``text`` with what is not valid Unicode replaced by question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def size_of(part: Mapping[str, Any]) -> int:
    """Bytes of a message or a part of one."""
    return len(json.dumps(part, allow_nan=False)) if part else 0


def check_size(value: Any) -> Any:
    """``value`` itself. Raises NotAdmitted when it is longer than ``MAX_VALUE``."""
    if isinstance(value, str | list | dict) and size_of({"": value}) > MAX_VALUE:
        raise NotAdmitted(f"longer than {MAX_VALUE // 1000} kB")
    return value


def plain(value: Any, depth: int = _DEEPEST) -> Any:
    """``value`` as what JSON knows: tuples become lists, mappings dicts.

    Raises:
        NotAdmitted: a number is not finite, or something in it is not JSON.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not value.isascii() and value != clean(value):
            raise NotAdmitted("not valid Unicode")
        return value
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise NotAdmitted("too large a number")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotAdmitted("not a finite number")
        return value
    if depth == 0:
        raise NotAdmitted("nested too deep")
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item, depth - 1) for item in value]
    raise NotAdmitted(f"{type(value).__name__} is not JSON")


def admit(value: Any, spec: ParamSpec | None) -> Any:
    """``value`` ready to send: coerced to the type of ``spec`` and clamped to its range; without a spec only plain.

    Raises:
        NotAdmitted: it cannot be made to fit.
    """
    value = plain(value)
    if spec is None or value is None:
        return value
    if spec.load_only:
        raise NotAdmitted("only counts when the pipeline is loaded")
    if spec.choices:
        if value not in spec.choices:
            raise NotAdmitted(f"not one of {', '.join(map(str, spec.choices))[:80]}")
        return value
    if spec.type in ("number", "integer"):
        return _number(value, spec)
    if spec.type == "boolean":
        if isinstance(value, bool) or value in (0, 1):
            return bool(value)
        raise NotAdmitted("not true or false")
    if spec.type == "string" and not isinstance(value, str):
        raise NotAdmitted("not a text")
    if spec.type == "list" and not isinstance(value, list):
        raise NotAdmitted("not a list")
    if spec.name == "denoising_step_list":
        return _steps(value)
    return value


def _number(value: Any, spec: ParamSpec) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAdmitted("not a number")
    number = float(value)
    if spec.minimum is not None:
        number = max(number, spec.minimum)
    if spec.maximum is not None:
        number = min(number, spec.maximum)
    return round(number) if spec.type == "integer" else number


def _steps(value: list[Any]) -> list[int]:
    """Denoising steps as Scope wants them: whole, 1 to 1000, each below the one before."""
    if not value or not all(isinstance(step, int | float) and not isinstance(step, bool) for step in value):
        raise NotAdmitted("not a list of steps")
    return sorted({min(1000, max(1, round(step))) for step in value}, reverse=True)
