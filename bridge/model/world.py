"""The world as the show sees it in one moment."""

from __future__ import annotations

__all__ = ["World"]

from dataclasses import dataclass

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.facts import ScopeFacts
from bridge.model.features import SILENCE, Features


@dataclass(frozen=True, slots=True)
class World:
    """Newest features, the beat grid and the facts of the server."""

    features: Features = SILENCE
    grid: BeatGrid = NO_GRID
    facts: ScopeFacts = ScopeFacts()
