"""Ears: features and beats from blocks of samples."""

from bridge.ears._drums import Drums
from bridge.ears.aubio_tracker import AubioTracker
from bridge.ears.ears import Ears, Heard
from bridge.ears.make import make_ears
from bridge.ears.scope_tracker import ScopeTracker
from bridge.ears.settings import EarsSettings
from bridge.ears.thread import EarsThread
from bridge.ears.tracker import NO_TRACK, Beat, Track, Tracker

__all__ = [
    "NO_TRACK",
    "AubioTracker",
    "Beat",
    "Drums",
    "Ears",
    "EarsSettings",
    "EarsThread",
    "Heard",
    "ScopeTracker",
    "Track",
    "Tracker",
    "make_ears",
]
