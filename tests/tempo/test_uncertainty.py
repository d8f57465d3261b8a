"""What the clock says of its own uncertainty is true."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from bridge.model.beatgrid import NO_GRID, BeatGrid, Uncertainty
from bridge.model.events import BpmReport, MidiClockEvent, TapEvent, TrackedBeat
from bridge.tempo import TempoClock
from bridge.tempo.clock import TempoEvent
from bridge.tempo.spread import Spread

from .conftest import Player, heard, ticks


@pytest.mark.parametrize("count", [2, 3, 10, 192])
def test_a_line_is_as_uncertain_as_least_squares_is(count: int) -> None:
    index = np.arange(count) - (count - 1.0)
    design = np.column_stack([np.ones(count), index])
    covariance = np.linalg.inv(design.T @ design)
    spread = Spread.of_line(count)
    assert [spread.tt, spread.tp, spread.pp] == pytest.approx([covariance[0, 0], covariance[0, 1], covariance[1, 1]])


@pytest.mark.parametrize(("phase", "period"), [(0.25, 0.06), (0.035, 0.0006)])
def test_a_loop_settles_at_the_variances_of_the_alpha_beta_filter(phase: float, period: float) -> None:
    spread = Spread.of_line(8)
    for _ in range(3000):
        spread = spread.looped(1.0, phase, period)
    below = phase * (4.0 - 2.0 * phase - period)
    assert spread.tt == pytest.approx((2 * phase**2 + 2 * period - 3 * phase * period) / below, rel=1e-3)
    assert spread.tp == pytest.approx(period * (2 * phase - period) / below, rel=1e-3)
    assert spread.pp == pytest.approx(2 * period**2 / below, rel=1e-3)


def test_uncertainty_is_least_where_time_and_tempo_do_not_depend_on_each_other() -> None:
    line = Spread.of_line(101)
    known = line.uncertainty(50.0, 0.5, 0.010, 0.0, 0.0)
    assert known.at == pytest.approx(50.0 - 25.0)
    assert known.sd_s == pytest.approx(0.010 / math.sqrt(101))
    for ahead in (0.0, 1.0, 30.0):
        assert known.sd_at(50.0 + ahead * 0.5) == pytest.approx(0.010 * math.sqrt(line.ahead(ahead)))


def test_a_prediction_is_the_next_beat_and_less_sure_the_further_ahead() -> None:
    grid = BeatGrid(bpm=120.0, anchor=10.0, uncertainty=Uncertainty(9.0, 0.003, 0.001))
    first, later = grid.predict(10.2), grid.predict(10.2, 16)
    assert first is not None and later is not None
    assert first.time == grid.next_beat(10.2)
    assert first.sd_s == pytest.approx(math.hypot(0.003, 0.0015))
    assert later.sd_s == pytest.approx(math.hypot(0.003, 0.001 * (18.0 - 9.0)))
    assert NO_GRID.predict(1.0) is None
    moved = grid.shifted(0.5).predict(10.7)
    assert moved is not None and moved.sd_s == pytest.approx(first.sd_s)


def shares(score: list[TempoEvent], start: float, period: float, settled: float) -> list[bool]:
    """For each beat from ``settled`` on: whether the one four beats on lies within the sd said of it."""
    player, found = Player(TempoClock()), []
    for event in sorted(score, key=lambda one: one.t):
        count = len(player.beats)
        player.play([event])
        if len(player.beats) > count and player.now > settled:
            predicted = player.clock.grid.predict(player.now, 4)
            assert predicted is not None
            beats = (predicted.time - start) / period
            found.append(abs(beats - round(beats)) * period <= predicted.sd_s)
    return found


def midi(seed: int) -> list[TempoEvent]:
    rng = np.random.default_rng(seed)
    times = [event.t + float(rng.normal(0.0, 0.003)) for event in ticks(1.0, 120.0, 30)]
    return [MidiClockEvent(t, "deck", "clock") for t in np.maximum.accumulate(times)]


def ears(seed: int) -> list[TempoEvent]:
    rng = np.random.default_rng(seed)
    beside = float(rng.normal(0.0, 0.007))  # a tracker stays beside the beat for a whole song
    late = [beside + float(rng.normal(0.0, 0.008)) for _ in range(60)]
    return [
        TrackedBeat(beat.t + off, beat.t + off, 120.0, 0.8)
        for beat, off in zip(heard(1.0, 120.0, 60), late, strict=True)
    ]


def program(seed: int) -> list[TempoEvent]:
    rng = np.random.default_rng(seed)
    return [BpmReport(1.0 + 0.5 * i + float(rng.uniform(0.0, 0.05)), 120.0, i) for i in range(60)]


@pytest.mark.parametrize(("source", "seeds"), [(midi, 6), (ears, 12), (program, 6)])
def test_about_two_of_three_beats_lie_within_one_standard_deviation(
    source: Callable[[int], list[TempoEvent]], seeds: int
) -> None:
    found = [hit for seed in range(seeds) for hit in shares(source(seed), 1.0, 0.5, 6.0)]
    assert len(found) > 100
    assert 0.55 <= np.mean(found) <= 0.9


def test_more_taps_are_surer(player: Player) -> None:
    sds = []
    for count in (4, 8, 16):
        player = Player(TempoClock()).play([TapEvent(1.0 + 0.5 * i) for i in range(count)])
        sds.append(player.clock.status(player.now).next_beat_sd_ms)
    assert sds[0] > 2 * sds[1] > 2 * sds[2] > 0


def test_status_says_how_sure_it_is(player: Player) -> None:
    assert player.clock.status(0.0).next_beat_sd_ms is None
    player.play(ticks(1.0, 120.0, 16)).until(player.now)
    status = player.clock.status(player.now)
    assert 0.0 < status.next_beat_sd_ms < 1.0
    assert 0.0 < status.bpm_sd < 0.05
    assert 0.0 < status.sources["midi_clock"]["sd_ms"] < 1.0


def test_a_grid_on_its_way_predicts_at_the_tempo_of_its_source(player: Player) -> None:
    """While the beat is moved by 5 ms at a time, the 16th beat from now is not moved by 80."""
    score = heard(1.0, 120.0, 40)
    player.play(score)
    player.clock.act("nudge_back", player.now)
    player.until(player.now + 0.2)
    later = player.clock.grid.next_beat(player.now, 16)
    assert later is not None
    assert (later + 0.25) % 0.5 - 0.25 == pytest.approx(0.005, abs=0.006)
    assert player.clock.grid.bpm == pytest.approx(120.0, abs=0.01)
