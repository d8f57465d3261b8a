"""The picture follows everything a look says; equal looks give equal pictures."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bridge.render import Look, Painter
from bridge.render.scenes import SCENES

WIDTH, HEIGHT = 160, 96
BASE = Look(mixture=(("slow purple silk", 1.0),), phase=12.0, composition=5, grain=0.0)
WORDS = {
    "aurora": "aurora over a mountain",
    "cosmos": "a nebula full of stars",
    "crystal": "facets of quartz",
    "forest": "ferns between old trees",
    "forge": "molten lava in a furnace",
    "grid": "neon highway through the city",
    "ocean": "ocean waves under the sun",
    "silk": "ink and smoke flowing",
    "tunnel": "a vortex of rings",
}


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(WIDTH, HEIGHT)


def paint(painter: Painter, look: Look = BASE, **changes: Any) -> np.ndarray:
    return painter.paint(replace(look, **changes)).astype(np.int16)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference of luma, in levels."""
    return float(np.abs(a[:HEIGHT] - b[:HEIGHT]).mean())


def chroma(picture: np.ndarray) -> tuple[float, float]:
    blue, red = picture[HEIGHT:].reshape(2, -1).mean(axis=1)
    return float(blue), float(red)


def test_every_scene_has_words_that_find_it() -> None:
    assert set(WORDS) == set(SCENES)


@pytest.mark.parametrize("name", sorted(SCENES))
def test_every_scene_is_lively_and_in_video_range(painter: Painter, name: str) -> None:
    look = replace(BASE, mixture=((WORDS[name], 1.0),), grain=0.2)
    now = paint(painter, look)
    assert now.shape == (HEIGHT * 3 // 2, WIDTH)
    assert now[:HEIGHT].min() >= 15 and now.max() <= 241
    assert now[:HEIGHT].std() > 9
    assert np.array_equal(now, paint(Painter(WIDTH, HEIGHT), look))
    soon = paint(painter, look, phase=look.phase + 1 / 15)
    later = paint(painter, look, phase=look.phase + 4)
    assert 0 < apart(now, soon) < apart(now, later)


@pytest.mark.parametrize("size", [(256, 256), (512, 288), (32, 32), (94, 50)])
def test_any_even_size(size: tuple[int, int]) -> None:
    picture = Painter(*size).paint(BASE)
    assert picture.shape == (size[1] * 3 // 2, size[0])


@pytest.mark.parametrize("size", [(31, 64), (64, 63), (16, 16)])
def test_sizes_that_cannot_be_drawn(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even"):
        Painter(*size)


def test_no_prompt_draws_too(painter: Painter) -> None:
    assert paint(painter, mixture=())[:HEIGHT].std() > 5


def test_colour_words_colour_the_picture(painter: Painter) -> None:
    scene = "smoke flowing, "
    red, green, blue = (chroma(paint(painter, mixture=((scene + word, 1.0),))) for word in ("red", "green", "blue"))
    assert red[1] > blue[1] > green[1]
    assert blue[0] > green[0] and blue[0] > red[0]


def test_weights_move_the_picture_step_by_step(painter: Painter) -> None:
    """Also between two scenes: no step of the blend is a jump."""
    a, b = WORDS["ocean"], WORDS["grid"]
    shares = np.linspace(0, 1, 13)
    steps = [paint(painter, mixture=tuple((t, s) for t, s in ((a, 1 - x), (b, x)) if s > 0)) for x in shares]
    whole = apart(steps[0], steps[-1])
    moves = [apart(one, other) for one, other in itertools.pairwise(steps)]
    assert max(moves) < 0.45 * whole
    assert sum(apart(steps[0], step) for step in steps[-3:]) > sum(apart(steps[0], step) for step in steps[1:4])


def test_like_prompts_look_alike(painter: Painter) -> None:
    base = "a nebula full of stars, violet gas, the camera drifting"
    near = paint(painter, mixture=((base + ", slow", 1.0),))
    same = paint(painter, mixture=((base, 1.0),))
    other = paint(painter, mixture=(("galaxy of orange planets rushing past", 1.0),))
    assert apart(same, near) < 0.6 * apart(same, other)


def test_a_cut_is_another_composition(painter: Painter) -> None:
    same = paint(painter, phase=12.05)
    assert apart(paint(painter), paint(painter, composition=6)) > 3 * apart(paint(painter), same)


def test_a_figure_appears_and_grows_with_its_strength(painter: Painter) -> None:
    plain = paint(painter)
    weak, strong = (paint(painter, figure="/assets/face.png", figure_strength=s) for s in (0.5, 1.5))
    assert 0.5 < apart(plain, weak) < apart(plain, strong)
    assert np.array_equal(plain, paint(painter, figure="/assets/face.png", figure_strength=0.0))
    assert apart(strong, paint(painter, figure="/assets/other.png", figure_strength=1.5)) > 1


def test_words_of_light_and_the_music_lift_the_picture(painter: Painter) -> None:
    dark, bright = (paint(painter, mixture=((f"silk, {word}", 1.0),)) for word in ("dark shadow", "radiant white"))
    assert bright[:HEIGHT].mean() > dark[:HEIGHT].mean() + 10
    assert paint(painter, energy=1.0)[:HEIGHT].mean() > paint(painter)[:HEIGHT].mean() + 3
    assert paint(painter, pulse=1.0)[:HEIGHT].mean() > paint(painter)[:HEIGHT].mean() + 3


def test_turbulence_detail_and_grain_show(painter: Painter) -> None:
    assert apart(paint(painter, turbulence=0.0), paint(painter, turbulence=1.0)) > 5
    assert apart(paint(painter, detail=0.25), paint(painter, detail=1.0)) > 1
    grainy = paint(painter, grain=0.8)
    assert np.abs(np.diff(grainy[:HEIGHT])).mean() > np.abs(np.diff(paint(painter)[:HEIGHT])).mean() + 3


def test_a_guide_shapes_the_picture(painter: Painter) -> None:
    guide = np.full((60, 100), 16, dtype=np.uint8)
    guide[:, 50:] = 235
    free, led = (paint(painter, guide=guide, guide_share=share)[:HEIGHT] for share in (0.0, 0.9))
    lean = led[:, WIDTH // 2 :].mean() - led[:, : WIDTH // 2].mean()
    assert lean > free[:, WIDTH // 2 :].mean() - free[:, : WIDTH // 2].mean() + 15


def test_the_label_stays_in_its_corner(painter: Painter) -> None:
    plain, labelled = paint(painter), paint(painter, label="silk")
    changed = np.argwhere(plain != labelled)
    assert len(changed) and changed[:, 0].min() >= HEIGHT - 20 and changed[:, 1].max() < 60
