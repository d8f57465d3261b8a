"""Puts the ears together as the settings say."""

from __future__ import annotations

__all__ = ["make_ears"]

from bridge.ears._drums import Drums
from bridge.ears.aubio_tracker import AubioTracker
from bridge.ears.ears import Ears
from bridge.ears.scope_tracker import ScopeTracker
from bridge.ears.settings import EarsSettings
from bridge.ears.tracker import Tracker
from bridge.model.board import ProblemBoard
from bridge.model.errors import DependencyMissing, WeightsBroken


def make_ears(settings: EarsSettings, board: ProblemBoard) -> Ears:
    """Ears with the tracker that is asked for, or the next best, or features alone; the board says what is missing."""
    return Ears(settings, _tracker(settings, board), _drums(board))


def _drums(board: ProblemBoard) -> Drums | None:
    try:
        drums = Drums()
    except WeightsBroken as error:
        board.pin("ears", "drum_weights", error.message, error.hint)
        return None
    board.clear("ears", "drum_weights")
    return drums


def _tracker(settings: EarsSettings, board: ProblemBoard) -> Tracker | None:
    if settings.tracker == "none":
        return None
    if settings.tracker == "scope":
        try:
            tracker = ScopeTracker(settings.min_bpm, settings.max_bpm)
        except WeightsBroken as error:
            board.pin("ears", "tracker_weights", error.message, error.hint)
        else:
            board.clear("ears", "tracker_weights")
            return tracker
    try:
        aubio = AubioTracker(settings.min_bpm, settings.max_bpm)
    except DependencyMissing as error:
        board.pin("ears", "tracker_missing", error.message, error.hint)
        return None
    board.clear("ears", "tracker_missing")
    return aubio
