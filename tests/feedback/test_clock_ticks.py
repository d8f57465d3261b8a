"""MIDI clock from the grid: 24 ticks a beat, whatever the grid does, and receivers that know where the bar is."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.feedback.clock_ticks import CLOCK, CONTINUE, START, STOP, ClockTicks, song_position
from bridge.model.beatgrid import NO_GRID, BeatGrid

GRID = BeatGrid(bpm=120.0, anchor=10.0, anchor_beat=0)


class Receiver:
    """A drum machine: counts ticks from where it was told to."""

    def __init__(self) -> None:
        self.at = 0
        self.playing = False
        self.pointer = 0
        self.ticks: list[tuple[float, int]] = []
        self.log: list[tuple[float, tuple[int, ...]]] = []

    def hear(self, t: float, message: tuple[int, ...]) -> None:
        if message == CLOCK:
            if self.playing:
                self.ticks.append((t, self.at))
                self.at += 1
            return
        self.log.append((t, message))
        if message == START:
            self.playing, self.at = True, 0
        elif message == CONTINUE:
            self.playing, self.at = True, self.pointer
        elif message == STOP:
            self.playing = False
        else:
            self.pointer = (message[1] | message[2] << 7) * 6


def play(ticks: ClockTicks, grid: BeatGrid, start: float, end: float, receiver: Receiver | None = None) -> Receiver:
    """Ask whenever something is due."""
    receiver = receiver or Receiver()
    now = start
    while now < end:
        for message in ticks.due(grid, now):
            receiver.hear(now, message)
        due = ticks.next_due(grid)
        now = max(now + 1e-4, min(end, due if due is not None else end))
    return receiver


def test_receivers_start_on_the_bar_with_its_tick_as_the_first() -> None:
    receiver = play(ClockTicks(), GRID, 10.3, 14.0)
    ((started, message),) = receiver.log
    assert message == START
    assert started == pytest.approx(12.0 - 0.5 / 48, abs=2e-4)
    assert [at for _, at in receiver.ticks] == list(range(96))
    assert receiver.ticks[0][0] == pytest.approx(12.0, abs=2e-4)
    assert receiver.ticks[24][0] == pytest.approx(12.5, abs=2e-4)


def test_ticks_tell_the_tempo_before_the_start() -> None:
    ticks = ClockTicks()
    play(ticks, GRID, 10.3, 11.9)
    assert not ticks.running
    assert ticks.sent == 77  # positions 14.4 to 91.2


def test_a_lost_tempo_stops_and_the_next_bar_continues_from_its_place() -> None:
    ticks = ClockTicks()
    receiver = play(ticks, GRID, 10.0, 17.9)
    assert ticks.due(NO_GRID, 18.0) == (STOP,)
    assert ticks.due(NO_GRID, 18.1) == ()
    receiver.playing = False
    again = dataclasses.replace(GRID, anchor=30.0, anchor_beat=18, bpm=100.0)
    receiver = play(ticks, again, 30.0, 33.0, receiver)
    assert [message for _, message in receiver.log] == [START, song_position(16 * 4), CONTINUE]  # from beat 4 to 20
    assert receiver.log[-1][0] == pytest.approx(31.2 - 0.5 * 0.6 / 24, abs=2e-4)
    assert 16 * 24 in [at for t, at in receiver.ticks if t == pytest.approx(31.2, abs=2e-4)]


def test_a_song_too_long_for_the_pointer_starts_anew() -> None:
    ticks = ClockTicks()
    play(ticks, GRID, 10.0, 12.5)
    ticks.stop()
    far = dataclasses.replace(GRID, anchor=30.0, anchor_beat=4100)
    assert [message for _, message in play(ticks, far, 30.0, 32.5).log] == [START]


def test_a_bar_that_moved_for_good_moves_the_receivers_without_losing_a_tick() -> None:
    ticks = ClockTicks()
    receiver = play(ticks, GRID, 10.0, 16.0)
    moved = dataclasses.replace(GRID, downbeat=1)
    before = ticks.sent
    play(ticks, moved, 16.0, 26.0, receiver)
    assert ticks.sent - before == pytest.approx(20 * 24, abs=1)
    assert [message for _, message in receiver.log[1:]] == [STOP, song_position(12 * 4), CONTINUE]
    opens_bar = [t for t, at in receiver.ticks if at % 96 == 0 and t > 21.0]
    assert [moved.in_bar_at(t) for t in opens_bar] == [0] * len(opens_bar)
    assert opens_bar


def test_a_bar_that_moves_before_the_start_is_waited_for() -> None:
    ticks = ClockTicks()
    receiver = play(ticks, GRID, 10.3, 11.2)
    play(ticks, dataclasses.replace(GRID, downbeat=2), 11.2, 14.0, receiver)
    ((started, message),) = receiver.log
    assert message == START
    assert started == pytest.approx(13.0 - 0.5 / 48, abs=2e-4)


def test_a_bar_that_flickers_moves_nobody() -> None:
    ticks = ClockTicks()
    receiver = play(ticks, GRID, 10.0, 14.0)
    for beat in range(8, 24):
        grid = dataclasses.replace(GRID, downbeat=beat // 2 % 2)
        play(ticks, grid, 10.0 + beat / 2, 10.5 + beat / 2, receiver)
    assert [message for _, message in receiver.log] == [START]


def test_a_short_stall_is_made_up_and_a_long_one_skipped_and_told() -> None:
    ticks = ClockTicks()
    receiver = play(ticks, GRID, 10.0, 12.0)
    late = ticks.due(GRID, 12.45)
    assert late.count(CLOCK) == 22
    assert ticks.skipped == 0
    assert ticks.due(GRID, 15.30).count(CLOCK) == 0
    assert ticks.skipped > 100
    receiver = play(ticks, GRID, 15.30, 18.5, receiver)
    assert [message for _, message in receiver.log[-3:]] == [STOP, song_position(8 * 4), CONTINUE]


def test_every_stream_of_messages_says_where_the_bar_is() -> None:
    assert song_position(0x3FFF) == (0xF2, 0x7F, 0x7F)


changes = st.lists(
    st.tuples(st.floats(20, 400), st.floats(0.0, 0.14), st.integers(0, 3), st.booleans()),
    max_size=60,
)


@settings(deadline=None)
@given(changes)
def test_24_ticks_for_every_beat_that_the_grid_advances(changes: list[tuple[float, float, int, bool]]) -> None:
    """The grid's line only rises, at any rate; now and then there is no tempo, and the count goes on from there."""
    ticks, now, position = ClockTicks(), 0.0, 0.0
    for bpm, passes, downbeat, rests in changes:
        if rests:
            assert CLOCK not in ticks.due(NO_GRID, now)
            now += passes
        beat = int(position)
        grid = BeatGrid(bpm, now - (position - beat) * 60 / bpm, beat, downbeat=downbeat)
        begun = ticks.due(grid, now)
        assert begun.count(CLOCK) <= 1
        now += passes
        before, position = position, grid.position_at(now)
        due = begun + ticks.due(grid, now)
        crossed = math.floor(position * 24 + 1e-5) - math.ceil(before * 24 - 1e-5)
        assert crossed - 1 <= due.count(CLOCK) <= crossed + 1
        next_due = ticks.next_due(grid)
        assert next_due is not None
        assert 0 < next_due - now + 1e-5 <= 60 / bpm / 24 + 2e-5
    assert ticks.skipped == 0


@given(st.lists(st.floats(30, 300), min_size=1, max_size=30), st.floats(0.001, 0.1))
def test_in_all_the_count_of_ticks_is_the_beats_times_24(tempos: list[float], step: float) -> None:
    ticks, now, position = ClockTicks(), 0.0, 0.5
    assert ticks.due(BeatGrid(60.0, -0.5), 0.0) == ()
    for bpm in tempos:
        grid = BeatGrid(bpm, now - position * 60 / bpm)
        for _ in range(10):
            now += step
            ticks.due(grid, now)
        position = grid.position_at(now)
    assert abs(ticks.sent - 24 * (position - 0.5)) <= 1
