"""Parts of a track, on bands made by hand, on the demo track and on what is no track."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.ears.sections import SectionFinder
from bridge.inputs.audio import DEMO_BPM, DEMO_SECTIONS, demo_track
from bridge.model.features import HOP, SAMPLE_RATE

HOP_S = HOP / SAMPLE_RATE
BPM = 120.0
BEAT = round(60 / BPM / HOP_S)
FULL = (0.1, 0.12, 0.03, 0.02, 0.01, 0.008, 0.006, 0.005)
BARE = (0.0004, 0.0005, 0.03, 0.02, 0.01, 0.006, 0.003, 0.001)


class Stage:
    """Bands in, events out, in beats from the start."""

    def __init__(self, level: float = 1.0, bpm: float | None = BPM) -> None:
        self.finder = SectionFinder()
        self.level, self.bpm = level, bpm
        self.hops = 0
        self.heard: list[tuple[str, float]] = []
        self.build_up: list[float] = []

    def play(self, beats, bands=FULL, *, rise_db=0.0, onsets=(2, 2), gated=False):
        """``rise_db`` over all its length, above 400 Hz; onsets a beat at its two ends."""
        hops = beats * BEAT
        for n in range(hops):
            done = n / hops
            lift = 10 ** (rise_db * done / 20)
            every = max(1, round(BEAT / (onsets[0] + (onsets[1] - onsets[0]) * done)))
            now = [self.level * band * (lift if k > 2 else 1.0) for k, band in enumerate(bands)]
            self.hops += 1
            found = self.finder.step(now, self.hops * HOP_S, onset=n % every == 0, gated=gated, bpm=self.bpm)
            self.heard += [(event.section, event.t / HOP_S / BEAT) for event in found]
            self.build_up.append(self.finder.build_up)
            assert all(0 < event.confidence <= 1 for event in found)
        return self

    def parts(self):
        return [section for section, _ in self.heard]


@pytest.mark.parametrize("level", [1.0, 0.01])
@pytest.mark.parametrize("bpm", [BPM, None])
def test_breakdown_build_up_and_drop_are_told_in_time(level, bpm):
    stage = Stage(level, bpm).play(64).play(32, BARE).play(32, BARE, rise_db=18, onsets=(2, 8)).play(32)
    assert stage.parts() == ["steady", "breakdown", "build_up", "drop"]
    at = dict(stage.heard)
    assert 6 <= at["breakdown"] - 64 <= 8
    assert 8 <= at["build_up"] - 96 <= 20
    assert 0 < at["drop"] - 128 <= 1


def test_the_build_up_rises_and_ends_with_the_drop():
    stage = Stage().play(64).play(32, BARE).play(32, BARE, rise_db=18, onsets=(2, 8))
    rising = stage.build_up[96 * BEAT :]
    assert max(stage.build_up[: 96 * BEAT]) < 0.2
    assert rising[-1] > 0.5
    stage.play(4)
    assert stage.build_up[-1] < 0.2


def test_a_drop_passes_into_steady_music():
    stage = Stage().play(64).play(16, BARE).play(64)
    assert stage.parts() == ["steady", "breakdown", "drop", "steady"]


def test_a_fill_of_a_bar_is_no_breakdown():
    stage = Stage().play(64)
    for _ in range(6):
        stage.play(4, BARE).play(28)
    assert stage.parts() == ["steady"]


def test_music_turned_down_is_no_breakdown():
    stage = Stage().play(64)
    stage.level = 0.1
    assert stage.play(64).parts() == ["steady"]


def test_a_low_band_that_is_faded_in_is_no_drop():
    stage = Stage().play(64).play(32, BARE)
    for step in range(64):
        bands = [bare + (full - bare) * (step / 63) ** 2 for bare, full in zip(BARE, FULL, strict=True)]
        stage.play(1, bands)
    assert stage.parts() == ["steady", "breakdown", "steady"]


def test_a_new_hat_is_no_build_up():
    brighter = (*FULL[:5], 0.03, 0.03, 0.03)
    stage = Stage().play(64).play(64, brighter, onsets=(4, 4))
    assert stage.parts() == ["steady"]


def test_silence_ends_the_part_and_is_told_once():
    stage = Stage().play(64).play(8, [0.0] * 8, gated=True).play(4)
    assert stage.parts() == ["steady", "none"]
    assert (stage.finder.section, stage.build_up[-1]) == ("none", 0.0)


def test_the_demo_tracks_parts(listen):
    heard = listen(demo_track())
    beat = 60 / DEMO_BPM
    events = [(event.section, event.t / beat / 4) for block in heard for event in block.sections]
    told = [part for part, _ in events if part != "steady"]
    assert told == ["build_up", "drop", "breakdown", "drop"]
    drops = [bar for part, bar in events if part == "drop"]
    assert drops == [
        pytest.approx(DEMO_SECTIONS["drop"][0] + 0.125, abs=0.125),
        pytest.approx(DEMO_SECTIONS["second drop"][0] + 0.125, abs=0.125),
    ]
    assert {block.features.section for block in heard} >= {"none", "steady", "breakdown", "drop"}


def test_what_is_no_track_has_no_parts(listen, noises):
    for name in ("white", "pink", "pad"):
        events = [event.section for block in listen(noises[name]) for event in block.sections]
        assert set(events) <= {"steady"}, name


def test_switched_off_nothing_is_told(listen):
    heard = listen(demo_track()[: 6 * SAMPLE_RATE], sections=False)
    assert not any(block.sections for block in heard)
    assert {block.features.section for block in heard} == {"none"}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1e-9, 0.1, 1.0]), st.sampled_from([None, 40.0, 120.0, 300.0]), st.booleans()),
        min_size=1,
        max_size=200,
    )
)
def test_any_input_leaves_sane_values(hops):
    finder = SectionFinder()
    for n, (level, bpm, odd) in enumerate(hops):
        for _ in range(10):
            finder.step([level] * 8, n * HOP_S, onset=odd, gated=odd and level == 0.0, bpm=bpm)
        assert 0 <= finder.build_up <= 1
        assert np.isfinite(finder.build_up)
