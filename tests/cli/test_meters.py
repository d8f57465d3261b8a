"""``scope-bridge listen`` in a terminal: what the block shows, and that it fits."""

from __future__ import annotations

import io
import re

import pytest

from bridge.cli.meters import Meters, View, block_of, line_of
from bridge.cli.terminal import ASCII, UNICODE, has_colours, signs_for
from bridge.ears import Track
from bridge.model.features import HOP, SAMPLE_RATE, Features
from bridge.model.needles import NeedlesAt
from tests.cli.heard import beat, moment

BUSY = View(
    "Scarlett",
    "running",
    12.0,
    Features(0.0, level_db=-3.0, energy=1.0, clipping=True, gated=False, bands=(1.0,) * 8, section="drop"),
    NeedlesAt(peak_db=-0.1, kick=0.9),
    Track((), 124.0, 0.9, 1.0),
    23,
    lit=True,
    in_bar=1,
    started=(True,) * 8,
    lost=5,
    problem="The device is busy. " * 20,
)


@pytest.mark.parametrize("signs", [ASCII, UNICODE])
@pytest.mark.parametrize("colours", [True, False])
def test_the_block_is_always_as_high_and_never_larger_than_the_terminal(signs, colours):
    for width in (5, 20, 80, 300):
        lines = block_of(BUSY, width, 50, signs, colours=colours)
        assert len(lines) == len(block_of(View(), width, 50, signs))
        assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines) < width
        assert all(line.count("\x1b[0m") * 2 == line.count("\x1b") for line in lines)
    for height in (4, 10, 16):
        lines = block_of(BUSY, 80, height, signs, colours=colours)
        assert len(lines) < height
        assert "The device is busy" in lines[-1], "what is wrong is never cut off"


def test_the_block_says_what_a_performer_must_know():
    text = "\n".join(block_of(BUSY, 100))
    for part in (
        "CLIP: turn down",
        "124.0 BPM, 90% sure",
        "o1 @2 o3 o4",
        "23 beats",
        "@ kick   o snare",
        "5 blocks lost",
        "drop",
    ):
        assert part in text
    assert "PROBLEM The device is busy." in line_of(BUSY)
    assert "drop" in line_of(BUSY)
    for peak_db, said in ((-50, "faint: turn up"), (-0.5, "hot"), (-10, "good")):
        view = View(features=Features(0.0, gated=False), needles=NeedlesAt(peak_db=peak_db))
        assert said in block_of(view, 100)[1]


def test_the_place_in_the_bar_is_counted_from_a_downbeat_until_nobody_knows():
    meters = Meters(io.StringIO(), refresh=True)
    shown = []
    for hop, down in enumerate((None, False, True, False, False, True, None), 1):
        meters.push(moment(hop, beat(hop * HOP / SAMPLE_RATE, down)))
        meters.show(0.0, "demo", "running", "", 0)
        shown.append(meters.view.in_bar)
    assert shown == [None, None, 0, 1, 2, 0, None]
    assert meters.view.bar == 3


def test_a_terminal_that_changes_its_size_is_drawn_afresh(monkeypatch):
    out = io.StringIO()
    meters = Meters(out, refresh=True)
    drawn = []
    for now, (columns, lines) in enumerate(((80, 40), (80, 40), (50, 10), (50, 10))):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(lines))
        meters.show(now, "demo", "running", "", 0)
        drawn.append(out.getvalue())
        out.truncate(out.seek(0))
    heights = [text.count("\n") for text in drawn]
    assert heights[0] == heights[1] > 10 > heights[2] == heights[3]
    begins = [re.match(r"(\x1b\[\d*[A-Z])*", text).group() for text in drawn]
    assert begins == ["", f"\x1b[{heights[0]}F", "\x1b[H\x1b[J", f"\x1b[{heights[2]}F"]


def test_colours_and_signs_only_where_they_can_be_shown():
    class Terminal(io.StringIO):
        encoding = "ascii"

        def isatty(self):
            return True

    assert signs_for(Terminal()) is ASCII
    assert signs_for(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) is UNICODE
    assert has_colours(Terminal(), {"TERM": "xterm"})
    for environment in ({"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}):
        assert not has_colours(Terminal(), environment)
    assert not has_colours(io.StringIO(), {"TERM": "xterm"})
