"""Bands with hysteresis, every row of soundscape section 7, and the curves of section 5."""

from __future__ import annotations

import math

import pytest

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.show.bands import BRIGHTNESS, INTENSITY, TEMPO, TEXTURE, BandsSeen, Ladder
from bridge.show.curves import CURVES, react
from bridge.show.levers import levers_of
from tests.show.player import theme_of


@pytest.mark.parametrize(
    ("ladder", "values", "bands"),
    [
        (INTENSITY, [0.29, 0.30, 0.54, 0.55, 0.79, 0.80], ["low", "medium", "medium", "high", "high", "peak"]),
        (
            INTENSITY,
            [0.80, 0.70, 0.69, 0.45, 0.44, 0.20, 0.19],
            ["peak", "peak", "high", "high", "medium", "medium", "low"],
        ),
        (
            BRIGHTNESS,
            [0.25, 0.19, 0.29, 0.30, 0.74, 0.75],
            ["balanced", "dark", "dark", "balanced", "balanced", "radiant"],
        ),
        (BRIGHTNESS, [0.75, 0.66, 0.65, 0.64, 0.20], ["radiant", "radiant", "radiant", "balanced", "balanced"]),
        (TEXTURE, [0.37, 0.38, 0.76, 0.77], ["smooth", "granular", "granular", "crystalline"]),
        (TEXTURE, [0.77, 0.67, 0.66, 0.28, 0.27], ["crystalline", "crystalline", "granular", "granular", "smooth"]),
        (
            TEMPO,
            [99, 100, 145, 146, 136, 135, 92, 91],
            ["drift", "drive", "drive", "blitz", "blitz", "drive", "drive", "drift"],
        ),
        (INTENSITY, [1.0, 0.0], ["peak", "low"]),
    ],
)
def test_a_ladder_is_climbed_at_enter_and_left_at_leave(ladder: Ladder, values: list[float], bands: list[str]) -> None:
    current = "balanced" if ladder is BRIGHTNESS else ladder.names[0]
    seen = []
    for value in values:
        current = ladder.step(current, value)
        seen.append(current)
    assert seen == bands


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_ladder_ignores_what_is_no_number(value: float) -> None:
    assert INTENSITY.step("high", value) == "high"


def test_a_kick_drum_does_not_move_the_bands_but_a_passage_does() -> None:
    seen = BandsSeen()
    for beat in range(16):
        for tick in range(15):
            seen.follow(0.9 if tick < 3 else 0.05, 0.5, 0.0, NO_GRID, gated=False, dt=1 / 30)
        assert seen.bands.intensity == ("low" if beat < 16 else "")
    for _ in range(90):
        seen.follow(0.9, 0.5, 0.0, NO_GRID, gated=False, dt=1 / 30)
    assert seen.bands.intensity == "peak"


def test_tempo_words_need_confidence_and_stay_when_it_is_lost() -> None:
    seen = BandsSeen()
    doubtful = BeatGrid(bpm=150.0, confidence=0.45, source="audio")
    assert seen.follow(0, 0, 0, doubtful, gated=True, dt=0.03).tempo == ""
    sure = BeatGrid(bpm=150.0, confidence=0.46, source="audio")
    assert seen.follow(0, 0, 0, sure, gated=True, dt=0.03).tempo == "blitz"
    assert seen.follow(0, 0, 0, BeatGrid(bpm=70.0, confidence=0.1), gated=True, dt=0.03).tempo == "blitz"


def test_tempo_gain_shifts_the_words() -> None:
    grid = BeatGrid(bpm=95.0, confidence=1.0)
    assert BandsSeen().follow(0, 0, 0, grid, gated=True, dt=0.03).tempo == "drift"
    assert BandsSeen(tempo_gain=1.2).follow(0, 0, 0, grid, gated=True, dt=0.03).tempo == "drive"


def test_silence_lowers_the_intensity_only() -> None:
    seen = BandsSeen()
    for _ in range(200):
        seen.follow(0.9, 0.95, 0.9, NO_GRID, gated=False, dt=1 / 30)
    for _ in range(200):
        seen.follow(0.0, 0.0, 0.0, NO_GRID, gated=True, dt=1 / 30)
    assert (seen.bands.intensity, seen.bands.brightness, seen.bands.texture) == ("low", "radiant", "crystalline")


@pytest.mark.parametrize(
    ("curve", "x", "y"),
    [
        ("linear", 0.3, 0.3),
        ("exponential", 0.5, 0.25),
        ("logarithmic", 0.25, 0.5),
        ("stepped", 0.24, 0.0),
        ("stepped", 0.26, 0.25),
        ("stepped", 0.99, 0.75),
        ("stepped", 1.0, 1.0),
    ],
)
def test_curves(curve: str, x: float, y: float) -> None:
    assert CURVES[curve](x) == pytest.approx(y)  # type: ignore[index]


def test_sensitivity_comes_before_the_curve_and_invert_between() -> None:
    square = CURVES["exponential"]
    assert react(0.4, sensitivity=1.5, invert=False, curve=square) == pytest.approx(0.36)
    assert react(0.4, sensitivity=1.5, invert=True, curve=square) == pytest.approx(0.16)
    assert react(0.9, sensitivity=2.0, invert=False, curve=square) == 1.0
    assert react(0.9, sensitivity=0.0, invert=False, curve=square) == 0.0


def test_several_reactions_combine_as_their_mean_weighted_by_sensitivity() -> None:
    theme = theme_of(
        **{
            "[beats]": '[[reactions]]\nsignal = "texture"\nparameter = "noise_scale"\nsensitivity = 0.5\ninvert = true\n[beats]'
        }
    )
    noise = next(lever for lever in levers_of(theme, text_like=False) if lever.name == "noise_scale")
    signals = [0.6, 0.0, 0.4, 0.0, 0.0, 0.0]
    mean = (1.0 * 0.6 + 0.5 * (1 - 0.2)) / 1.5
    assert noise.rest + noise.offset(signals) == pytest.approx(0.4 + mean * 0.4)


def test_a_reaction_of_no_sensitivity_does_nothing() -> None:
    theme = theme_of(**{'parameter = "noise_scale"': 'parameter = "noise_scale"\nsensitivity = 0'})
    noise = next(lever for lever in levers_of(theme, text_like=False) if lever.name == "noise_scale")
    assert noise.offset([1.0] * 6) == 0.0


def test_in_text_mode_what_was_meant_for_noise_moves_its_stand_ins() -> None:
    levers = {lever.name: lever for lever in levers_of(theme_of(), text_like=True)}
    assert "noise_scale" not in levers
    loud = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert levers["prompt_weight"].rest + levers["prompt_weight"].offset(loud) == 1.0
    assert levers["fx/zoom"].rest + levers["fx/zoom"].offset(loud) == 0.5
    assert levers["transition_s"].offset(loud) == 0.0
