"""Golden traces of the one clock: what a DJ does, and the beats that come out."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from bridge.model.events import BpmReport, MidiClockEvent, TapEvent, TrackedBeat
from bridge.tempo import TempoClock

from .conftest import Player, assert_no_beat_doubled_or_missing, heard, ticks

PORT = "Traktor Virtual Output"


def test_at_rest_there_is_no_tempo_and_no_beat(player: Player) -> None:
    player.until(3.0)
    assert player.beats == []
    assert player.clock.grid.bpm is None
    assert player.clock.next_due(3.0) is None
    assert player.clock.status(3.0).source == "none"
    assert player.clock.status(3.0).bpm is None


def test_midi_start_opens_a_bar(player: Player) -> None:
    start = [MidiClockEvent(0.995, PORT, "start")]
    player.play(start + ticks(1.0, 120.0, 16))
    assert [(beat.t, beat.in_bar) for beat in player.beats[:4]] == [
        (pytest.approx(1.5, abs=1e-3), 1),
        (pytest.approx(2.0, abs=1e-3), 2),
        (pytest.approx(2.5, abs=1e-3), 3),
        (pytest.approx(3.0, abs=1e-3), 0),
    ]
    assert [beat.bar for beat in player.beats[:8]] == sorted(beat.bar for beat in player.beats[:8])
    assert player.beats[0].bpm == pytest.approx(120.0, abs=0.1)
    assert player.beats[0].source == "midi_clock"
    assert_no_beat_doubled_or_missing(player.beats, 0.499, 0.501)


def test_midi_stop_ends_the_beat_and_continue_goes_on_counting(player: Player) -> None:
    player.play([MidiClockEvent(0.99, PORT, "start"), *ticks(1.0, 120.0, 8)])
    stopped_at = player.now + 0.001
    player.play([MidiClockEvent(stopped_at, PORT, "stop")]).until(stopped_at + 2.0)
    assert player.clock.grid.bpm is None
    assert all(beat.t <= stopped_at for beat in player.beats)
    last = player.beats[-1]
    player.play([MidiClockEvent(9.9, PORT, "continue"), *ticks(10.0, 120.0, 8)])
    went_on = player.beats[player.beats.index(last) + 1]
    assert went_on.beat == last.beat + 1
    # 8 beats were counted in before the stop, so the beat at 10.0 opens a bar.
    assert next(beat for beat in player.beats if beat.t == pytest.approx(12.0, abs=0.01)).in_bar == 0


def test_song_position_moves_the_bar(player: Player) -> None:
    position = [MidiClockEvent(0.9, PORT, "song_position", 4 * 4 + 8), MidiClockEvent(0.95, PORT, "continue")]
    player.play(position + ticks(1.0, 120.0, 8))
    assert next(beat for beat in player.beats if beat.t == pytest.approx(2.0, abs=0.01)).in_bar == 0
    assert next(beat for beat in player.beats if beat.t == pytest.approx(3.0, abs=0.01)).in_bar == 2


def test_clock_without_start_is_followed(player: Player) -> None:
    player.play(ticks(1.0, 140.0, 12))
    assert player.beats_of("midi_clock")
    assert player.clock.status(player.now).bpm == pytest.approx(140.0, abs=0.05)


def test_second_clock_does_not_disturb_the_first(player: Player) -> None:
    player.play(ticks(1.0, 120.0, 16) + ticks(1.003, 97.0, 12, port="other"))
    assert player.clock.status(player.now).bpm == pytest.approx(120.0, abs=0.1)
    assert_no_beat_doubled_or_missing(player.beats, 0.49, 0.51)


def test_pulled_cable_coasts_and_keeps_its_place_when_it_returns(player: Player) -> None:
    player.play([MidiClockEvent(0.999, PORT, "start"), *ticks(1.0, 120.0, 16), *ticks(11.0, 120.0, 16)])
    assert_no_beat_doubled_or_missing(player.beats, 0.49, 0.51)
    assert next(beat for beat in player.beats if beat.t == pytest.approx(15.0, abs=0.01)).in_bar == 0


def test_silence_holds_for_a_while_then_there_are_no_beats(player: Player) -> None:
    player.play(heard(1.0, 126.0, 24)).until(40.0)
    last_heard = 1.0 + 23 * 60 / 126
    assert player.clock.status(40.0).source == "none"
    assert player.clock.grid.bpm is None
    assert last_heard + 7.0 < player.beats[-1].t < last_heard + 12.0
    held = [grid.confidence for _, grid in player.grids if grid.bpm is not None]
    assert held[-1] < 0.3 * max(held)


def test_step_of_the_clock_is_followed_within_five_beats(player: Player) -> None:
    first = ticks(1.0, 120.0, 24)
    player.play([MidiClockEvent(0.999, PORT, "start"), *first, *ticks(first[-1].t + 60 / 128 / 24, 128.0, 24)])
    after = [beat for beat in player.beats if beat.t > 13.0 + 5 * 60 / 128]
    assert all(beat.bpm == pytest.approx(128.0, abs=0.5) for beat in after)
    truth = [13.0 + k * 60 / 128 for k in range(24)]
    for beat in after:
        assert min(abs(beat.t - t) for t in truth) < 0.012
    assert_no_beat_doubled_or_missing(player.beats, 0.3, 0.85)


@pytest.mark.parametrize("offset", [-0.24, -0.1, -0.015, 0.0, 0.018, 0.1, 0.2])
def test_hand_over_from_audio_to_clock_lands_within_two_beats(player: Player, offset: float) -> None:
    player.play(heard(1.0, 120.0, 40) + ticks(11.0 + offset, 120.0, 24))
    assert_no_beat_doubled_or_missing(player.beats, 0.5 * 2 / 3 - 0.01, 0.5 * 5 / 3 + 0.01)
    clocked = player.beats_of("midi_clock")
    late = clocked[2:] if abs(offset) > 0.02 else clocked[5:]
    for beat in late:
        assert (beat.t - 11.0 - offset + 0.25) % 0.5 - 0.25 == pytest.approx(0.0, abs=0.003)


def test_small_difference_is_slewed_by_at_most_five_milliseconds_a_beat(player: Player) -> None:
    player.play(heard(1.0, 120.0, 40) + ticks(11.018, 120.0, 24))
    assert_no_beat_doubled_or_missing(player.beats, 0.4949, 0.5051)


def test_position_never_goes_back(player: Player) -> None:
    jump = [MidiClockEvent(15.1, PORT, "start")]
    player.play(heard(1.0, 120.0, 40) + ticks(11.2, 124.0, 24) + jump)
    player.until(20.0)
    positions = [grid.position_at(t) for t, grid in player.grids if grid.bpm is not None]
    assert all(after >= before - 1e-6 for before, after in itertools.pairwise(positions))


def test_clock_that_only_flickers_does_not_take_over(player: Player) -> None:
    player.play(heard(1.0, 120.0, 40) + ticks(11.1, 120.0, 1.5))
    assert not player.beats_of("midi_clock")


def test_audio_takes_over_when_the_clock_falls_silent(player: Player) -> None:
    player.play(heard(0.5, 120.0, 60) + ticks(1.0, 120.0, 20)).until(25.0)
    assert player.clock.status(25.0).source == "audio"
    assert_no_beat_doubled_or_missing(player.beats, 0.33, 0.84)


def test_missed_and_false_beats_leave_the_grid_alone(player: Player) -> None:
    beats = heard(1.0, 125.0, 64)
    missed = [beat for i, beat in enumerate(beats) if i not in {20, 21, 30, 41}]
    false = [TrackedBeat(beats[k].t + 0.2, beats[k].t + 0.2, 125.0, 0.8) for k in (15, 25, 35)]
    player.play(missed + false)
    assert_no_beat_doubled_or_missing(player.beats, 0.46, 0.5)


@pytest.mark.parametrize(("told", "expected"), [(63.0, 126.0), (252.0, 126.0), (126.0, 126.0)])
def test_heard_tempo_is_folded_into_the_range(player: Player, told: float, expected: float) -> None:
    player.play(heard(1.0, told, int(told / 3)))
    assert player.clock.status(player.now).bpm == pytest.approx(expected, abs=0.5)
    assert_no_beat_doubled_or_missing(player.beats, 0.45, 0.5)


def test_unsure_beats_are_not_followed(player: Player) -> None:
    player.play([TrackedBeat(t.t, t.t, 305.8, 0.0) for t in heard(1.0, 305.8, 60)]).until(14.0)
    assert player.beats == []


def test_heard_new_track_is_followed(player: Player) -> None:
    player.play(heard(1.0, 124.0, 40) + heard(21.0, 100.0, 40))
    assert player.clock.status(player.now).bpm == pytest.approx(100.0, abs=0.5)
    assert_no_beat_doubled_or_missing(player.beats, 0.3, 1.0)


def test_three_taps_give_a_tempo_and_the_first_is_the_downbeat(player: Player) -> None:
    player.play([TapEvent(1.0 + 0.5 * i) for i in range(4)]).until(6.0)
    assert player.beats[0].t == pytest.approx(2.0, abs=0.01)
    assert [beat.in_bar for beat in player.beats[:4]] == [2, 3, 0, 1]
    assert player.clock.status(6.0).bpm == pytest.approx(120.0)


def test_two_taps_are_not_enough(player: Player) -> None:
    player.play([TapEvent(1.0), TapEvent(1.5)]).until(4.0)
    assert player.beats == []


def test_a_wild_tap_starts_again_and_a_bounce_is_no_tap(player: Player) -> None:
    player.play([TapEvent(t) for t in (1.0, 1.5, 2.0, 2.03, 2.5, 3.2, 3.6, 4.0, 4.4)]).until(5.0)
    assert player.clock.status(5.0).bpm == pytest.approx(150.0)


def test_tap_overrides_audio_until_audio_agrees(player: Player) -> None:
    wrong = heard(1.0, 100.0, 30)
    taps = [TapEvent(16.02 + 0.5 * i) for i in range(4)]
    player.play(wrong + taps).until(17.6)
    assert player.clock.status(17.6).source == "tap"
    player.play(heard(18.0, 120.0, 40))
    assert player.clock.status(player.now).source == "audio"
    assert player.clock.status(player.now).bpm == pytest.approx(120.0, abs=0.5)
    assert_no_beat_doubled_or_missing(player.beats, 0.33, 1.0)


def test_tap_decides_between_octaves_for_what_is_heard(make_player: Callable[..., Player]) -> None:
    player = make_player(bpm_min=60.0, bpm_max=200.0)
    taps = [TapEvent(1.02 + 60 / 172 * (32 + i)) for i in range(6)]
    slow = heard(1.0, 86.0, 60)
    player.play(sorted(slow + taps, key=lambda one: one.t)).until(player.now)
    assert player.clock.status(player.now).source == "audio"
    assert player.clock.status(player.now).bpm == pytest.approx(172.0, abs=0.5)


def test_tap_runs_out_when_something_else_is_heard(make_player: Callable[..., Player]) -> None:
    player = make_player(by_hand_s=10.0)
    player.play([TapEvent(1.0 + 0.5 * i) for i in range(4)] + heard(5.0, 97.0, 30))
    assert player.clock.status(player.now).source == "audio"


def test_tap_alone_goes_on(make_player: Callable[..., Player]) -> None:
    player = make_player(by_hand_s=10.0)
    player.play([TapEvent(1.0 + 0.5 * i) for i in range(4)]).until(30.0)
    assert player.clock.status(30.0).source == "tap"
    assert_no_beat_doubled_or_missing(player.beats, 0.499, 0.501)


def test_reported_beats_come_late_never_early(player: Player) -> None:
    lateness = [0.09, 0.02, 0.07, 0.0, 0.05, 0.1, 0.03, 0.08] * 4
    player.play([BpmReport(0.9, bpm=120.0, playing=True)])
    player.play([BpmReport(1.0 + 0.5 * i + late, beat=i) for i, late in enumerate(lateness)])
    settled = [beat for beat in player.beats if beat.t > 9.0]
    for beat in settled:
        assert (beat.t + 0.25) % 0.5 - 0.25 == pytest.approx(0.0, abs=0.006)
        assert beat.in_bar == round((beat.t - 1.0) / 0.5) % 4
    assert player.clock.status(player.now).source == "osc"


def test_program_that_stops_gives_no_beats(player: Player) -> None:
    player.play([BpmReport(1.0 + 0.5 * i, bpm=120.0, beat=i, playing=True) for i in range(8)])
    player.play([BpmReport(5.1, playing=False)]).until(8.0)
    assert player.clock.status(8.0).source == "none"
    assert player.beats[-1].t <= 5.1


def test_typed_tempo_keeps_the_beat_where_it_is(player: Player) -> None:
    player.play(heard(1.0, 120.0, 30)).play([BpmReport(15.8, bpm=122.0, source="tap")]).until(20.0)
    assert player.clock.status(20.0).source == "tap"
    assert player.clock.status(20.0).bpm == pytest.approx(122.0)
    assert_no_beat_doubled_or_missing(player.beats, 0.48, 0.505)


def test_same_tempo_told_sixty_times_a_second_leaves_the_taps_alone(player: Player) -> None:
    told = [BpmReport(1.0 + i / 60, bpm=90.0) for i in range(600)]
    player.play(told + [TapEvent(5.0 + 0.5 * i) for i in range(4)])
    assert player.clock.status(player.now).source == "tap"


def test_double_and_halve(player: Player) -> None:
    player.play(ticks(1.0, 75.0, 60)[: 24 * 10])
    clock, now = player.clock, player.now
    assert clock.act("tempo_double", now)
    assert clock.status(now).bpm == pytest.approx(150.0, abs=0.2)
    assert clock.act("tempo_halve", now)
    assert clock.act("tempo_halve", now)
    assert clock.status(now).bpm == pytest.approx(37.5, abs=0.1)
    assert not clock.act("tempo_halve", now), "18.75 BPM is no tempo"


def test_an_octave_is_given_up_where_the_source_moves_out_of_reach(player: Player) -> None:
    player.play([BpmReport(1.0 + i, 60.0, i) for i in range(4)])
    assert player.clock.act("tempo_double", player.now)
    assert player.clock.act("tempo_double", player.now)
    assert player.clock.status(player.now).bpm == pytest.approx(240.0)
    player.play([BpmReport(5.0 + i * 0.4, 150.0, 4 + i) for i in range(6)])
    assert player.clock.status(player.now).bpm == pytest.approx(300.0), "600 is no tempo"
    player.play([BpmReport(7.4 + i, 60.0, 10 + i) for i in range(4)])
    assert player.clock.status(player.now).bpm == pytest.approx(240.0), "the octaves are kept"


def test_nudge_moves_the_beat_by_ten_milliseconds(player: Player) -> None:
    score = ticks(1.0, 120.0, 40)
    player.play(score[:240])
    player.clock.act("nudge_forward", player.now)
    player.clock.act("nudge_forward", player.now)
    player.play(score[240:])
    assert (player.beats[-1].t + 0.25) % 0.5 - 0.25 == pytest.approx(-0.02, abs=0.002)


def test_resync_makes_this_moment_the_downbeat(player: Player) -> None:
    score = heard(1.0, 120.0, 80)
    player.play(score[:40])
    moment = score[39].t + 0.11
    player.until(moment)
    player.clock.act("resync", player.now)
    moment = player.now
    player.play(score[40:])
    later = [beat for beat in player.beats if beat.t > moment + 1.5]
    for beat in later:
        beats = (beat.t - moment) / 0.5
        assert beats == pytest.approx(round(beats), abs=0.02)
        assert beat.in_bar == round(beats) % 4
    assert_no_beat_doubled_or_missing(player.beats, 0.33, 0.84)


@pytest.mark.parametrize("action", ["tempo_double", "tempo_halve", "nudge_forward", "nudge_back", "resync", "panic"])
def test_actions_without_a_tempo_do_nothing(action: str) -> None:
    assert TempoClock().act(action, 1.0) is False


def test_stall_of_the_caller_collapses_late_beats(player: Player) -> None:
    player.play(ticks(1.0, 120.0, 8))
    last = player.beats[-1].beat
    (only,) = player.clock.advance(player.now + 3.1)
    assert only.beat == last + 1 + player.clock.late_beats
    assert player.clock.late_beats == 6 or player.clock.late_beats == 5
    assert player.clock.advance(player.now + 3.1) == ()


def test_next_due_is_when_advance_gives_the_next_beat(player: Player) -> None:
    player.play(ticks(1.0, 120.0, 8))
    due = player.clock.next_due(player.now)
    assert due is not None and due > player.now
    assert player.clock.advance(due - 0.001) == ()
    (beat,) = player.clock.advance(due + 1e-6)
    assert beat.t == pytest.approx(due)


def test_status_lists_what_every_source_says(player: Player) -> None:
    player.play(heard(1.0, 126.0, 40) + ticks(2.0, 128.0, 40))
    sources = player.clock.status(player.now).sources
    assert sources["midi_clock"]["state"] == "leads"
    assert sources["midi_clock"]["bpm"] == pytest.approx(128.0, abs=0.1)
    assert sources["audio"]["bpm"] == pytest.approx(126.0, abs=0.5)
    assert sources["link"] == {"state": "silent", "bpm": None, "confidence": 0.0, "sd_ms": None}


def test_source_left_out_of_the_priority_is_never_followed(make_player: Callable[..., Player]) -> None:
    player = make_player(priority=("tap", "audio"))
    player.play(ticks(1.0, 120.0, 16))
    assert player.beats == []


def test_event_with_an_unbelievable_time_is_counted_and_ignored() -> None:
    clock = TempoClock()
    for t in (-1e9, 1e9, float("nan"), float("inf")):
        clock.feed(TapEvent(t), 5.0)
    assert clock.ignored_events == 4
