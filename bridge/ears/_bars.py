"""Which beat of the bar it is: a small forward filter over bars of three and four beats."""

from __future__ import annotations

__all__ = ["BarCounter"]

from typing import Final

import numpy as np

_BEATS: Final = (3, 4)
_LIKING: Final = (0.15, 0.85)
_RESTART: Final = 0.02
_SURE: Final = 0.6


class BarCounter:
    """Steps once a beat; knows nothing until one place in the bar stands out."""

    def __init__(self) -> None:
        self._first = np.concatenate(([0], np.cumsum(_BEATS)[:-1]))
        fresh = np.concatenate([np.full(n, liking / n) for n, liking in zip(_BEATS, _LIKING, strict=True)])
        self._fresh = fresh
        self._belief = fresh.copy()

    def step(self, beat: float, downbeat: float) -> None:
        """A beat has passed, with these strengths (0..1)."""
        share = min(max(downbeat / max(beat, downbeat, 0.05), 0.02), 0.98)
        now = np.roll(self._belief, 1)
        now[self._first] = self._belief[self._first + np.array(_BEATS) - 1]
        likelihood = np.full(len(now), 1 - share)
        likelihood[self._first] = share
        now *= np.sqrt(likelihood)
        now /= now.sum()
        self._belief = (1 - _RESTART) * now + _RESTART * self._fresh

    def next_is_down(self) -> bool | None:
        """True when the beat after the last one opens a bar, False when not, None when nobody could say."""
        ends = self._first + np.array(_BEATS) - 1
        opens = float(self._belief[ends].sum())
        if opens >= _SURE:
            return True
        return False if float(self._belief.max()) >= _SURE else None
