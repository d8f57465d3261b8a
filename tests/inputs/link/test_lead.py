"""Link out: the session comes to beat as the clock does, with as few changes as that takes."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inputs.link import LinkInput, LinkSettings
from bridge.inputs.link.lead import Lead
from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.board import ProblemBoard

GRID = BeatGrid(bpm=124.0, anchor=50.0, anchor_beat=8)


class Session:
    """A Link session as a line: changed by whoever sets it, running on by itself."""

    def __init__(self, tempo: float, beat: float = 0.0, now: float = 50.0) -> None:
        self._tempo = tempo
        self._beat = beat
        self.now = now
        self.enabled = False
        self.quantum = 1.0
        self.playing = False
        self.start_stop_sync_enabled = False
        self.num_peers = 1
        self.tempi: list[float] = []
        self.jumps: list[float] = []

    @property
    def tempo(self) -> float:
        return self._tempo

    @tempo.setter
    def tempo(self, tempo: float) -> None:
        self._tempo = tempo
        self.tempi.append(tempo)

    @property
    def beat(self) -> float:
        return self._beat

    def force_beat(self, beat: float) -> None:
        self.jumps.append(beat - self._beat)
        self._beat = beat

    def sync(self, beat: float) -> asyncio.Future[float]:
        raise AssertionError("a leader follows nobody")

    def wait(self, seconds: float) -> None:
        self._beat += seconds * self._tempo / 60.0
        self.now += seconds

    def led(self, lead: Lead, seconds: float, grid: Callable[[float], BeatGrid] = lambda _: GRID) -> Session:
        end = self.now + seconds
        while self.now < end:
            now_grid = grid(self.now)
            wish = lead.wish(now_grid, self.tempo, self.beat, self.now)
            if wish.tempo is not None:
                self.tempo = wish.tempo
            if wish.move is not None:
                self.force_beat(self.beat + wish.move)
            self.wait(0.125)
        return self

    def off_s(self, grid: BeatGrid = GRID) -> float:
        bar = grid.beats_per_bar
        off = (self.beat - grid.position_at(self.now) + grid.downbeat + bar / 2) % bar - bar / 2
        return off * 60.0 / self.tempo


def test_a_session_in_step_is_left_alone() -> None:
    session = Session(124.0, beat=100.0).led(Lead(), 30.0)
    assert (session.tempi, session.jumps) == ([], [])


def test_a_beat_a_little_off_is_drawn_near_without_a_jump() -> None:
    session = Session(124.0, beat=4.0 + 0.030 * 124 / 60).led(Lead(), 3.0)
    assert session.jumps == []
    assert abs(session.off_s()) <= 0.003
    assert len(session.tempi) == 2  # aside, and back
    assert session.tempi[0] == pytest.approx(124.0, rel=0.02)
    assert session.tempi[1] == 124.0


def test_a_beat_far_off_is_forced_once() -> None:
    session = Session(90.0, beat=1.4).led(Lead(), 6.0)
    assert len(session.jumps) == 1
    assert abs(session.jumps[0]) <= 2.0
    assert abs(session.off_s()) <= 0.003
    assert session.tempi[0] == 124.0


def test_a_bar_elsewhere_is_moved_once_it_has_stayed_there() -> None:
    lead, session = Lead(), Session(124.0, beat=4.0)
    moved = dataclasses.replace(GRID, downbeat=1)
    session.led(lead, 1.0, lambda _: moved)
    assert session.jumps == []
    session.led(lead, 4.0, lambda _: moved)
    assert [round(jump) for jump in session.jumps] == [-1]
    assert abs(session.off_s(moved)) <= 0.003


def test_the_tempo_of_somebody_else_stands_for_four_beats() -> None:
    lead, session = Lead(), Session(124.0)
    session.led(lead, 2.0)
    session.tempo = 128.0
    changed = session.now
    session.led(lead, 4 * 60 / 124 - 0.13)
    assert session.tempi == [128.0]
    session.led(lead, 0.3)
    assert session.tempi[1] == pytest.approx(124.0, rel=0.02)
    assert session.now - changed < 2.5
    assert lead.yielded == 1
    assert abs(session.led(lead, 12.0).off_s()) <= 0.003


def test_without_a_tempo_nothing_is_changed() -> None:
    session = Session(97.0, beat=0.3).led(Lead(), 5.0, lambda _: NO_GRID)
    assert (session.tempi, session.jumps) == ([], [])


@settings(deadline=None, max_examples=15)
@given(st.floats(60, 200), st.floats(60, 200), st.floats(0, 4), st.integers(0, 3), st.floats(-0.005, 0.005))
def test_it_always_comes_into_step_and_stays(
    ours: float, theirs: float, beat: float, downbeat: int, slew: float
) -> None:
    """The grid may be slewed by 5 ms a beat for 16 beats, as the clock does when its source drifts."""
    grid = BeatGrid(bpm=ours, anchor=50.0, downbeat=downbeat)

    def slewed(now: float) -> BeatGrid:
        beats = min(16, max(0, grid.beat_at(now) - 20))
        return grid.shifted(slew * beats)

    lead, session = Lead(), Session(theirs, beat=beat)
    session.led(lead, 70 * 60 / ours, slewed)
    assert abs(session.off_s(slewed(session.now))) <= 0.0035
    assert len(session.jumps) <= 3


def test_the_input_leads_and_starts_the_others() -> None:
    session, heard = Session(100.0, beat=0.5), []

    async def scenario() -> LinkInput:
        link = LinkInput(
            LinkSettings(enabled=True, mode="lead", start_stop=True),
            on_event=heard.append,
            grid=lambda: GRID,
            board=ProblemBoard(),
            clock=lambda: session.now,
            make=lambda bpm: session,
        )
        task = asyncio.create_task(link.run())
        while not session.playing:
            await asyncio.sleep(0)
        status = link.status()
        assert status is not None
        assert (status.mode, status.peers, status.bpm, status.forced) == ("lead", 1, 124.0, 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return link

    link = asyncio.run(scenario())
    assert heard == []
    assert session.quantum == 4.0
    assert session.start_stop_sync_enabled
    assert not session.enabled
    assert link.status() is None
