"""Mends values so that the pipeline can take them: one bad value silently stops Scope's video (section 5)."""

from __future__ import annotations

__all__ = ["normalised", "number_of", "repair", "spread"]

from dataclasses import replace
from typing import Any

from bridge.model.desired import ParamValue
from bridge.model.facts import ParamSpec
from bridge.model.fit import Unfit, fit, number_of
from bridge.show.profiles import DENOISING


def repair(spec: ParamSpec, value: Any) -> ParamValue | None:
    """``value`` as the parameter takes it, numbers to 4 places; None where that cannot be done."""
    if spec.name == "denoising_steps":
        spec = replace(spec, name="denoising_step_list")
    try:
        fitted = fit(spec, value)
    except Unfit:
        return None
    if isinstance(fitted, list):
        return tuple(fitted)
    return round(fitted, 4) if isinstance(fitted, float) else fitted


def spread(spec: ParamSpec, share: float) -> ParamValue | None:
    """A share 0..1 of the parameter's range; None where it has none."""
    share = min(max(share, 0.0), 1.0)
    if spec.choices:
        return spec.choices[min(int(share * len(spec.choices)), len(spec.choices) - 1)]
    if spec.type == "boolean":
        return share >= 0.5
    if spec.type in ("number", "integer") and spec.minimum is not None and spec.maximum is not None:
        return repair(spec, spec.minimum + share * (spec.maximum - spec.minimum))
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
