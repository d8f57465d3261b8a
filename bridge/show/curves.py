"""From a signal to a level: the curves of soundscape section 5."""

from __future__ import annotations

__all__ = ["CURVES", "CurveName", "finite", "react"]

import math
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

CurveName: TypeAlias = Literal["linear", "exponential", "logarithmic", "stepped"]

CURVES: Final[dict[CurveName, Callable[[float], float]]] = {
    "linear": lambda x: x,
    "exponential": lambda x: x * x,
    "logarithmic": math.sqrt,
    "stepped": lambda x: math.floor(4.0 * x) / 4.0,
}


def finite(value: float, otherwise: float = 0.0) -> float:
    """``value``, or ``otherwise`` where it is NaN or infinite."""
    return value if math.isfinite(value) else otherwise


def react(value: float, *, sensitivity: float, invert: bool, curve: Callable[[float], float]) -> float:
    """One reaction's level, 0..1: sensitivity first, then invert, then the curve."""
    x = value * sensitivity
    x = 0.0 if x < 0.0 else min(x, 1.0)
    return curve(1.0 - x if invert else x)
