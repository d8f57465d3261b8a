"""Lengths of time as people give them: in seconds, beats or bars."""

from __future__ import annotations

__all__ = ["NO_TEMPO_BPM", "Length", "LengthUnit", "parse_length"]

import math
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from bridge.model.beatgrid import NO_GRID, BeatGrid

LengthUnit: TypeAlias = Literal["s", "beats", "bars"]

NO_TEMPO_BPM: Final = 120.0
"""The tempo that beats and bars are counted in while there is none."""

_WORDS: Final = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>[a-z]*)")
_UNITS: Final[dict[str, tuple[LengthUnit, float]]] = {
    "": ("s", 1.0),
    "ms": ("s", 0.001),
    **dict.fromkeys(("s", "sec", "second", "seconds"), ("s", 1.0)),
    **dict.fromkeys(("beat", "beats"), ("beats", 1.0)),
    **dict.fromkeys(("bar", "bars"), ("bars", 1.0)),
}
_EXAMPLE: Final = 'Give seconds or beats, such as 4.0, "4 s", "8 beats" or "2 bars".'


@dataclass(frozen=True, slots=True)
class Length:
    """``count`` seconds, beats or bars, at least 0; what it is in seconds is asked when something of it begins."""

    count: float
    unit: LengthUnit = "s"

    def seconds(self, grid: BeatGrid = NO_GRID) -> float:
        """Seconds at the tempo of ``grid``; without one beats count at 120 a minute."""
        if self.unit == "s":
            return self.count
        beats = self.count * (grid.beats_per_bar if self.unit == "bars" else 1)
        return beats * (grid.period or 60.0 / NO_TEMPO_BPM)


def parse_length(value: Any) -> Length:
    """A number of seconds, or a text such as ``"8 beats"``, ``"2 bars"``, ``"4 s"``, ``"400 ms"``, as a length.

    Raises:
        ValueError: with what to give instead.
    """
    if isinstance(value, Length):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        found, (unit, scale) = float(value), _UNITS[""]
    else:
        match = _WORDS.fullmatch(value.strip().lower()) if isinstance(value, str) else None
        if match is None or match["unit"] not in _UNITS:
            raise ValueError(f"{value!r} is no length. {_EXAMPLE}")
        found, (unit, scale) = float(match["number"]), _UNITS[match["unit"]]
    if not math.isfinite(found) or found < 0.0:
        raise ValueError(f"{value!r} is no length. {_EXAMPLE}")
    return Length(found * scale, unit)
