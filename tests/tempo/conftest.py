"""A player that feeds a clock from a score of timed events and writes down every beat."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import pytest

from bridge.model.beatgrid import BeatGrid
from bridge.model.events import BeatEvent, MidiClockEvent, TrackedBeat
from bridge.tempo import TempoClock, TempoSettings


class Player:
    """Plays events into a clock in the order of their times, advancing it every ``step`` seconds between them."""

    def __init__(self, clock: TempoClock, step: float = 0.010) -> None:
        self.clock = clock
        self.step = step
        self.now = 0.0
        self.beats: list[BeatEvent] = []
        self.grids: list[tuple[float, BeatGrid]] = []

    def until(self, end: float) -> Player:
        while self.now + self.step <= end:
            self.now += self.step
            self.beats.extend(self.clock.advance(self.now))
            self.grids.append((self.now, self.clock.grid))
        return self

    def play(self, events: Iterable[object], *, announced_late: float = 0.0) -> Player:
        for event in sorted(events, key=lambda one: one.t):  # type: ignore[attr-defined]
            arrives = event.t + (announced_late if isinstance(event, TrackedBeat) else 0.0)  # type: ignore[attr-defined]
            self.until(arrives)
            self.now = max(self.now, arrives)
            self.clock.feed(event, self.now)  # type: ignore[arg-type]
        return self

    def beats_of(self, source: str) -> list[BeatEvent]:
        return [beat for beat in self.beats if beat.source == source]


@pytest.fixture
def player() -> Player:
    return Player(TempoClock(TempoSettings()))


@pytest.fixture
def make_player() -> Callable[..., Player]:
    return lambda **settings: Player(TempoClock(TempoSettings(**settings)))


def ticks(start: float, bpm: float, beats: float, port: str = "Traktor Virtual Output") -> list[MidiClockEvent]:
    """MIDI clock at ``bpm`` from ``start``, for ``beats`` beats."""
    spacing = 60.0 / bpm / 24
    return [MidiClockEvent(start + i * spacing, port, "clock") for i in range(round(beats * 24))]


def heard(
    start: float, bpm: float, beats: int, confidence: float = 0.8, told_bpm: float | None = None
) -> list[TrackedBeat]:
    """Beats as the ears report them."""
    period = 60.0 / bpm
    return [TrackedBeat(start + i * period, start + i * period, told_bpm or bpm, confidence) for i in range(beats)]


def assert_no_beat_doubled_or_missing(beats: list[BeatEvent], shortest: float, longest: float) -> None:
    for before, after in itertools.pairwise(beats):
        assert after.beat == before.beat + 1
        assert shortest <= after.t - before.t <= longest
