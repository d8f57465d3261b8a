"""aubio behind the tracker interface, measured against the demo track's own truth."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bridge.ears import AubioTracker, Ears, EarsSettings, make_ears
from bridge.ears.aubio_tracker import fold_period
from bridge.inputs.audio import DEMO_BPM, demo_beats, demo_track
from bridge.model.board import ProblemBoard
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock
from tests.ears.clicks import clicks


def f_measure(found: np.ndarray, truth: np.ndarray, tolerance: float = 0.07) -> float:
    """Of beats within 70 ms, each true beat counted once; the first five seconds are left out."""
    found, truth = found[found > 5], truth[truth > 5]
    nearest = np.abs(found[:, None] - truth[None, :])
    hits = len({int(row.argmin()) for row in nearest if row.min() <= tolerance})
    return 2 * hits / (len(found) + len(truth))


@pytest.fixture(scope="module")
def demo():
    ears = Ears(EarsSettings(), AubioTracker())
    blocks = demo_track().reshape(-1, HOP)
    return [ears.push(AudioBlock((n + 1) * HOP / SAMPLE_RATE, block)) for n, block in enumerate(blocks)]


def test_finds_the_beats_of_the_demo_track(demo):
    # Measured .991 when told (announced) and by its own stamps; aubio alone, as it comes: .716.
    beats = [beat for heard in demo for beat in heard.beats]
    assert f_measure(np.array([beat.announced for beat in beats]), demo_beats()) > 0.95
    assert f_measure(np.array([beat.t for beat in beats]), demo_beats()) > 0.95


def test_stamps_are_right_within_15_ms(demo):
    truth = demo_beats()
    stamps = [beat.t for heard in demo for beat in heard.beats]
    errors = np.array([np.abs(truth - stamp).min() for stamp in stamps])
    assert np.median(errors) < 0.006
    assert np.percentile(errors, 95) < 0.015


def test_a_beat_is_told_with_the_block_it_lies_in(demo):
    for heard in demo:
        for beat in heard.beats:
            assert beat.announced == heard.features.t
            assert -HOP / SAMPLE_RATE * 2.5 <= beat.t - beat.announced <= 0


def test_tells_the_tempo_and_is_sure_of_it(demo):
    beats = [beat for heard in demo for beat in heard.beats]
    assert np.median([beat.bpm for beat in beats]) == pytest.approx(DEMO_BPM, abs=0.3)
    assert all(80 <= beat.bpm <= 181 for beat in beats)
    assert np.median([beat.confidence for beat in beats]) > 0.8


def test_says_nothing_in_its_first_seconds(demo):
    assert min(beat.t for heard in demo for beat in heard.beats) > 2.5


def test_beats_never_crowd(demo):
    times = np.array([beat.t for heard in demo for beat in heard.beats])
    assert np.diff(times).min() > 0.5 * 60 / DEMO_BPM


@pytest.mark.parametrize("name", ["silence", "whisper", "white", "pink", "hum", "pad"])
def test_no_beats_without_music(listen, noises, name):
    assert not [beat for heard in listen(noises[name], tracker=AubioTracker()) for beat in heard.beats]


def test_the_same_samples_give_the_same_beats(listen):
    half = demo_track()[: 20 * SAMPLE_RATE]
    first, second = (listen(half, tracker=AubioTracker()) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("bpm", "folded"), [(64, 128), (100, 100), (150, 150), (200, 100)])
def test_tempo_is_folded_into_the_range(listen, bpm, folded):
    heard = listen(clicks(bpm, 20), tracker=AubioTracker())
    beats = [beat for h in heard for beat in h.beats if beat.t > 12]
    assert np.median([beat.bpm for beat in beats]) == pytest.approx(folded, rel=0.02)
    assert np.median(np.diff([beat.t for beat in beats])) == pytest.approx(60 / folded, rel=0.02)


def test_beats_in_digital_silence_are_not_lost(listen):
    heard = listen(clicks(120, 20), tracker=AubioTracker())
    late = [beat for h in heard for beat in h.beats if beat.t > 8]
    assert len(late) == pytest.approx(24, abs=1)


def test_starts_anew_after_a_pause(listen):
    pause = np.zeros(4 * SAMPLE_RATE, np.float32)
    heard = listen(np.concatenate((clicks(100, 15), pause, clicks(140, 15))), tracker=AubioTracker())
    beats = [beat for h in heard for beat in h.beats]
    assert not [beat for beat in beats if 17 < beat.t < 19.5]
    assert np.median([beat.bpm for beat in beats if beat.t > 28]) == pytest.approx(140, rel=0.02)


def test_folding_stays_as_it_is_within_the_range_and_at_its_edges():
    assert fold_period(0.5, 1 / 3, 0.75) == 0.5
    assert fold_period(0.751, 1 / 3, 0.75) == 0.751
    assert fold_period(1.2, 1 / 3, 0.75) == 0.6
    assert fold_period(0.2, 1 / 3, 0.75) == 0.4


def test_without_aubio_features_go_on_and_the_board_says_what_to_install(listen, monkeypatch):
    monkeypatch.setitem(sys.modules, "aubio", None)
    board = ProblemBoard()
    heard = listen(demo_track()[: 8 * SAMPLE_RATE], ears=make_ears(EarsSettings(tracker="aubio"), board))
    assert heard[-1].features.energy > 0.1
    assert not any(h.beats for h in heard)
    assert [(p.code, p.hint) for p in board.problems] == [("tracker_missing", "pip install aubio-ledfx")]


def test_no_tracker_is_a_choice_and_no_problem():
    board = ProblemBoard()
    ears = make_ears(EarsSettings(tracker="none"), board)
    assert ears.push(AudioBlock(0.0, np.zeros(HOP, np.float32))).beats == ()
    assert board.problems == ()
