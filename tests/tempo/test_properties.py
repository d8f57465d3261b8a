"""Whatever arrives, whenever it says it happened, the clock stays a clock."""

from __future__ import annotations

import dataclasses
import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.model.events import BpmReport, MidiClockEvent, TapEvent, TrackedBeat
from bridge.tempo import TempoClock
from bridge.tempo.clock import TempoEvent
from bridge.tempo.heard import fold

any_float = st.floats(allow_nan=True, allow_infinity=True)
near = st.floats(-0.5, 0.2)
bpm = st.one_of(st.floats(60, 200), any_float)
kinds = st.sampled_from(["clock", "clock", "clock", "clock", "start", "stop", "continue", "song_position"])
events = st.one_of(
    st.builds(MidiClockEvent, near, st.sampled_from(["a", "b"]), kinds, st.integers(-1, 20000)),
    st.builds(
        TrackedBeat, near, near, bpm, st.one_of(st.floats(0, 1), any_float), st.sampled_from([None, True, False])
    ),
    st.builds(TapEvent, near),
    st.builds(
        BpmReport,
        near,
        st.one_of(st.none(), bpm),
        st.one_of(st.none(), st.integers(-5, 50), st.integers()),
        st.sampled_from([None, True, False]),
        st.sampled_from(["osc", "link", "os2l", "tap"]),
    ),
)
actions = st.sampled_from(["tap", "resync", "tempo_double", "tempo_halve", "nudge_forward", "nudge_back", "panic"])
runs = st.tuples(st.just("run"), st.sampled_from(["midi", "audio", "osc"]), st.floats(60, 200), st.integers(1, 60))
steps = st.lists(st.one_of(events, actions, runs, st.floats(0, 3)), max_size=40)


def expand(step: object, now: float) -> list[tuple[float, TempoEvent]]:
    """A run of regular events of one source, as (arrival, event)."""
    _, source, tempo, count = step  # type: ignore[misc]
    period = 60.0 / tempo / (24 if source == "midi" else 1)
    times = [now + (i + 1) * period for i in range(count)]
    if source == "midi":
        return [(t, MidiClockEvent(t, "a", "clock")) for t in times]
    if source == "audio":
        return [(t, TrackedBeat(t, t, tempo, 0.9)) for t in times]
    return [(t, BpmReport(t, tempo, i)) for i, t in enumerate(times)]


@settings(max_examples=80, deadline=None)
@example(
    [
        MidiClockEvent(0.0, "a", "clock", 0),
        MidiClockEvent(0.0, "a", "clock", 0),
        BpmReport(0.0, 60.0, None, None, "os2l"),
        "tempo_halve",
        ("run", "osc", 191.0, 2),
        MidiClockEvent(0.0, "a", "clock", 0),
        2.0,
    ]
)
@given(steps)
def test_beats_count_up_by_one_and_the_grid_stays_finite(script: list[object]) -> None:
    clock = TempoClock()
    now = 100.0
    count, bar, t = -1, -1, -math.inf
    place = -1

    def advance_to(end: float) -> None:
        nonlocal now, count, bar, t, place
        while True:
            now = min(now + 0.1, end)
            for beat in clock.advance(now):
                assert beat.beat == count + 1
                assert beat.bar >= bar
                assert 0 <= beat.in_bar < 4
                assert t < beat.t <= now + 1e-6
                count, bar, t = beat.beat, beat.bar, beat.t
            grid = clock.grid
            assert math.isfinite(grid.anchor)
            if grid.bpm is not None:
                assert 10 < grid.bpm < 1000
                assert grid.beat_at(now) >= place
                place = grid.beat_at(now)
            if now >= end:
                return

    for step in script:
        if isinstance(step, float):
            advance_to(now + step)
        elif isinstance(step, str):
            clock.act(step, now)
        elif isinstance(step, tuple):
            for arrival, event in expand(step, now):
                advance_to(arrival)
                clock.feed(event, now)
        else:
            clock.feed(_moved(step, now), now)
        clock.status(now)
    advance_to(now + 2.0)
    assert clock.late_beats == 0


def _moved(event: object, now: float) -> TempoEvent:
    return dataclasses.replace(event, t=event.t + now)  # type: ignore[type-var, attr-defined, return-value]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(events, any_float, any_float), max_size=30))
def test_no_time_however_odd_breaks_the_clock(script: list[tuple[TempoEvent, float, float]]) -> None:
    clock = TempoClock()
    count = -1
    for event, fed_at, advanced_to in script:
        clock.feed(event, fed_at)
        for beat in clock.advance(advanced_to):
            assert beat.beat > count
            count = beat.beat
        clock.next_due(advanced_to)
        assert math.isfinite(clock.status(advanced_to).phase)


@given(st.floats(20, 400), st.floats(30, 200), st.floats(2, 4))
def test_folding_moves_by_octaves_into_any_range_of_an_octave(tempo: float, low: float, span: float) -> None:
    folded = fold(tempo, low, low * span)
    assert low - 1e-9 <= folded <= low * span + 1e-9
    octaves = math.log2(folded / tempo)
    assert abs(octaves - round(octaves)) < 1e-9
