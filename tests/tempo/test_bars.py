"""Where bars open: heard downbeats vote, a resync by hand holds, taps mark the one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.events import TapEvent, TrackedBeat
from bridge.tempo.bars import BarVotes

from .conftest import Player

PERIOD = 0.5


def song(start: float, beats: int, first: int = 0, *, sure: float = 0.9, metre: int = 4) -> list[TrackedBeat]:
    """Heard beats at 120 BPM whose beat ``first`` is the first to open a bar."""
    return [
        TrackedBeat(t, t, 120.0, 0.8, (n - first) % metre == 0, sure, metre)
        for n, t in ((n, start + n * PERIOD) for n in range(beats))
    ]


def ones(player: Player, after: float) -> list[float]:
    """Times of the clock's beats that opened a bar."""
    return [beat.t for beat in player.beats if beat.in_bar == 0 and beat.t > after]


def in_beats(times: Iterable[float], start: float, bar: int = 4) -> set[int]:
    return {round((t - start) / PERIOD) % bar for t in times}


def test_heard_downbeats_draw_the_bar_line(player: Player) -> None:
    player.play(song(1.0, 32, first=3))
    assert in_beats(ones(player, 8.0), 1.0) == {3}
    assert player.clock.grid.bar_confidence > 0.7
    assert player.clock.status(player.now).bar_confidence == pytest.approx(player.clock.grid.bar_confidence, abs=1e-3)


def test_two_odd_bars_do_not_move_a_line_and_a_mix_does_within_four(player: Player) -> None:
    beats = song(1.0, 48, first=0)
    for n in (24, 28):
        beats[n] = song(1.0, 48, first=2)[n]
        beats[n + 2] = song(1.0, 48, first=2)[n + 2]
    player.play(beats)
    assert in_beats(ones(player, 6.0), 1.0) == {0}
    player.play(song(25.0, 48, first=2))
    assert in_beats(ones(player, 25.0 + 4 * 4 * PERIOD), 25.0) == {2}


def test_doubtful_downbeats_draw_no_line(player: Player) -> None:
    player.play(song(1.0, 32, first=3, sure=0.2))
    assert player.clock.grid.bar_confidence == 0.0


def test_a_waltz_does_not_chase_bars_of_four_and_is_told(player: Player) -> None:
    player.play(song(1.0, 48, metre=3))
    assert player.clock.status(player.now).sources["audio"]["beats_per_bar"] == 3
    assert len(in_beats(ones(player, 6.0), 1.0)) == 1
    assert player.clock.grid.bar_confidence == 0.0


def test_a_waltz_is_followed_in_bars_of_three(make_player: Callable[..., Player]) -> None:
    player = make_player(beats_per_bar=3).play(song(1.0, 48, first=2, metre=3))
    assert in_beats(ones(player, 8.0), 1.0, bar=3) == {2}


def test_a_resync_holds_against_an_ear_that_goes_on_as_before(player: Player) -> None:
    player.play(song(1.0, 40, first=0)).until(20.95)
    player.now = 21.0 + 2 * PERIOD
    assert player.clock.act("resync", player.now)
    player.play(song(22.5, 160, first=1))  # the ear goes on: beats 0, 4, 8 since 1.0
    assert in_beats(ones(player, 22.5), 1.0) == {2}
    assert player.clock.grid.bar_confidence == 1.0


def test_a_resync_holds_when_nothing_was_heard_before(player: Player) -> None:
    player.play([TrackedBeat(b.t, b.t, b.bpm, b.confidence) for b in song(1.0, 12)])
    player.now += 1.0
    assert player.clock.act("resync", player.now)
    opened = round((player.now - 1.0) / PERIOD) % 4
    player.play(song(player.now + PERIOD, 120, first=0))
    assert in_beats(ones(player, 9.0), 1.0) == {opened}


def test_a_resync_is_let_go_when_what_is_heard_has_moved_for_long(player: Player) -> None:
    player.play(song(1.0, 40, first=0))
    player.now = 21.0 + 2 * PERIOD
    player.clock.act("resync", player.now)
    next_record = 22.5
    player.play(song(next_record, 120, first=3))
    assert in_beats(ones(player, next_record + 16 * 4 * PERIOD), next_record) == {3}


def test_a_resync_ends_with_the_music(player: Player) -> None:
    player.play(song(1.0, 40, first=0))
    player.now = 21.0 + 2 * PERIOD
    player.clock.act("resync", player.now)
    player.until(25.0)
    player.play(song(25.25, 64, first=3))
    assert in_beats(ones(player, 35.0), 25.25) == {3}


def test_taps_a_bar_apart_say_where_it_opens_and_leave_the_tempo(player: Player) -> None:
    player.play(song(1.0, 40, first=0))
    taps = [TapEvent(21.0 + PERIOD + bar * 4 * PERIOD + 0.01) for bar in range(4)]
    player.play([*song(21.0, 100, first=0), *taps])
    assert player.clock.status(player.now).bpm == pytest.approx(120.0, abs=0.5)
    assert player.clock.grid.source == "audio"
    assert in_beats(ones(player, 26.0), 1.0) == {1}


def test_a_tapped_tempo_that_the_ears_come_to_agree_with_keeps_its_bar(player: Player) -> None:
    player.play(song(1.0, 24, first=0))
    taps = [TapEvent(13.0 + PERIOD * (2 + n)) for n in range(8)]
    player.play([*song(13.0, 100, first=0), *taps])
    assert player.clock.grid.source == "audio"
    assert in_beats(ones(player, 18.0), 13.0) == {2}


@pytest.mark.parametrize("octave", ["tempo_double", "tempo_halve"])
def test_a_resync_counts_in_the_tempo_that_is_shown(player: Player, octave: str) -> None:
    player.play(song(1.0, 40, first=0))
    player.clock.act(octave, player.now)
    player.until(21.9)
    player.clock.act("resync", player.now)
    opened = player.now
    period = PERIOD / 2 if octave == "tempo_double" else PERIOD * 2
    player.play(song(22.0, 80, first=2))
    found = ones(player, 30.0)
    assert {round((t - opened) / period) % 4 for t in found} == {0}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.integers(0, 64), st.floats(0, 1), st.sampled_from([None, 3, 4]), st.booleans()), max_size=60),
)
def test_any_votes_leave_a_sane_line(size: int, votes: list[tuple[int, float, int | None, bool]]) -> None:
    bars = BarVotes(size)
    for (number, confidence, metre, held), count in zip(votes, itertools.count()):
        bars.vote(number + count, confidence, metre)
        if held:
            bars.hold()
        assert bars.place is None or 0 <= bars.place < size
        assert 0 <= bars.confidence <= 1
    bars.forget()
    assert bars.place is None
