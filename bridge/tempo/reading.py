"""What one source says about the beat, in the same words for every source."""

from __future__ import annotations

__all__ = ["MAX_BPM", "MIN_BPM", "Follower", "Reading", "typed"]

from dataclasses import dataclass
from typing import Final, Protocol

from bridge.model.beatgrid import Uncertainty

MIN_BPM: Final = 20.0
MAX_BPM: Final = 400.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A source's own grid: beat ``number`` (its own count) sounds at ``beat_time``, one every ``period`` seconds.

    ``has_bars`` is True where beat 0 of the source's own
    count opens a bar, and ``bar_confidence`` (0..1) how sure that is. ``steady`` says that it may lead. ``by_hand`` marks what a person tapped or typed.
    ``weak``: it may lead only where nothing else does. ``jumped`` grows by one whenever the source itself jumps (start, song position, change of tempo).
    ``uncertainty`` is how well the source's beats are known.
    """

    period: float
    beat_time: float
    number: int = 0
    confidence: float = 0.0
    has_bars: bool = False
    bar_confidence: float = 1.0
    steady: bool = False
    by_hand: bool = False
    weak: bool = False
    jumped: int = 0
    uncertainty: Uncertainty = Uncertainty()

    @property
    def bpm(self) -> float:
        """Beats per minute."""
        return 60.0 / self.period


def typed(t: float) -> Uncertainty:
    """What is known of a tempo typed as a number at ``t``: the tempo to a tenth or so, the beat hardly."""
    return Uncertainty(t, sd_s=0.05, drift=0.0005)


class Follower(Protocol):
    """Follows one source of tempo; pure, told the time."""

    def reading(self, now: float) -> Reading | None:
        """What the source says at ``now``; None while it is silent or stopped."""

    def stopped(self) -> bool:
        """Whether the source said by itself that it stopped, as opposed to falling silent."""
