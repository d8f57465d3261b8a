"""Hops as the ears might hear them."""

from __future__ import annotations

import numpy as np

from bridge.cli.listening import Moment
from bridge.ears import NO_TRACK
from bridge.model.events import TrackedBeat
from bridge.model.features import HOP, SAMPLE_RATE, SILENCE

QUIET = np.zeros(HOP, np.float32)


def moment(hop, *beats, features=SILENCE, track=NO_TRACK, samples=QUIET):
    return Moment(hop * HOP / SAMPLE_RATE, samples, features, track, beats)


def beat(t, downbeat=None):
    return TrackedBeat(t, t, 120.0, 1.0, downbeat)
