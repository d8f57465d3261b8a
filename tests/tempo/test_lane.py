"""Each output's own time: every beat once, in order, as much later or sooner as asked."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.events import BeatEvent, MidiClockEvent
from bridge.tempo import BeatLane, TempoClock

from .conftest import heard, ticks

STEP_S = 0.010


def run(score: list[object], *lanes: BeatLane, until: float, stop_at: float | None = None) -> list[list]:
    """Play a score; the beats of the clock itself, then those of each lane, as (told at, beat)."""
    clock, told = TempoClock(), [[] for _ in range(len(lanes) + 1)]
    coming = sorted(score, key=lambda event: event.t)  # type: ignore[attr-defined]
    for step in range(round(until / STEP_S)):
        now = step * STEP_S
        while coming and coming[0].t <= now:  # type: ignore[attr-defined]
            clock.feed(coming.pop(0), now)  # type: ignore[arg-type]
        given = clock.advance(now)
        told[0] += [(now, beat) for beat in given]
        for lane, seen in zip(lanes, told[1:], strict=True):
            seen += [(now, beat) for beat in lane.take(clock, given, now)]
    return told


@pytest.mark.parametrize("later", [-0.3, -0.06, 0.0, 0.04, 0.4])
@pytest.mark.parametrize("ahead", [0.0, 0.05])
def test_a_lane_tells_the_clocks_beats_at_its_own_time(later: float, ahead: float) -> None:
    lane = BeatLane(later, ahead)
    plain, moved = run(ticks(1.0, 120.0, 20), lane, until=11.0)
    by_count = {beat.beat: beat for _, beat in plain}
    common = [(now, beat) for now, beat in moved if beat.beat in by_count]
    assert len(common) >= len(plain) - 1
    for now, beat in common[1:]:
        own = by_count[beat.beat]
        assert beat.t == pytest.approx(own.t + later, abs=0.002)
        assert (beat.bar, beat.in_bar) == (own.bar, own.in_bar)
        assert beat.t - ahead - 0.002 <= now <= beat.t - ahead + STEP_S + 0.002


def test_a_later_lane_still_tells_the_last_beat_before_a_stop() -> None:
    score = [*ticks(1.0, 120.0, 8), MidiClockEvent(5.05, "Traktor Virtual Output", "stop")]
    plain, moved = run(score, BeatLane(0.2), until=7.0)
    assert [beat.beat for _, beat in moved] == [beat.beat for _, beat in plain]


def test_next_due_is_when_the_lane_tells() -> None:
    clock, early, late = TempoClock(), BeatLane(-0.1), BeatLane(0.1)
    assert early.next_due(clock) is None
    assert late.next_due(clock) is None
    for event in ticks(1.0, 120.0, 8):
        clock.feed(event, event.t)
        given = clock.advance(event.t)
        early.take(clock, given, event.t)
        late.take(clock, given, event.t)
    own = clock.next_due(5.0)
    assert own is not None
    due = early.next_due(clock)
    assert due == pytest.approx(own + 0.5 - 0.1), "the beat that is 20 ms away is told already"
    given = clock.advance(own + 1e-6)
    late.take(clock, given, own + 1e-6)
    assert late.next_due(clock) == pytest.approx(own + 0.1)
    assert early.take(clock, (), due - 0.001) == ()
    assert len(early.take(clock, (), due + 1e-6)) == 1


runs = st.tuples(
    st.sampled_from(["audio", "midi", "pause", "resync", "tempo_double", "tempo_halve", "nudge_forward"]),
    st.floats(70, 170),
    st.floats(0.2, 6.0),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(runs, min_size=1, max_size=6), st.floats(-0.5, 0.5), st.floats(0.0, 0.1))
def test_beats_of_a_lane_come_once_in_order_and_bars_never_again(
    script: list[tuple[str, float, float]], later: float, ahead: float
) -> None:
    clock, lane, now = TempoClock(), BeatLane(later, ahead), 1.0
    told: list[BeatEvent] = []
    given: list[BeatEvent] = []

    def advance_to(end: float) -> None:
        nonlocal now
        while now < end:
            now = min(now + 0.02, end)
            fresh = clock.advance(now)
            given.extend(fresh)
            told.extend(lane.take(clock, fresh, now))

    for what, bpm, seconds in script:
        if what == "audio" or what == "midi":
            count = int(seconds * bpm / 60)
            events = heard(now, bpm, count) if what == "audio" else ticks(now, bpm, count)
            for event in events:
                advance_to(event.t)
                clock.feed(event, now)
        elif what == "pause":
            advance_to(now + seconds)
        else:
            clock.act(what, now)
    advance_to(now + 1.0)
    assert all(after.beat == before.beat + 1 for before, after in itertools.pairwise(told))
    assert all(after.bar >= before.bar for before, after in itertools.pairwise(told))
    assert len({beat.bar for beat in told if beat.in_bar == 0}) == sum(beat.in_bar == 0 for beat in told)
    if given:
        assert abs(len(told) - len(given)) <= 4


def test_a_grid_shifted_is_the_same_grid_at_another_time() -> None:
    grid = BeatGrid(bpm=120.0, anchor=10.0, anchor_beat=20)
    assert grid.shifted(0.0) is grid
    assert grid.shifted(0.1).time_of(22) == pytest.approx(11.1)
    assert grid.shifted(-0.1).position_at(10.9) == pytest.approx(grid.position_at(11.0))
    assert NO_GRID.shifted(0.1).bpm is None
