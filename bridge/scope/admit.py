"""The last look at a value before it leaves: nothing that makes a chunk throw is ever sent.

The show already fits values to the schema; this catches what was made before the schema was known, and pipelines
whose schema changed under a running show.
"""

from __future__ import annotations

__all__ = [
    "MAX_MESSAGE",
    "MAX_VALUE",
    "RESERVED",
    "NotAdmitted",
    "admit",
    "change_of",
    "check_size",
    "clean",
    "plain",
    "size_of",
    "spec_for",
]

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bridge.model.facts import ParamSpec
from bridge.model.fit import RUNTIME_PARAMS, Unfit, fit

RESERVED: Final = frozenset(
    {
        "prompts",
        "transition",
        "paused",
        "pipeline_ids",
        "input_mode",
        "graph",
        "node_id",
        "recording",
        "input_source",
        "output_sinks",
        "produces_video",
        "produces_audio",
        "source_track_order",
        "_quantized",
    }
)
"""Keys of a message that are no parameters: they route it, open it, or belong to the session and its prompts."""

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


def admit(name: str, value: Any, spec: ParamSpec | None) -> Any:
    """``value`` ready to send: coerced to the type of ``spec`` and clamped to its range; without a spec only plain.

    Admitting what was admitted changes nothing.

    Raises:
        NotAdmitted: it cannot be made to fit.
    """
    if name in RESERVED:
        raise NotAdmitted("not a parameter to set")
    value = check_size(plain(value))
    if spec is None:
        return value
    if spec.load_only:
        raise NotAdmitted("only counts when the pipeline is loaded: set it under scope.load_params")
    try:
        return fit(spec, value)
    except Unfit as refusal:
        raise NotAdmitted(str(refusal)) from refusal


def spec_for(name: str, specs: Mapping[str, ParamSpec] | None, *, allow_unknown: bool = False) -> ParamSpec | None:
    """What ``name`` takes: as the schema says, else as Scope itself says; None lets any plain value through.

    ``specs`` is None while no pipeline is known. Where both say something, the schema's words fill the table's.

    Raises:
        NotAdmitted: nobody knows the parameter.
    """
    known = RUNTIME_PARAMS.get(name)
    listed = specs.get(name) if specs is not None else None
    if listed is None:
        if known is None and specs is not None and not allow_unknown:
            raise NotAdmitted("unknown to the pipeline (scope.allow_unknown_params sends it all the same)")
        return known
    if known is None or known.type != listed.type:
        return listed
    return replace(
        listed,
        minimum=known.minimum if listed.minimum is None else listed.minimum,
        maximum=known.maximum if listed.maximum is None else listed.maximum,
        choices=listed.choices or known.choices,
    )


def change_of(before: Any, after: Any) -> str:
    """What fitting did to a value, as a reason to count; empty where it did nothing."""
    if before == after and isinstance(before, bool) == isinstance(after, bool):
        return ""
    if isinstance(before, int | float) and not isinstance(before, bool) and isinstance(after, int | float):
        return "rounded" if abs(before - after) <= 0.5 else "outside its range, clamped"
    return "" if isinstance(before, tuple) and list(before) == after else "mended to fit its type"
