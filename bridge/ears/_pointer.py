"""Where in the beat we are: a hidden Markov model of tempo and phase, filtered forward only."""

from __future__ import annotations

__all__ = ["BeatPointer", "Position"]

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from bridge.ears._dynamics import HOP_S

# Chosen on the foreign development family (benchmarks/beats.py --set). A change of tempo by 1 % at a wrap is less
# likely than none by exp(-1.5); a listener starts all over again once in 12 s.
_STEADINESS: Final = 150.0
_RESTART: Final = 1e-3
# Where beliefs start: a bell over the logarithm of tempo.
_PREFERRED_BPM: Final = 128.0
_PREFERENCE: Final = 0.16
# Positions a hop, so that fast tempi are told apart too.
_STEPS: Final = 2
# Tempi within 8 % are read out as one.
_NEAR: Final = 0.08
_NEIGHBOURS: Final = np.array((0.5, 1.0, 0.5))
# How likely the net says "beat" away from one; and at it, and so many half hops beside.
_FLOOR: Final = 0.03
_SHAPE: Final = (0.9, 0.7, 0.35, 0.1)


@dataclass(frozen=True, slots=True)
class Position:
    """``phase`` 0..1 of the beat, ``period`` in hops, ``certainty`` 0..1: how much of the belief is gathered there.

    ``foretold`` is the logarithm of how much likelier the belief had made this hop than not knowing anything would.
    """

    phase: float
    period: float
    certainty: float
    foretold: float


class BeatPointer:
    """A pointer per tempo runs through the beat, one position a hop, and may change tempo where it wraps.

    Args:
        min_bpm, max_bpm: the range of tempi.
    """

    def __init__(self, min_bpm: float, max_bpm: float) -> None:
        step_s = HOP_S / _STEPS
        shortest, longest = math.floor(60 / max_bpm / step_s), math.ceil(60 / min_bpm / step_s)
        self._periods = np.arange(shortest, longest + 1)
        self._first = np.concatenate(([0], np.cumsum(self._periods)[:-1]))
        size = int(self._periods.sum())
        of = np.repeat(np.arange(len(self._periods)), self._periods)
        positions = np.arange(size) - self._first[of]
        turn = 2 * np.pi * positions / self._periods[of]
        self._turn = np.stack((np.cos(turn), np.sin(turn)), axis=1)
        offsets = np.arange(_STEPS)
        self._heads = (self._first[:, None] + offsets).ravel()
        self._tails = (self._first + self._periods - _STEPS)[:, None] + offsets
        # How well each position near the beat agrees with an activation of 1, as places in the belief and shares.
        reach = len(_SHAPE) - 1
        self._around = (np.arange(-reach, reach + 1)[:, None] % self._periods) + self._first
        self._shares = np.array([_SHAPE[abs(k)] for k in range(-reach, reach + 1)])
        change = np.exp(-_STEADINESS * np.abs(np.log(self._periods[None, :] / self._periods[:, None])))
        liking = np.exp(-0.5 * (np.log(60 / step_s / self._periods / _PREFERRED_BPM) / _PREFERENCE) ** 2)
        self._change = change / change.sum(axis=1, keepdims=True)
        fresh = (liking / self._periods)[of]
        self._fresh = fresh * (_RESTART / fresh.sum())
        self._belief = self._fresh / _RESTART
        self._by_chance = self._belief[self._around].sum(axis=1)
        self._next = np.empty_like(self._belief)
        self._near = [
            np.flatnonzero(np.abs(np.log(self._periods / p)) < _NEAR)[[0, -1]].tolist() for p in self._periods
        ]

    def step(self, activation: float) -> Position:
        """Take in how much this hop looks like a beat."""
        before, now = self._belief, self._next
        now[_STEPS:] = before[:-_STEPS]
        now[self._heads] = (self._change.T @ before[self._tails]).ravel()
        away = _FLOOR * activation + (1 - _FLOOR) * (1 - activation)
        odds = (self._shares * activation + (1 - self._shares) * (1 - activation)) / away
        now[self._around] *= odds[:, None]
        likelihood = float(now.sum())
        now *= (1 - _RESTART) / likelihood
        now += self._fresh
        self._belief, self._next = now, before
        return self._read(math.log(likelihood / (1 + float(self._by_chance @ (odds - 1)))))

    def _read(self, foretold: float) -> Position:
        masses = np.add.reduceat(self._belief, self._first)
        rough = np.correlate(masses, _NEIGHBOURS, "same")
        first, last = self._near[int(rough.argmax())]
        inside = masses[first : last + 1]
        mass = float(inside.sum())
        part = slice(self._first[first], self._first[last] + self._periods[last])
        x, y = (self._belief[part] @ self._turn[part]).tolist()
        period = float(inside @ self._periods[first : last + 1]) / mass
        phase = (math.atan2(y, x) / (2 * math.pi)) % 1.0
        return Position(phase, period / _STEPS, min(math.hypot(x, y), 1.0), foretold)
