"""Guides: deterministic, different from each other, moving with beat and sound, cheap to ask for at any size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.guide import GUIDES, GuideName
from bridge.render.guides import Cue, GuidePainter
from bridge.render.testcard import TestCard

guides = pytest.mark.parametrize("guide", GUIDES)
LOUD = Cue(words="magenta neon", t=3.0, beat=8.0, energy=0.8, low=0.9, mid=0.6, high=0.5, brightness=0.6)
share = st.floats(0, 1)


def paint(cue: Cue, width: int = 96, height: int = 64) -> npt.NDArray[np.uint8]:
    return GuidePainter(width, height).paint(cue)


def unlike(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@guides
def test_equal_cues_give_equal_pictures(guide: GuideName) -> None:
    cue = replace(LOUD, guide=guide)
    painter = GuidePainter(96, 64)
    first = painter.paint(cue).copy()
    painter.paint(replace(cue, beat=9.5))
    assert np.array_equal(painter.paint(cue), first)
    assert np.array_equal(paint(cue), first)


@guides
def test_the_beat_is_seen_from_frame_to_frame(guide: GuideName) -> None:
    """Brighter on the beat than a frame before it, and dimming after it."""
    cue = replace(LOUD, guide=guide)
    light = [float(paint(replace(cue, beat=beat))[:64].mean()) for beat in (7.97, 8.0, 8.2)]
    assert light[1] > light[0] + 1.5 and light[1] > light[2]


@guides
def test_sound_and_words_are_seen(guide: GuideName) -> None:
    cue = replace(LOUD, guide=guide)
    quiet = replace(cue, energy=0.0, low=0.0, mid=0.0, high=0.0)
    assert unlike(paint(cue), paint(quiet)) > 1
    assert unlike(paint(cue), paint(replace(cue, words="emerald forest"))) > 1


def test_they_are_different() -> None:
    pictures = [paint(replace(LOUD, guide=guide)) for guide in GUIDES]
    assert all(unlike(one, other) > 5 for at, one in enumerate(pictures) for other in pictures[:at])


@given(
    guide=st.sampled_from(GUIDES), t=st.floats(0, 1e5), beat=st.one_of(st.none(), st.floats(0, 1e6)), levels=st.tuples(*[share] * 5),
    intensity=st.floats(0, 2), size=st.sampled_from([(16, 16), (64, 36), (48, 80)]),
)  # fmt: skip
def test_any_cue_gives_a_picture(
    guide: GuideName, t: float, beat: float | None, levels: tuple[float, ...], intensity: float, size: tuple[int, int]
) -> None:
    energy, low, mid, high, brightness = levels
    picture = paint(Cue(guide, "red", t, beat, energy, low, mid, high, brightness, intensity), *size)
    assert picture.shape == (size[1] * 3 // 2, size[0]) and picture.dtype == np.uint8
    assert picture[: size[1]].min() >= 16 and picture[: size[1]].max() <= 235


@pytest.mark.parametrize("size", [(15, 16), (16, 17), (8, 8)])
def test_sizes_that_cannot_be_drawn(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be even"):
        GuidePainter(*size)


def test_a_standstill_of_the_test_picture_can_be_seen() -> None:
    card = TestCard(128, 72)
    one, two = card.paint(1, 0.3), card.paint(2, 0.4)
    assert unlike(one, two) > 0.2
    assert np.array_equal(card.paint(1, 0.3), one)
    columns = one[8, ::18]
    assert len(set(columns.tolist())) >= 5, "bars"
