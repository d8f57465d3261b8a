"""``scope-bridge listen --plot``: what is drawn where."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.cli.history import CHANNELS, MOST_COLUMNS, SECTIONS, History
from bridge.cli.plot import LEFT, RIGHT, TOP, WIDTH, draw
from bridge.ears import Track
from bridge.model.features import HOP, SAMPLE_RATE, SILENCE, Features
from tests.cli.heard import beat, moment


def test_a_plot_of_hours_keeps_its_size_and_its_beats():
    history = History()
    hops = 3 * MOST_COLUMNS
    loud = Features(0.0, energy=1.0, onset_low=True)
    for hop in range(1, hops + 1):
        track = Track((), 124.0, 1.0, 0.5)
        beats = (beat((hop - 1) * HOP / SAMPLE_RATE, hop % 172 == 0),) if hop % 43 == 0 else ()
        history.push(moment(hop, *beats, features=loud if hop == 1000 else SILENCE, track=track))
    assert history.values.shape == (len(CHANNELS), MOST_COLUMNS)
    assert history.seconds == pytest.approx(hops * HOP / SAMPLE_RATE)
    assert np.count_nonzero(history.values[-1]) == history.beats == hops // 43
    assert history.course("energy").argmax() == 999 // history.hops_a_column
    assert draw(history).shape[1:] == (WIDTH, 3)


def test_the_shortest_plot_is_drawn():
    history = History()
    history.push(moment(1))
    assert draw(history).dtype == np.uint8


def test_a_row_is_opened_for_more_than_the_last_hop_only():
    heights = []
    history = History()
    for hop in range(1, 1900):
        history.push(moment(hop))
        if hop in (1700, 1723, 1726):
            heights.append(draw(history).shape[0])
    assert heights[0] == heights[1] < heights[2]


def painted(picture, colour):
    """Where a colour is, left to right, as shares of the width, by blocks of lines that hold it."""
    found = (picture[TOP:, LEFT : WIDTH - RIGHT] == colour).all(axis=2)
    lines = np.flatnonzero(found.any(axis=1))
    blocks = np.split(lines, np.flatnonzero(np.diff(lines) > 40) + 1)
    return [np.flatnonzero(found[block].any(axis=0)) / found.shape[1] for block in blocks]


def test_a_row_shows_its_own_time_only_and_the_overview_all_of_it():
    history = History()
    for hop in range(1, 3447):  # 40 s
        history.push(moment(hop, features=Features(0.0, energy=float(hop > 2000))))
    overview, second = painted(draw(history), (110, 150, 255))
    assert overview[[0, -1]] == pytest.approx([2000 / 3446, 1], abs=0.01)
    seconds = np.array([2000, 3446]) * HOP / SAMPLE_RATE
    assert second[[0, -1]] == pytest.approx(seconds / 20 - 1, abs=0.01)


def test_parts_bands_and_drums_are_where_they_sounded():
    history = History()
    for hop in range(1, 1700):
        section = "drop" if hop > 850 else "breakdown"
        loud = tuple(float(band == 2 and hop > 1275) for band in range(8))
        features = Features(0.0, section=section, bands=loud, kick=float(hop == 425), peak_db=0.0, clipping=hop == 100)
        history.push(moment(hop, features=features))
    picture, hop_share = draw(history, "name with ä"), HOP / SAMPLE_RATE / 20
    for colour, begin, end in (
        ((24, 112, 122), 0, 850),  # breakdown
        ((178, 44, 88), 850, 1699),  # drop
        ((240, 252, 255), 1275, 1699),  # the hottest of the bands
        ((255, 150, 84), 424, 425),  # kick
    ):
        (where,) = painted(picture, colour)
        assert where[[0, -1]] == pytest.approx([begin * hop_share, end * hop_share], abs=0.003)
    assert SECTIONS[int(history.course("section")[-1])] == "drop"


def test_beats_too_dense_for_lines_leave_the_picture_readable():
    sparse, dense = History(), History()
    for hop in range(1, 1700):
        sparse.push(moment(hop, *([beat(hop * HOP / SAMPLE_RATE)] if hop % 40 == 0 else [])))
        dense.push(moment(hop, *([beat(hop * HOP / SAMPLE_RATE)] if hop % 2 == 0 else [])))
    below = slice(TOP + 60, TOP + 100)
    lit = [(draw(one)[below, LEFT : WIDTH - RIGHT, 0] > 80).any(axis=0).sum() for one in (sparse, dense)]
    assert lit == [42, 0]
