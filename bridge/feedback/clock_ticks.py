"""The beat grid as MIDI clock: 24 ticks a beat, start on a bar, song position, stop. Pure; told the grid and the time."""

from __future__ import annotations

__all__ = ["CLOCK", "CONTINUE", "PPQN", "START", "STOP", "ClockTicks", "Message", "song_position"]

import math
from typing import Final, TypeAlias

from bridge.model.beatgrid import BeatGrid

Message: TypeAlias = tuple[int, ...]

PPQN: Final = 24
"""MIDI clocks per beat."""
CLOCK: Final = (0xF8,)
START: Final = (0xFA,)
CONTINUE: Final = (0xFB,)
STOP: Final = (0xFC,)

_SIXTEENTHS: Final = 4
"""Song positions per beat."""
_MAX_POSITION: Final = 0x3FFF
_AHEAD: Final = 0.5
"""Ticks by which start and continue precede the bar's own tick: it is the next one that receivers count as the first."""
_STALL: Final = PPQN
"""Ticks that may be due at once. After a shorter stall all are sent, so that receivers keep their place; a longer one is
skipped, and receivers are told their place again at the next bar."""
_EPSILON: Final = 1e-6


def song_position(sixteenths: int) -> Message:
    """Song position pointer (0..16383 sixteenths)."""
    return (0xF2, sixteenths & 0x7F, sixteenths >> 7)


class ClockTicks:
    """What is due, each tick once and in order, whatever the grid does.

    Ticks flow while there is a tempo, so that receivers know it before they start. At the next bar they are started;
    where the tempo was lost meanwhile, continued from that bar's place in the song. A bar that comes to lie elsewhere,
    and has stayed there for a bar, makes them stop and continue on the bar's first tick; no tick is left out for it.
    """

    def __init__(self) -> None:
        self._next: int | None = None
        self._place_at: int | None = None
        self._origin: int | None = None
        self._running = False
        self._moved: tuple[int, int] = (0, 0)  # by how many beats the bars have moved, and for how many beats now
        self.sent = 0
        self.skipped = 0

    @property
    def running(self) -> bool:
        """Whether receivers have been started."""
        return self._running

    def stop(self) -> tuple[Message, ...]:
        """No tempo any more: what stops the receivers."""
        self._next = self._place_at = None
        was, self._running = self._running, False
        return (STOP,) if was else ()

    def due(self, grid: BeatGrid, now: float) -> tuple[Message, ...]:
        """Everything that is to be sent by ``now``, in order."""
        if grid.bpm is None:
            return self.stop()
        position = grid.position_at(now) * PPQN + _EPSILON
        if self._next is None or not -_STALL < self._next - position <= _STALL + 1:
            self._jump(grid, position)
        out: list[Message] = []
        while (tick := self._next) is not None:
            if tick == self._place_at and tick - _AHEAD <= position:
                out += self._place(grid, tick)
            elif tick <= position:
                out.append(CLOCK)
                self.sent += 1
                self._next = tick + 1
                if self._next % PPQN == 0:
                    self._watch_bars(grid, self._next)
            else:
                break
        return tuple(out)

    def next_due(self, grid: BeatGrid) -> float | None:
        """When ``due`` has something again on this grid; None without a tempo."""
        if self._next is None:
            return None
        early = _AHEAD if self._next == self._place_at else 0.0
        return grid.time_of((self._next - early) / PPQN)

    def _jump(self, grid: BeatGrid, position: float) -> None:
        """Begin, or begin again after a stall, with the next tick to come."""
        coming = math.ceil(position)
        if self._next is not None:
            self.skipped += max(0, coming - self._next)
        self._next = coming
        self._place_at = _bar_from(grid, coming)
        self._moved = (0, 0)

    def _place(self, grid: BeatGrid, tick: int) -> list[Message]:
        """Tell receivers that ``tick``, the next to come, opens a bar."""
        self._place_at = None
        self._moved = (0, 0)
        stop = [STOP] if self._running else []
        self._running = True
        bars = 0 if self._origin is None else (tick - self._origin) // (PPQN * grid.beats_per_bar)
        beats = bars * grid.beats_per_bar
        if beats <= 0 or beats * _SIXTEENTHS > _MAX_POSITION:
            self._origin = tick
            return [*stop, START]
        self._origin = tick - beats * PPQN
        return [*stop, song_position(beats * _SIXTEENTHS), CONTINUE]

    def _watch_bars(self, grid: BeatGrid, tick: int) -> None:
        """Before a beat: has the bar moved under the receivers, for a whole bar already?"""
        if self._place_at is not None:
            self._place_at = _bar_from(grid, tick)
            return
        if self._origin is None:
            return
        by = (grid.downbeat - self._origin // PPQN) % grid.beats_per_bar
        before, beats = self._moved
        self._moved = (by, beats + 1 if by == before else 1)
        if by and self._moved[1] > grid.beats_per_bar:
            self._place_at = _bar_from(grid, tick)


def _bar_from(grid: BeatGrid, tick: int) -> int:
    """The first tick from ``tick`` on that opens a bar."""
    beat = -(-tick // PPQN)
    return (beat + (grid.downbeat - beat) % grid.beats_per_bar) * PPQN
