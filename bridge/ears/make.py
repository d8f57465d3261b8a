"""Puts the ears together as the settings say."""

from __future__ import annotations

__all__ = ["make_ears"]

from bridge.ears.aubio_tracker import AubioTracker
from bridge.ears.ears import Ears
from bridge.ears.settings import EarsSettings
from bridge.ears.tracker import Tracker
from bridge.model.board import ProblemBoard
from bridge.model.errors import DependencyMissing


def make_ears(settings: EarsSettings, board: ProblemBoard) -> Ears:
    """Ears with the tracker that is asked for; without it, features go on and the board says what is missing."""
    tracker: Tracker | None = None
    if settings.tracker == "aubio":
        try:
            tracker = AubioTracker(settings.min_bpm, settings.max_bpm)
        except DependencyMissing as error:
            board.pin("ears", "tracker_missing", error.message, error.hint)
        else:
            board.clear("ears", "tracker_missing")
    return Ears(settings, tracker)
