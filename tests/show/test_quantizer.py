"""Discrete changes and their boundaries: which one, how early, and what happens when the tempo moves."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.desired import OneShot, Prompt, PromptPlan
from bridge.model.facts import ChunkFacts, ScopeFacts
from bridge.model.quantize import QUANTIZE_MODES, Due, Quantize, boundary_beats
from bridge.model.targets import Intent
from bridge.show.quantizer import Quantizer
from bridge.show.theme import Change
from tests.show.player import CALM, OTHER, Player, theme_of

GRID = BeatGrid(bpm=120.0, anchor=0.0, downbeat=0, confidence=1.0)
FACTS = ScopeFacts(chunk=ChunkFacts(12, 0.8, measured=True))
PLAN = PromptPlan(1, (Prompt("fox"),))


class Desk:
    """A quantiser with what it is given every tick."""

    def __init__(self, mode: Quantize = "bar", lookahead_s: float = 0.0) -> None:
        self.quantizer = Quantizer(mode, lookahead_s)
        self.plan, self.shots, self.params = PLAN, (), {"denoising_step_list": (1000, 500), "vace_context_scale": 0.5}
        self.facts, self.grid = FACTS, GRID
        self.follow(0.0)

    def follow(self, now: float, *, mode: Quantize | None = None, at_once: bool = False) -> Quantizer:
        self.quantizer.follow(
            self.plan,
            self.shots,
            self.params,
            mode=mode,
            at_once=at_once,
            grid=self.grid,
            facts=self.facts,
            now=now,
        )
        return self.quantizer

    def cut_to(self, now: float, **how: object) -> PromptPlan:
        self.plan = PromptPlan(self.plan.id + 1, (Prompt(f"scene {self.plan.id}"),))
        plan = self.follow(now, **how).plan  # type: ignore[arg-type]
        assert plan is not None
        return plan


@pytest.mark.parametrize(
    ("mode", "now", "at"), [("beat", 10.1, 11.5), ("bar", 10.1, 12.0), ("2_bar", 10.1, 12.0), ("4_bar", 10.1, 16.0)]
)
def test_the_next_boundary_that_can_still_be_met(mode: Quantize, now: float, at: float) -> None:
    due = Desk(mode).cut_to(now).due
    assert due is not None and due.at == pytest.approx(at) and due.lead == pytest.approx(1.2)


def test_a_boundary_nearer_than_the_latency_is_passed_over() -> None:
    due = Desk().cut_to(10.9).due
    assert due is not None and due.at == pytest.approx(14.0)


@given(
    st.sampled_from(QUANTIZE_MODES),
    st.floats(20, 300),
    st.floats(0, 60),
    st.floats(0.1, 2.5),
    st.floats(0, 1),
    st.integers(-5, 5),
)
def test_boundaries_lie_on_the_grid_and_never_too_near(
    mode: Quantize, bpm: float, now: float, period: float, lookahead: float, downbeat: int
) -> None:
    desk = Desk(mode, lookahead)
    desk.grid = BeatGrid(bpm=bpm, anchor=1.0, downbeat=downbeat, confidence=1.0)
    desk.facts = replace(FACTS, chunk=ChunkFacts(12, period, measured=True))
    due = desk.cut_to(now).due
    if mode == "none":
        assert due is None
        return
    step = boundary_beats(mode, 4)
    assert due is not None and due.lead == pytest.approx(1.5 * period + lookahead)
    beats = (desk.grid.position_at(due.at) - downbeat) / step
    assert beats == pytest.approx(round(beats), abs=1e-6)
    assert -1e-4 <= due.leave - now <= step * 60.0 / bpm + 1e-4


def test_measured_latency_takes_the_place_of_the_chunk_model() -> None:
    desk = Desk()
    desk.facts = replace(FACTS, latency_s=0.4)
    due = desk.cut_to(10.1).due
    assert due is not None and due.lead == pytest.approx(0.4) and desk.quantizer.measured


def test_a_transition_leaves_a_chunk_sooner_because_its_first_chunk_is_the_old_picture() -> None:
    desk = Desk()
    desk.plan = PromptPlan(2, (Prompt("bear"),), 4.0)
    plan = desk.follow(9.0).plan
    assert plan is not None and plan.due is not None and plan.due.lead == pytest.approx(2.0)


def test_without_a_tempo_nothing_waits_and_what_waited_goes() -> None:
    desk = Desk()
    assert desk.cut_to(10.1).due is not None
    desk.shots = (OneShot(1, "reset_cache", True),)
    assert desk.follow(10.15).shots[0].due is not None
    desk.grid = NO_GRID
    quantizer = desk.follow(10.2)
    assert quantizer.plan is desk.plan and quantizer.shots == desk.shots and not quantizer.waiting(10.2)


def test_panic_does_not_wait_and_takes_the_place_of_what_does() -> None:
    desk = Desk()
    desk.cut_to(10.1)
    assert desk.cut_to(10.2, at_once=True).due is None


def test_a_theme_may_have_its_own_boundary() -> None:
    due = Desk("none").cut_to(10.1, mode="4_bar").due
    assert due is not None and due.at == pytest.approx(16.0)
    assert Desk("bar").cut_to(10.1, mode="none").due is None


def test_the_tempo_is_followed_while_a_change_waits() -> None:
    desk = Desk()
    desk.cut_to(10.1)
    desk.grid = replace(GRID, bpm=119.0, anchor=10.0, anchor_beat=20)
    plan = desk.follow(10.2).plan
    assert plan is not None and plan.due is not None
    assert plan.due.at == pytest.approx(desk.grid.time_of(24))
    assert desk.follow(10.3).plan is plan


def test_continuous_values_never_wait_and_a_denoising_list_does() -> None:
    desk = Desk()
    desk.params = {"denoising_step_list": (1000, 250), "vace_context_scale": 0.9}
    assert set(desk.follow(10.1).dues) == {"denoising_step_list"}
    assert set(desk.follow(20.0).dues) == {"denoising_step_list"}
    desk.quantizer.mode = "none"
    desk.params = {"denoising_step_list": (1000, 750)}
    assert not desk.follow(20.1).dues


def test_a_press_while_one_waits_takes_its_place() -> None:
    desk = Desk("4_bar")
    desk.shots = (OneShot(1, "reset_cache", True),)
    desk.follow(10.1)
    desk.shots = (*desk.shots, OneShot(2, "reset_cache", True))
    desk.follow(10.2)
    assert [waits.what for waits in desk.quantizer.waiting(10.2)] == ["reset_cache"]


def test_the_state_is_the_same_object_while_nothing_changes() -> None:
    desk = Desk()
    desk.shots = (OneShot(1, "reset_cache", True),)
    before = desk.cut_to(10.1)
    shots, dues = desk.quantizer.shots, desk.quantizer.dues
    for tick in range(1, 120):
        quantizer = desk.follow(10.1 + tick / 30)
        assert quantizer.plan is before and quantizer.shots is shots and quantizer.dues is dues


def on_the_bar(**more: object) -> Player:
    """A show at 120 BPM, a while after its start, quantised to bars."""
    player = Player(CALM.model_copy(update={"quantize": "bar", **more}), grid=GRID)
    player.play(8.0)
    return player


def due_of(player: Player) -> Due | None:
    plan = player.out.desired.prompts
    assert plan is not None
    return plan.due


def test_a_change_of_theme_waits_for_the_bar() -> None:
    player = on_the_bar()
    player.set("theme", "other")
    player.play(0.1)
    due = due_of(player)
    assert due is not None and due.at % 2.0 == pytest.approx(0.0)
    timing = player.show.report(player.world).quantize
    assert timing.mode == "bar" and timing.lead_from == "chunk model" and timing.lead_s == pytest.approx(1.2)
    assert [waits.what for waits in timing.waiting] == ["prompts"]


@pytest.mark.parametrize(("target", "value"), [("prompt", "a lighthouse"), ("theme", "other")])
def test_panic_interrupts_the_wait(target: str, value: str) -> None:
    player = on_the_bar()
    player.set(target, value)
    player.play(0.1)
    assert due_of(player) is not None
    player.trigger("action/panic")
    player.play(0.1)
    assert due_of(player) is None


def test_pause_and_blackout_do_not_wait() -> None:
    player = on_the_bar()
    player.trigger("action/pause")
    player.trigger("action/blackout")
    player.play(0.1)
    assert player.out.desired.paused and player.out.fx.blackout


def test_the_music_changes_nothing_while_a_change_waits() -> None:
    player = on_the_bar()
    player.set("prompt", "a lighthouse")
    player.play(0.1)
    plan, due = player.out.desired.prompts, due_of(player)
    assert plan is not None and due is not None
    player.features = replace(player.features, energy=0.95)
    player.play(due.leave - player.now - 0.05)
    assert player.out.desired.prompts is plan


def test_the_mode_is_a_target_like_any_other_and_outlives_the_theme() -> None:
    player = Player(grid=GRID)
    player.set("param/quantize_mode", "2_bar")
    player.set("theme", "other")
    player.play(0.1)
    assert player.show.report(player.world).quantize.mode == "2_bar"
    issue = player.show.apply(Intent(player.now, "param/quantize_mode", "set", "3_bar"), player.world, player.now)
    assert issue is not None and "4_bar" in issue.hint
    player.release("param/quantize_mode")
    assert player.show.report(player.world).quantize.mode == "none"


def test_lengths_in_beats_follow_the_tempo() -> None:
    beats = theme_of(**{"[4.0, 4.0]": '["4 beats", "8 beats"]', "blend_s = 3.2": 'blend_s = "2 bars"'})
    assert beats.range_of("transition_s") == (2.0, 4.0)
    player = Player(themes={"card": beats}, grid=replace(GRID, bpm=60.0))
    player.play(2.0)
    player.set("prompt", "a lighthouse")
    player.play(0.1)
    assert player.out.desired.prompts is not None and player.out.desired.prompts.seconds == pytest.approx(6.0)
    player.set("param/transition_s", "2 bars")
    player.grid = GRID
    player.set("prompt", "a harbour")
    player.play(0.1)
    assert player.out.desired.prompts.seconds == pytest.approx(4.0)


def test_a_change_of_theme_may_say_its_length_in_bars() -> None:
    slow = OTHER.model_copy(update={"change": Change(length="2 bars")})
    player = Player(themes={"card": theme_of(), "other": slow}, grid=replace(GRID, bpm=60.0))
    player.play(1.0)
    player.set("theme", "other")
    player.play(0.1)
    assert player.out.desired.prompts is not None and player.out.desired.prompts.seconds == pytest.approx(8.0)
