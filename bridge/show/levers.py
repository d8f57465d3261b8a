"""Levers: what a theme lets the music move in one mode, compiled for the tick."""

from __future__ import annotations

__all__ = ["LOCAL_SPECS", "Lever", "levers_of"]

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.facts import ParamSpec
from bridge.show.curves import CURVES, react
from bridge.show.theme import SIGNALS, LeverName, Reaction, Theme

LOCAL_SPECS: Final[Mapping[str, ParamSpec]] = {
    "prompt_weight": ParamSpec("prompt_weight", "number", 0.0, 1.0, 0.5),
    "transition_s": ParamSpec("transition_s", "number", 0.5, 60.0, 5.0),
}
"""Levers that live here and not on the server."""

_DRIFT_PERIODS: Final = {"noise_scale": 9.0, "prompt_weight": 24.0, "vace_context_scale": 31.0, "fx/hue": 37.0}
_DRIFT_REST: Final = 0.48
_DRIFT_NOISE: Final = 0.04
_STILL: Final = frozenset({"transition_s", "fx/zoom"})


@dataclass(frozen=True, slots=True)
class Lever:
    """One lever with its range, rest and reactions (signal index, sensitivity, invert, curve)."""

    name: LeverName
    low: float
    high: float
    rest: float
    reactions: tuple[tuple[int, float, bool, Callable[[float], float]], ...]

    def offset(self, signals: Sequence[float]) -> float:
        """How far the music moves it from its rest: at full reaction it spans the theme's range.

        Several reactions combine as their mean, weighted by sensitivity (soundscape section 5).
        """
        total = weights = 0.0
        for index, sensitivity, invert, curve in self.reactions:
            total += sensitivity * react(signals[index], sensitivity=sensitivity, invert=invert, curve=curve)
            weights += sensitivity
        if weights == 0.0:
            return 0.0
        return self.low + (total / weights) * (self.high - self.low) - self.rest

    def drift(self, seconds: float) -> float:
        """How far ambient mode moves it from its rest, ``seconds`` after it began (soundscape section 10)."""
        if self.name in _STILL:
            return 0.0
        wave = math.sin(2.0 * math.pi * seconds / _DRIFT_PERIODS.get(self.name, 29.0))
        if self.name == "noise_scale":
            return _DRIFT_REST + _DRIFT_NOISE * wave - self.rest
        return 0.25 * (self.high - self.low) * wave


def levers_of(
    theme: Theme, *, text_like: bool, text_noise: bool = False, grid: BeatGrid = NO_GRID
) -> tuple[Lever, ...]:
    """The levers a theme drives in this mode.

    ``text_noise``: noise_scale is driven in text mode too (``unsafe_text_noise``). ``grid``: the tempo for
    lengths in beats.
    """
    mode = theme.text if text_like else theme.video
    names = list(dict.fromkeys(mode.drives))
    if text_noise and "noise_scale" not in names:
        names.append("noise_scale")
    stand_ins = theme.stand_ins if text_like else ()
    return tuple(_lever(theme, name, stands_in=name in stand_ins, grid=grid) for name in names)


def _lever(theme: Theme, name: LeverName, *, stands_in: bool, grid: BeatGrid) -> Lever:
    low, high = theme.range_of(name, grid)
    reactions = [r for r in theme.reactions if r.parameter == name or (stands_in and r.parameter == "noise_scale")]
    return Lever(name, low, high, theme.resting(name, grid), tuple(_compiled(r) for r in reactions if r.sensitivity))


def _compiled(reaction: Reaction) -> tuple[int, float, bool, Callable[[float], float]]:
    return SIGNALS.index(reaction.signal), reaction.sensitivity, reaction.invert, CURVES[reaction.curve]
