"""From a control's position to a target's value: curves, steps, ranges, and the way back for takeover."""

from __future__ import annotations

__all__ = ["CURVES", "Output", "Shape", "Smooth", "smoothed"]

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bridge.model.targets import IntentValue

STAIRS: Final = 4
"""Stairs of the curve ``stepped`` (soundscape section 5)."""


def _identity(x: float) -> float:
    return x


def _square(x: float) -> float:
    return x * x


def _stairs(x: float) -> float:
    return math.floor(STAIRS * x) / STAIRS


def _smoothstep(x: float) -> float:
    return x * x * (3.0 - 2.0 * x)


def _smoothstep_back(y: float) -> float:
    return 0.5 - math.sin(math.asin(1.0 - 2.0 * y) / 3.0)


CURVES: Final[Mapping[str, tuple[Callable[[float], float], Callable[[float], float]]]] = MappingProxyType(
    {
        "linear": (_identity, _identity),
        "exponential": (_square, math.sqrt),
        "logarithmic": (math.sqrt, _square),
        "stepped": (_stairs, _identity),
        "s_curve": (_smoothstep, _smoothstep_back),
    }
)
"""Curve name -> (curve, its inverse), both from 0..1 to 0..1 (soundscape section 5; ``s_curve`` is ours)."""


def clamp(x: float) -> float:
    """``x`` within 0..1."""
    return 0.0 if x < 0.0 else 1.0 if x > 1.0 else x


@dataclass(frozen=True, slots=True)
class Shape:
    """What happens to a position 0..1 before it becomes a value: invert, then curve, then steps.

    ``curve`` is a name from :data:`CURVES` or a power above 0. ``steps`` is the number of evenly spaced
    values that remain, both ends included.
    """

    curve: str | float = "linear"
    invert: bool = False
    steps: int | None = None

    def apply(self, x: float) -> float:
        """The shaped fraction 0..1 of a position 0..1."""
        x = clamp(x)
        if self.invert:
            x = 1.0 - x
        x = CURVES[self.curve][0](x) if isinstance(self.curve, str) else x**self.curve
        if self.steps:
            x = round(x * (self.steps - 1)) / (self.steps - 1)
        return clamp(x)

    def inverse(self, y: float) -> float:
        """The position that gives the fraction ``y``, or one of them."""
        y = clamp(y)
        y = CURVES[self.curve][1](y) if isinstance(self.curve, str) else y ** (1.0 / self.curve)
        return clamp(1.0 - y if self.invert else y)

    @property
    def grain(self) -> float:
        """How far apart two neighbouring values lie, in 0..1; 0 for a continuous shape."""
        if self.steps:
            return 1.0 / (self.steps - 1)
        return 1.0 / STAIRS if self.curve == "stepped" else 0.0


@dataclass(frozen=True, slots=True)
class Output:
    """Spreads a fraction 0..1 over a target's values, and finds the fraction of a value.

    With ``values`` the fraction chooses one of them; with ``range`` it becomes a number in the target's own
    unit (the second end may be lower); with neither it stays 0..1 of whatever the target takes.
    """

    range: tuple[float, float] | None = None
    values: tuple[IntentValue, ...] = ()

    @property
    def grain(self) -> float:
        """How far apart two neighbouring choices lie; 0 without ``values``."""
        return 1.0 / len(self.values) if self.values else 0.0

    def index(self, fraction: float) -> int:
        """Which of ``values`` a fraction chooses."""
        return min(int(clamp(fraction) * len(self.values)), len(self.values) - 1)

    def value(self, fraction: float) -> IntentValue:
        """The value of a fraction."""
        if self.values:
            return self.values[self.index(fraction)]
        if self.range is None:
            return clamp(fraction)
        low, high = self.range
        value = low + clamp(fraction) * (high - low)
        return min(max(value, min(low, high)), max(low, high))

    def fraction(self, current: float | None, span: tuple[float, float] | None) -> float | None:
        """The fraction at which a target stands.

        ``current`` is 0..1 of the target's whole span, ``span`` that span in the target's own unit. None when
        it cannot be known.
        """
        if current is None or not math.isfinite(current):
            return None
        if not self.values and self.range is None:
            return clamp(current)
        if span is None:
            return None
        own = span[0] + current * (span[1] - span[0])
        if self.values:
            return self._fraction_of_choice(own)
        low, high = self.range or span
        return clamp((own - low) / (high - low))

    def _fraction_of_choice(self, own: float) -> float | None:
        numbers = [float(v) if isinstance(v, int | float) else math.inf for v in self.values]
        if math.inf in numbers:
            return None
        nearest = min(range(len(numbers)), key=lambda i: abs(numbers[i] - own))
        return (nearest + 0.5) / len(numbers)


@dataclass(frozen=True, slots=True)
class Smooth:
    """Seconds in which a value covers 95 % of its way up (``attack``) and down (``release``)."""

    attack: float = 0.0
    release: float = 0.0


def smoothed(value: float, goal: float, dt: float, smooth: Smooth) -> float:
    """``value`` after ``dt`` seconds on its way to ``goal``; the goal itself once it is within 0.001."""
    seconds = smooth.attack if goal > value else smooth.release
    if seconds <= 0.0:
        return goal
    left = (goal - value) * math.exp(-3.0 * max(dt, 0.0) / seconds)
    moved = max(value, goal - left) if goal > value else min(value, goal - left)
    return goal if abs(goal - moved) < 1e-3 else moved
