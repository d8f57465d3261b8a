"""Follows MIDI clock, start, stop, continue and song position (inputs section 2.1)."""

from __future__ import annotations

__all__ = ["MidiClockFollower"]

from typing import Final

from bridge.model.events import MidiClockEvent
from bridge.tempo.reading import MAX_BPM, MIN_BPM, Reading
from bridge.tempo.ticks import PPQN, TickFilter

_GAP_S: Final = 0.25
"""No clock for this long means that it stopped."""
_BRIDGE_GAP_S: Final = 4.0
"""A gap up to this long (a wiggled cable) keeps the beat count by the time that passed."""
_TICKS_PER_POSITION: Final = 6


class MidiClockFollower:
    """One port's clock: the first that ticks is followed until it falls silent."""

    def __init__(self) -> None:
        self._filter = TickFilter()
        self._port = ""
        self._last: float | None = None
        self._tick = -1
        self._next_tick = 0
        self._counted_in = False
        self._running = True
        self._jumps = 0

    @property
    def port(self) -> str:
        """The port followed, "" before the first tick."""
        return self._port

    def feed(self, event: MidiClockEvent) -> None:
        """Take an event; those of another port than the one followed are ignored while that one ticks."""
        if self._last is not None and event.port != self._port and event.t - self._last <= _GAP_S:
            return
        if event.kind == "clock":
            self._feed_tick(event)
        elif event.kind == "start":
            self._play_from(0)
        elif event.kind == "continue":
            self._play_from(self._next_tick)
        elif event.kind == "stop":
            self._running = False
        elif event.position >= 0:
            self._next_tick = event.position * _TICKS_PER_POSITION
            self._counted_in = True
            self._jumps += 1

    def _play_from(self, tick: int) -> None:
        if tick != self._tick + 1:
            self._jumps += 1
        self._next_tick = tick
        self._running = True
        self._counted_in = True

    def _feed_tick(self, event: MidiClockEvent) -> None:
        if self._last is not None and event.t < self._last:
            return
        if self._last is not None and event.t - self._last > _GAP_S:
            self._after_gap(event.t, event.t - self._last, same_port=event.port == self._port)
        self._port, self._last = event.port, event.t
        self._filter.feed(event.t)
        if self._running:
            self._tick = self._next_tick
            self._next_tick += 1

    def _after_gap(self, t: float, gap: float, *, same_port: bool) -> None:
        period = self._filter.period
        if not same_port:
            self._counted_in = False
        elif self._running and self._tick + 1 == self._next_tick and period is not None and gap <= _BRIDGE_GAP_S:
            # From the smooth time of the last tick: its own jitter must not cost a tick.
            self._next_tick += max(0, round((t - self._filter.t) / period) - 1)
        self._filter = TickFilter()
        self._jumps += 1

    def reading(self, now: float) -> Reading | None:
        """The clock's grid, or None when there is no tick for 250 ms, after stop, or outside 20..400 BPM."""
        period = self._filter.period
        if self._last is None or not self._running or period is None or now - self._last > _GAP_S or self._tick < 0:
            return None
        beat = PPQN * period
        if not MIN_BPM <= 60.0 / beat <= MAX_BPM:
            return None
        number, into = divmod(self._tick, PPQN)
        quality = max(0.2, 1.0 - self._filter.rms / 0.02) if self._filter.steady else 0.1
        return Reading(
            period=beat,
            beat_time=self._filter.t - into * period,
            number=number,
            confidence=quality * (1.0 if self._counted_in else 0.9),
            has_bars=self._counted_in,
            steady=self._filter.steady,
            jumped=self._jumps + self._filter.steps,
            uncertainty=self._filter.uncertainty,
        )

    def stopped(self) -> bool:
        """Whether the sender said stop."""
        return not self._running
