"""How benchmarks/beats.py judges: figures that can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.beat_scores import Truth, foretold, score

BEATS = np.arange(0.5, 40, 0.5)


def test_perfect_beats_score_one():
    got = score(Truth(40, BEATS, start=0.5), BEATS)
    assert got["F"] == got["F40"] == got["AMLt"] == [1.0]
    assert got["lock_s"] == [0.0]
    assert got["error_ms"] == [pytest.approx(0, abs=1e-9)]


def test_beats_after_the_end_are_not_judged():
    assert score(Truth(40, BEATS, start=0.5), np.append(BEATS, [40.0, 40.5]))["F"] == [1.0]


def test_the_off_beat_is_allowed_by_amlt_alone():
    got = score(Truth(40, BEATS, start=0.5), BEATS + 0.25)
    assert got["F"] == [0.0]
    assert got["AMLt"][0] > 0.97
    assert got["lock_s"] == [30.0]


def test_beats_without_music_are_counted():
    got = score(Truth(40, np.zeros(0), start=None, silent=((0.0, 40.0),)), np.array([3.0, 9.0]))
    assert got == {"false": [2.0], "quiet_s": [40.0]}


def test_steady_beats_are_foretold_on_time():
    fired = foretold(BEATS, BEATS + 0.1)
    # Three are needed to know the tempo; until then they sound when they are told of.
    assert fired[:3] == pytest.approx(BEATS[:3] + 0.1)
    assert fired[3:] == pytest.approx(np.append(BEATS[3:], 40.0))


def test_a_pause_gives_one_beat_too_many():
    heard = np.concatenate((BEATS[:20], BEATS[40:]))
    fired = foretold(heard, heard)
    assert len(fired) == len(heard) + 2
    assert fired[20] == pytest.approx(BEATS[20])


def test_nothing_heard_is_nothing_foretold():
    assert len(foretold(np.zeros(0), np.zeros(0))) == 0
