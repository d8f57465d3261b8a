"""Mends values so that the pipeline can take them: one bad value silently stops Scope's video (section 5)."""

from __future__ import annotations

__all__ = ["normalised", "number_of", "repair", "spread"]

import math
from collections.abc import Mapping
from typing import Any, Final

from bridge.model.desired import ParamValue
from bridge.model.facts import ParamSpec
from bridge.show.profiles import DENOISING

_WORDS: Final = {
    "true": True,
    "on": True,
    "yes": True,
    "1": True,
    "false": False,
    "off": False,
    "no": False,
    "0": False,
}
_MAX_STEPS: Final = 12
_MAX_ITEMS: Final = 64


def number_of(value: Any) -> float | None:
    """``value`` as a finite float (booleans are 0 and 1, number-like text is read); None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float) or abs(value) > 1e300:
        return None
    return float(value) if math.isfinite(value) else None


def repair(spec: ParamSpec, value: Any) -> ParamValue | None:
    """``value`` as the parameter takes it: right type, inside its limits; None where that cannot be done."""
    if spec.choices:
        return _chosen(spec, value)
    if spec.type == "boolean":
        return _truth(value)
    if spec.type in ("number", "integer"):
        return _number(spec, value)
    if spec.type == "list":
        return _list(spec, value)
    if spec.type == "string":
        return value if isinstance(value, str) else None
    return dict(value) if isinstance(value, Mapping) else None


def _number(spec: ParamSpec, value: Any) -> float | int | None:
    number = number_of(value)
    if number is None:
        return None
    if spec.minimum is not None:
        number = max(number, spec.minimum)
    if spec.maximum is not None:
        number = min(number, spec.maximum)
    return round(number) if spec.type == "integer" else round(number, 4)


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    number = number_of(value)
    return None if number is None else number >= 0.5


def _chosen(spec: ParamSpec, value: Any) -> ParamValue | None:
    for choice in spec.choices:
        if value == choice and isinstance(value, bool) == isinstance(choice, bool):
            return choice
    if isinstance(value, str):
        return next((c for c in spec.choices if str(c).lower() == value.strip().lower()), None)
    return None


def _list(spec: ParamSpec, value: Any) -> tuple[ParamValue, ...] | None:
    items = value if isinstance(value, tuple | list) else (value,)
    if spec.name in ("denoising_step_list", "denoising_steps"):
        steps = [number_of(item) for item in items]
        whole = sorted({min(max(round(s), 1), 1000) for s in steps if s is not None}, reverse=True)
        return tuple(whole[:_MAX_STEPS]) if whole and None not in steps else None
    if spec.name == "lora_scales":
        items = [_lora(item) for item in items]
    fits = _fits_paths if spec.name in ("vace_ref_images", "images") else _plain
    return tuple(items) if len(items) <= _MAX_ITEMS and all(fits(item) for item in items) else None


def _lora(item: Any) -> dict[str, ParamValue] | None:
    scale = number_of(item.get("scale", 1.0)) if isinstance(item, Mapping) else None
    if scale is None or not isinstance(item.get("path"), str):
        return None
    return {"path": item["path"], "scale": min(max(scale, -10.0), 10.0)}


def _fits_paths(item: Any) -> bool:
    return isinstance(item, str) and bool(item)


def _plain(item: Any) -> bool:
    """Text, a number, or a flat object of them, as in ``lora_scales``: ``{path, scale}``."""
    if isinstance(item, Mapping):
        return all(isinstance(key, str) and not isinstance(v, Mapping) and _plain(v) for key, v in item.items())
    return isinstance(item, str) or number_of(item) is not None


def spread(spec: ParamSpec, share: float) -> ParamValue | None:
    """A share 0..1 of the parameter's range; None where it has none."""
    share = min(max(share, 0.0), 1.0)
    if spec.choices:
        return spec.choices[min(int(share * len(spec.choices)), len(spec.choices) - 1)]
    if spec.type == "boolean":
        return share >= 0.5
    if spec.type in ("number", "integer") and spec.minimum is not None and spec.maximum is not None:
        return _number(spec, spec.minimum + share * (spec.maximum - spec.minimum))
    if spec.name == "denoising_step_list":
        profiles = tuple(DENOISING.values())
        return profiles[min(int(share * len(profiles)), len(profiles) - 1)]
    return None


def normalised(spec: ParamSpec, value: Any) -> float | None:
    """The inverse of :func:`spread`, for knobs that pick a value up; None where there is no such share."""
    if spec.choices:
        last = len(spec.choices) - 1
        return spec.choices.index(value) / last if last > 0 and value in spec.choices else None
    number = None if isinstance(value, str) else number_of(value)
    if number is None:
        return None
    if spec.type == "boolean":
        return number
    if spec.minimum is None or spec.maximum is None or spec.minimum >= spec.maximum:
        return None
    return min(max((number - spec.minimum) / (spec.maximum - spec.minimum), 0.0), 1.0)
