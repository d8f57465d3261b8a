"""From activations to beats on schedule: tempo, phase, confidence, and when the next beat is due."""

from __future__ import annotations

__all__ = ["BeatKeeper"]

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.ears._bars import BarCounter
from bridge.ears._dynamics import HOP_S, per_hop
from bridge.ears._pointer import BeatPointer
from bridge.ears.tracker import Beat, Track

# The net was taught to say "beat" this many hops late: it has heard the attack by then.
_LATE_HOPS: Final = 2.5
# Beats closer together than this share of the period are one beat.
_SAME: Final = 0.6
# A beat missed by a jump of the phase is still told when it is at most this share of the period ago.
_STILL: Final = 0.12
_NEAR_HOPS: Final = 3
_FULL: Final = 0.5
_MEMORY_S: Final = 2.5
_TEMPO_S: Final = 1.0
# Hits that nobody could foretell are no beat, however strong. Music starts with the benefit of the doubt.
_FORESIGHT_S: Final = 4.0
_DOUBT: Final = 1.5
_JUMP: Final = 0.03


class BeatKeeper:
    """Fires each beat in the hop before it is due, so that it can sound on time.

    Args:
        min_bpm, max_bpm: the range of tempi.
    """

    def __init__(self, min_bpm: float, max_bpm: float) -> None:
        self._pointer = BeatPointer(min_bpm, max_bpm)
        self._bars = BarCounter()
        self._now = 0
        self._fired = -math.inf
        self._period = 0.0
        self._settled = 0
        self._evidence = 0.0
        self._foresight = _DOUBT
        self._strongest = self._strongest_down = 0.0
        self._judged = False
        self._fade = per_hop(_TEMPO_S)
        self._forget = per_hop(_FORESIGHT_S)

    def step(self, beat: float, downbeat: float, amplitudes: npt.NDArray[np.float32]) -> Track:
        """Take in one hop's activations and spectrum."""
        self._now += 1
        self._bars.hear(amplitudes)
        position = self._pointer.step(beat)
        period = position.period
        self._settle(period)
        self._judge(position.phase * period, period, beat, downbeat)
        self._foresight = self._forget * self._foresight + position.foretold
        confidence = min(self._evidence / _FULL, 1.0) * position.certainty * min(max(self._foresight, 0.0), 1.0)
        beats = self._due(position.phase, period)
        return Track(beats, 60 / (self._period * HOP_S), confidence, beat)

    def _settle(self, period: float) -> None:
        """The tempo told: a mean since it last changed, at most over about a second."""
        if abs(period - self._period) > _JUMP * period:
            self._settled, self._period = 0, period
        self._settled += 1
        self._period += max(1 - self._fade, 1 / self._settled) * (period - self._period)

    def _judge(self, position: float, period: float, beat: float, downbeat: float) -> None:
        """How strong the activation was around each passing beat becomes the evidence."""
        if position <= _NEAR_HOPS or position >= period - _NEAR_HOPS:
            self._strongest = max(self._strongest, beat)
            self._strongest_down = max(self._strongest_down, downbeat)
            self._judged = False
        elif not self._judged:
            self._judged = True
            share = 1 - math.exp(-period * HOP_S / _MEMORY_S)
            if self._strongest > self._evidence:
                share = max(share, 0.5)
            self._evidence += share * (self._strongest - self._evidence)
            self._bars.step(self._strongest, self._strongest_down)
            self._strongest = self._strongest_down = 0.0

    def _due(self, phase: float, period: float) -> tuple[Beat, ...]:
        true_position = phase * period + _LATE_HOPS
        ahead = period - true_position
        if ahead < -period * 0.5:
            ahead += period
        if ahead > period * 0.5:
            ahead -= period
        since = self._now + ahead - self._fired
        if ahead > 1.0 or ahead < -_STILL * period or since < _SAME * period:
            return ()
        self._fired = self._now + ahead
        place = self._bars.coming()
        return (Beat(ahead * HOP_S, place.opens, place.confidence, place.metre),)
