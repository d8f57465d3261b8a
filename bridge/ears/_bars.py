"""Which beat of the bar it is: a small forward filter over bars of three and four beats."""

from __future__ import annotations

__all__ = ["BarCounter", "BarPlace"]

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.ears._dynamics import Reference

# Chosen on the foreign development family (benchmarks/bars.py --set).
_METRES: Final = (3, 4)
_LIKING: Final = (0.15, 0.85)
_RESTART: Final = 0.02
_SURE: Final = 0.4
# Bins of the spectrum (43 to 840 Hz) in which bass notes and chords change, compressed as the net's input is.
_TONES: Final = slice(2, 40)
_COMPRESSION: Final = 100.0
# How many novelties the usual one is a mean of, and how much more or less than usual one may count.
_USUAL: Final = 8
_MOST: Final = 4.0


@dataclass(frozen=True, slots=True)
class BarPlace:
    """Where the next beat lies in the bar.

    ``opens``: it is the one; None while nobody could say. ``metre`` is 3 or 4 (None with ``opens``), ``confidence``
    0..1 how much of the belief lies there.
    """

    opens: bool | None = None
    metre: int | None = None
    confidence: float = 0.0


_NOWHERE: Final = BarPlace()


class BarCounter:
    """Hears every hop, steps once a beat; knows nothing until one place in the bar stands out.

    Two things speak for a beat as the one: the net's downbeat activation, and, two beats later, how much the notes
    changed there from one half bar to the next. Drums repeat in half bars; bass and chords change with the bar.
    """

    def __init__(self) -> None:
        metres = np.repeat(_METRES, _METRES)
        places = np.concatenate([np.arange(metre) for metre in _METRES])
        self._metres: npt.NDArray[np.int64] = metres
        self._first = np.flatnonzero(places == 0)
        self._last = self._first + np.array(_METRES) - 1
        self._opened_two_ago = (places - 2) % metres == 0
        self._fresh = np.concatenate([np.full(n, liking / n) for n, liking in zip(_METRES, _LIKING, strict=True)])
        self._belief = self._fresh.copy()
        size = _TONES.stop - _TONES.start
        self._heard = np.zeros(size, np.float32)
        self._hops = 0
        self._beats: list[npt.NDArray[np.float32]] = [np.zeros(size, np.float32)] * 4
        self._reference = Reference()
        self._usual = 0.0
        self._judged = 0

    def hear(self, amplitudes: npt.NDArray[np.float32]) -> None:
        """A hop between two beats, as the amplitudes of a 2048-sample spectrum."""
        tones = amplitudes[_TONES]
        loudness = float(np.sqrt(np.dot(tones, tones)))
        self._heard += np.log1p(tones * np.float32(_COMPRESSION / self._reference.step(loudness)))
        self._hops += 1

    def step(self, beat: float, downbeat: float) -> None:
        """A beat has passed, with these activations (0..1)."""
        share = min(max(downbeat / max(beat, downbeat, 0.05), 0.02), 0.98)
        now = np.roll(self._belief, 1)
        now[self._first] = self._belief[self._last]
        likelihood = np.full(len(now), 1 - share)
        likelihood[self._first] = share
        now *= np.sqrt(likelihood)
        now[self._opened_two_ago] *= self._change()
        now /= now.sum()
        self._belief = (1 - _RESTART) * now + _RESTART * self._fresh

    def _change(self) -> float:
        """How much more than usual the two beats that ended now differ from the two before them: 0.25..4."""
        self._beats = [*self._beats[1:], self._heard / np.float32(max(self._hops, 1))]
        self._heard = np.zeros_like(self._heard)
        self._hops = 0
        before, after = self._beats[0] + self._beats[1], self._beats[2] + self._beats[3]
        size = float(np.linalg.norm(before) * np.linalg.norm(after))
        if not self._beats[0].any() or size <= 0:
            return 1.0
        novelty = max(1 - float(before @ after) / size, 0.0)
        self._judged += 1
        self._usual += max(1 / self._judged, 1 / _USUAL) * (novelty - self._usual)
        return min(max((novelty + 1e-4) / (self._usual + 1e-4), 1 / _MOST), _MOST)

    def coming(self) -> BarPlace:
        """The place of the beat after the last one."""
        opens = float(self._belief[self._last].sum())
        best = int(self._belief.argmax())
        surest = float(self._belief[best])
        if opens >= _SURE:
            return BarPlace(True, int(self._metres[self._last[self._belief[self._last].argmax()]]), opens)
        return BarPlace(False, int(self._metres[best]), surest) if surest >= _SURE else _NOWHERE
