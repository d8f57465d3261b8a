"""Discrete changes on the beat: when one shall be seen, when it leaves for that, and how near it came."""

from __future__ import annotations

__all__ = ["QUANTIZE_MODES", "Due", "Landing", "Quantize", "boundary_beats"]

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Quantize: TypeAlias = Literal["none", "beat", "bar", "2_bar", "4_bar"]
"""The boundary a discrete change waits for; the words are Scope's own ``quantize_mode``."""

QUANTIZE_MODES: Final[tuple[Quantize, ...]] = get_args(Quantize)
_BARS: Final = {"bar": 1, "2_bar": 2, "4_bar": 4}


def boundary_beats(mode: Quantize, beats_per_bar: int) -> int:
    """Beats between two boundaries; 0 for ``none``."""
    if mode == "none":
        return 0
    return 1 if mode == "beat" else _BARS[mode] * beats_per_bar


@dataclass(frozen=True, slots=True)
class Due:
    """When a change shall be seen: ``at`` monotonic seconds, on a boundary. ``lead`` seconds earlier it leaves.

    ``lead`` is the mean from message to pixel, half a chunk of waiting for the next pipeline call included. So the
    call after ``leave`` is the one whose frames appear nearest to the boundary, at most half a chunk off, wherever the
    calls lie. ``beat_s`` are the seconds of a beat, for saying the residual in beats; ``sd_s`` is how uncertain the clock
    was of the boundary.
    """

    at: float
    lead: float
    beat_s: float
    sd_s: float = 0.0

    @property
    def leave(self) -> float:
        """When the message that carries the change should leave, monotonic seconds."""
        return self.at - self.lead


@dataclass(frozen=True, slots=True)
class Landing:
    """A quantised change that left. ``residual_s``: how long after its boundary it is expected, negative before it.

    The estimate is good to ``within_s``: half a chunk, since the server's calls cannot be seen from here, and what the
    clock was uncertain of the boundary.
    """

    what: str
    residual_s: float
    residual_beats: float
    within_s: float
