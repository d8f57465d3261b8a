"""Lengths in seconds, beats and bars."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.beatgrid import BeatGrid
from bridge.model.length import Length, parse_length

GRID = BeatGrid(bpm=90.0, beats_per_bar=3, confidence=1.0)


@pytest.mark.parametrize(
    ("given_as", "length"),
    [
        (4, Length(4.0)),
        ("4", Length(4.0)),
        ("4.5 s", Length(4.5)),
        ("400ms", Length(0.4)),
        ("8 beats", Length(8.0, "beats")),
        ("1 Beat", Length(1.0, "beats")),
        (" 2 bars ", Length(2.0, "bars")),
        (".5 bar", Length(0.5, "bars")),
    ],
)
def test_it_reads_what_people_write(given_as: object, length: Length) -> None:
    assert parse_length(given_as) == length


@pytest.mark.parametrize("bad", ["", "beats", "8 bananas", "-3 s", -3, float("nan"), True, None, [8], "1e999"])
def test_anything_else_says_what_to_give(bad: object) -> None:
    with pytest.raises(ValueError, match="8 beats"):
        parse_length(bad)


def test_beats_take_the_tempo_and_120_without_one() -> None:
    assert Length(3.0, "beats").seconds(GRID) == pytest.approx(2.0)
    assert Length(2.0, "bars").seconds(GRID) == pytest.approx(4.0)
    assert Length(2.0, "bars").seconds() == pytest.approx(4.0)
    assert Length(2.5).seconds(GRID) == 2.5


@given(st.one_of(st.text(max_size=20), st.floats(), st.integers()))
def test_it_never_fails_otherwise(value: object) -> None:
    try:
        length = parse_length(value)
    except ValueError:
        return
    assert length.seconds(GRID) >= 0.0
