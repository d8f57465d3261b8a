"""Sources come, go and disagree: who leads when, and what the beats do meanwhile."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.events import BeatEvent, BpmReport, MidiClockEvent, TapEvent
from bridge.tempo import TempoClock
from bridge.tempo.clock import TempoEvent

from .conftest import Player, assert_no_beat_doubled_or_missing, heard, ticks


def leaders(player: Player) -> list[str]:
    """Who led, one after another."""
    return [source for source, _ in itertools.groupby(grid.source for _, grid in player.grids)]


def bursts(on_beats: float, every_s: float, count: int) -> list[MidiClockEvent]:
    """A MIDI clock at 120 BPM that ticks for ``on_beats`` out of every ``every_s`` seconds, always in phase."""
    return [event for k in range(count) for event in ticks(10.0 + k * every_s, 120.0, on_beats)]


def test_a_clock_that_flickers_never_leads(player: Player) -> None:
    player.play(heard(1.0, 120.0, 80) + bursts(1.5, 2.0, 12))
    assert leaders(player) == ["none", "audio"]


def test_a_clock_with_short_gaps_keeps_the_lead(player: Player) -> None:
    player.play(heard(1.0, 120.0, 72) + bursts(6.0, 4.0, 7))
    assert leaders(player) == ["none", "audio", "midi_clock"]
    assert_no_beat_doubled_or_missing(player.beats, 0.49, 0.51)


def test_a_clock_with_long_gaps_hands_over_twice_a_gap_and_no_more(player: Player) -> None:
    player.play(heard(1.02, 120.0, 110) + bursts(8.0, 10.0, 4))
    changes = leaders(player)
    assert changes == ["none", "audio"] + ["midi_clock", "audio"] * 4
    assert_no_beat_doubled_or_missing(player.beats, 0.33, 0.84)


def test_a_clock_plugged_in_again_is_not_believed_from_its_second_tick(player: Player) -> None:
    rng = np.random.default_rng(5)
    score = [
        MidiClockEvent(event.t + float(rng.normal(0.0, 0.002)), event.port, "clock")
        for event in ticks(1.0, 125.0, 40)
        if not 12.0 < event.t < 13.4
    ]
    player.play(score)
    settled = [beat for beat in player.beats if beat.t > 8.0]
    assert len(settled) > 20
    assert_no_beat_doubled_or_missing(settled, 0.48 - 0.006, 0.48 + 0.006)


def test_in_silence_confidence_fades_and_uncertainty_grows(player: Player) -> None:
    player.play(heard(1.0, 120.0, 40))
    ended = player.now
    player.until(ended + 7.5)
    held = [grid for t, grid in player.grids if t > ended and grid.bpm is not None]
    assert held[-1].confidence < 0.45 * held[0].confidence
    sds = [grid.uncertainty.sd_at(t) for t, grid in player.grids if t > ended and grid.bpm is not None]
    assert sds[-1] > 1.15 * sds[0]
    assert player.clock.status(player.now).sources["audio"]["state"] == "held"


def test_nudge_and_resync_act_while_held(player: Player) -> None:
    player.play(heard(1.0, 120.0, 30)).until(18.0)
    assert player.clock.status(18.0).sources["audio"]["state"] == "held"
    assert player.clock.act("nudge_back", 18.0)
    player.until(20.0)
    assert (player.beats[-1].t + 0.25) % 0.5 - 0.25 == pytest.approx(0.01, abs=0.003)
    assert player.clock.act("resync", 20.2)
    player.now = 20.2
    player.until(22.0)
    assert next(beat for beat in player.beats if beat.t > 22.0 - 0.55).in_bar == 3


def test_twice_the_tempo_outlives_a_change_of_leader(player: Player) -> None:
    score = heard(1.0, 90.0, 60)
    player.play(score[:20])
    assert player.clock.act("tempo_double", player.now)
    player.play(score[20:] + ticks(15.0, 90.0, 12))
    player.until(player.now)
    assert "midi_clock" in leaders(player)
    assert player.clock.status(player.now).source == "audio"
    assert player.clock.status(player.now).bpm == pytest.approx(180.0, abs=0.5)


@pytest.mark.parametrize("source", ["midi", "osc", "tap"])
def test_what_is_sent_on_purpose_is_not_folded(make_player: Callable[..., Player], source: str) -> None:
    player = make_player(bpm_min=80.0, bpm_max=160.0)
    period = 60.0 / 174.0
    score: dict[str, list[TempoEvent]] = {
        "midi": [*ticks(1.0, 174.0, 20)],
        "osc": [BpmReport(1.0 + i * period, 174.0, i) for i in range(20)],
        "tap": [TapEvent(1.0 + i * period) for i in range(8)],
    }
    player.play(score[source])
    assert player.clock.status(player.now).bpm == pytest.approx(174.0, abs=0.5)


runs = st.tuples(
    st.sampled_from(["midi", "audio", "osc", "link", "os2l", "taps"]), st.floats(70, 190), st.integers(1, 14)
)
actions = st.sampled_from(["resync", "tempo_double", "tempo_halve", "nudge_forward", "nudge_back"])
scripts = st.lists(st.one_of(runs, actions, st.floats(0.0, 3.0)), min_size=1, max_size=7)


def events_of(run: tuple[str, float, int], start: float) -> list[TempoEvent]:
    source, bpm, beats = run
    period = 60.0 / bpm
    times = [start + i * period for i in range(beats)]
    if source == "midi":
        return [*ticks(start, bpm, beats)]
    if source == "audio":
        return [*heard(start, bpm, beats)]
    if source == "taps":
        return [TapEvent(t) for t in times]
    return [BpmReport(t, bpm, i, source=source) for i, t in enumerate(times)]  # type: ignore[arg-type]


@settings(max_examples=80, deadline=None)
@given(scripts)
def test_whoever_leads_no_beat_is_doubled_missing_squeezed_or_stretched(script: list[object]) -> None:
    """Each interval is 2/3 to 5/3 of a beat, of the fastest and slowest tempo in charge since the beat before it."""
    clock, now = TempoClock(), 100.0
    beats: list[BeatEvent] = []
    periods: list[float] = []
    rested = True

    def look() -> None:
        nonlocal rested
        grid = clock.grid
        rested |= grid.bpm is None
        if grid.bpm is not None:
            periods.append(60.0 / grid.bpm)
            first, fourth = grid.predict(now), grid.predict(now, 4)
            assert first is not None and fourth is not None
            assert math.isfinite(first.sd_s)
            assert 0.0 < first.sd_s <= fourth.sd_s + 1e-12

    def advance_to(end: float) -> None:
        nonlocal now, rested
        while now < end:
            due = clock.next_due(now)
            now = min(end, now + 0.1, max(due, now + 1e-6) if due is not None else end)
            for beat in clock.advance(now):
                if beats:
                    assert beat.beat == beats[-1].beat + 1
                    if not rested:
                        span = beat.t - beats[-1].t
                        assert min(periods) * 2 / 3 - 1e-3 <= span <= max(periods) * 5 / 3 + 1e-3
                beats.append(beat)
                del periods[:-1]
                rested = False
            look()

    for step in script:
        if isinstance(step, float):
            advance_to(now + step)
        elif isinstance(step, str):
            clock.act(step, now)
            look()
        else:
            for event in events_of(step, now + 0.05):  # type: ignore[arg-type]
                advance_to(event.t)
                clock.feed(event, now)
                look()
    advance_to(now + 3.0)
    opened = [beat.bar for beat in beats if beat.in_bar == 0]
    assert len(opened) == len(set(opened))
    assert clock.late_beats == 0
