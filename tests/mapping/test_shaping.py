"""Curves, ranges and smoothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.shaping import CURVES, Output, Shape, Smooth, smoothed

UNIT = st.floats(0, 1)
CURVE = st.sampled_from(sorted(CURVES)) | st.floats(0.05, 20)
SHAPES = st.builds(Shape, CURVE, st.booleans(), st.none() | st.integers(2, 50))
ENDS = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).filter(lambda ends: ends[0] != ends[1])


@pytest.mark.parametrize(
    ("curve", "table"),
    [
        ("linear", {0: 0, 0.25: 0.25, 0.5: 0.5, 1: 1}),
        ("exponential", {0: 0, 0.25: 0.0625, 0.5: 0.25, 1: 1}),
        ("logarithmic", {0: 0, 0.25: 0.5, 0.5: 0.5**0.5, 1: 1}),
        ("stepped", {0: 0, 0.24: 0, 0.25: 0.25, 0.6: 0.5, 0.99: 0.75, 1: 1}),
        ("s_curve", {0: 0, 0.25: 0.15625, 0.5: 0.5, 0.75: 0.84375, 1: 1}),
        (3.0, {0: 0, 0.5: 0.125, 1: 1}),
    ],
)
def test_curves_are_soundscapes(curve: str | float, table: dict[float, float]) -> None:
    for x, y in table.items():
        assert Shape(curve).apply(x) == pytest.approx(y)


def test_invert_comes_before_the_curve() -> None:
    assert Shape("exponential", invert=True).apply(0.25) == pytest.approx(0.5625)


def test_steps_leave_both_ends() -> None:
    assert [Shape(steps=3).apply(x) for x in (0, 0.2, 0.3, 0.7, 0.8, 1)] == [0, 0, 0.5, 0.5, 1, 1]


@given(SHAPES, st.floats(allow_infinity=False, allow_nan=False))
def test_shapes_stay_within_0_and_1(shape: Shape, x: float) -> None:
    assert 0.0 <= shape.apply(x) <= 1.0
    assert 0.0 <= shape.inverse(x) <= 1.0


@given(st.sampled_from(["linear", "exponential", "logarithmic", "s_curve"]) | st.floats(0.2, 5), st.booleans(), UNIT)
def test_inverse_finds_the_knob(curve: str | float, invert: bool, x: float) -> None:
    shape = Shape(curve, invert)
    assert shape.apply(shape.inverse(shape.apply(x))) == pytest.approx(shape.apply(x), abs=1e-6)


@given(ENDS, st.floats(-10, 10))
def test_outputs_stay_within_their_range(ends: tuple[float, float], fraction: float) -> None:
    value = Output(ends).value(fraction)
    assert isinstance(value, float)
    assert min(ends) <= value <= max(ends)


@given(st.lists(st.integers(), min_size=1, max_size=9), UNIT)
def test_choices_are_all_reached_evenly(values: list[int], fraction: float) -> None:
    output = Output(values=tuple(values))
    assert output.value(fraction) in values
    assert [output.index((i + 0.5) / len(values)) for i in range(len(values))] == list(range(len(values)))


def test_where_a_target_stands() -> None:
    assert Output().fraction(0.3, None) == 0.3
    assert Output((0.5, 1.5)).fraction(0.5, (0.0, 2.0)) == 0.5
    assert Output((1.5, 0.5)).fraction(0.25, (0.0, 2.0)) == 1.0
    assert Output((0.5, 1.5)).fraction(0.5, None) is None
    assert Output((0.5, 1.5)).fraction(None, (0.0, 2.0)) is None
    assert Output(values=(0.0, 1.0, 2.0)).fraction(0.5, (0.0, 2.0)) == 0.5
    assert Output(values=("a", "b")).fraction(0.5, (0.0, 2.0)) is None


def test_smoothing_covers_95_percent_in_its_time() -> None:
    value = 0.0
    for _ in range(40):
        value = smoothed(value, 1.0, 0.01, Smooth(0.4, 0.1))
    assert value == pytest.approx(0.95, abs=0.001)
    for _ in range(10):
        value = smoothed(value, 0.0, 0.01, Smooth(0.4, 0.1))
    assert value == pytest.approx(0.95 * 0.05, abs=0.001)


@given(UNIT, UNIT, st.lists(st.floats(0, 10), max_size=30))
def test_smoothing_never_passes_its_goal(value: float, goal: float, steps: list[float]) -> None:
    low, high = min(value, goal), max(value, goal)
    for dt in steps:
        value = smoothed(value, goal, dt, Smooth(0.3, 1.0))
        assert low <= value <= high
