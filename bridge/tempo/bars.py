"""Where heard bars open: downbeats vote, a line that was right for long stays, and a hand's word outlasts doubt."""

from __future__ import annotations

__all__ = ["BarVotes"]

from typing import Final

_KEEP: Final = 0.7
"""What is left of the votes after one more downbeat."""
_ENOUGH: Final = 1.0
"""Votes without which no place opens a bar: two fairly sure downbeats."""
_MARGIN: Final = 1.25
_FULL: Final = 1.0 / (1.0 - _KEEP)
_SETTLED: Final = 0.5
_SETTLED_BARS: Final = 8


class BarVotes:
    """Which of a source's beats, modulo the bar, opens one.

    Each downbeat votes with its confidence and older votes fade, so that two odd downbeats never move a line that
    stood for long, and three of another song do. Downbeats of another metre than ``beats_per_bar`` have no vote.

    A performer's resync (:meth:`hold`) freezes the line. It is let go only when what is heard has itself moved: it
    had settled on a place (eight bars, fairly sure), and settles on another. So a wrong ear that was overruled stays
    overruled, and the next record is heard again.
    """

    def __init__(self, beats_per_bar: int) -> None:
        self._votes = [0.0] * beats_per_bar
        self._place: int | None = None
        self._in_a_row = 0
        self._held: int | None = None
        self._settled: int | None = None
        self.metre: int | None = None
        """How many beats a bar is heard to have; None while unknown."""
        self.let_go = 0
        """How often a held line was let go."""

    def vote(self, number: int, confidence: float, metre: int | None) -> None:
        """Beat ``number`` sounds like a downbeat, with this confidence (0..1), in bars of ``metre`` beats."""
        size = len(self._votes)
        self.metre = metre
        if metre is not None and size % metre and metre % size:
            return
        self._votes = [votes * _KEEP for votes in self._votes]
        self._votes[number % size] += confidence
        before, best = self._place, max(range(size), key=self._votes.__getitem__)
        now = 0.0 if before is None else self._votes[before]
        if best != before and self._votes[best] >= max(_ENOUGH, _MARGIN * now):
            self._place = best
        self._in_a_row = self._in_a_row + 1 if self._place == before else 1
        self._settle()

    def _settle(self) -> None:
        if self._held is None or self._in_a_row < _SETTLED_BARS or self._heard < _SETTLED:
            return
        if self._settled is not None and self._settled != self._place:
            self._release()
        else:
            self._settled = self._place

    def hold(self) -> None:
        """A hand says where the bar opens: keep the line where it is from now on."""
        self._held = self.place or 0
        self._settled = self._place if self._heard >= _SETTLED else None

    def forget(self) -> None:
        """Other music: nothing said so far holds."""
        self._votes = [0.0] * len(self._votes)
        self._place = self.metre = None
        self._in_a_row = 0
        if self._held is not None:
            self._release()

    def _release(self) -> None:
        self._held = self._settled = None
        self.let_go += 1

    @property
    def place(self) -> int | None:
        """Beat number, modulo the bar, that opens one; None while unknown."""
        return self._place if self._held is None else self._held

    @property
    def confidence(self) -> float:
        """How sure the line is, 0..1; 1 where a hand drew it."""
        return self._heard if self._held is None else 1.0

    @property
    def _heard(self) -> float:
        if self._place is None:
            return 0.0
        others = sum(self._votes) - self._votes[self._place]
        return max(0.0, min(1.0, (self._votes[self._place] - others) / _FULL))
