"""Prompts, transitions, weights and variations."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from bridge.model.beatgrid import BeatGrid
from bridge.model.facts import ChunkFacts
from bridge.show import ShowSettings
from bridge.show.bands import Bands
from bridge.show.prompts import Scene, prompts_of
from bridge.show.transitions import Running, chunks
from tests.show.player import TEXT, VIDEO, Player, theme_of

LONG = ChunkFacts(12, 0.8)


def test_prompt_is_base_bands_end_and_modifiers() -> None:
    scene = Scene(theme_of(), Bands("high", "radiant", "smooth", "drive"), two_ends=True)
    texts = [p.text for p in prompts_of(scene, 0.25)]
    assert texts == ["a lamp, high, radiant, drive, asleep, on film", "a lamp, high, radiant, drive, awake, on film"]
    assert [p.weight for p in prompts_of(scene, 0.25)] == [0.75, 0.25]


def test_an_accent_is_one_more_small_entry() -> None:
    entries = prompts_of(Scene(theme_of(), two_ends=True, accent="rain"), 0.5)
    assert [p.weight for p in entries] == [0.375, 0.375, 0.25]
    assert entries[2].text == "rain, low, on film"


@pytest.mark.parametrize(
    ("seconds", "chunk", "steps"),
    [(6.4, LONG, 8), (2.4, LONG, 3), (0.8, LONG, 2), (0.1, LONG, 2), (0.0, LONG, 0), (2.4, ChunkFacts(4, 0.16), 15)],
)
def test_a_transition_is_never_one_chunk(seconds: float, chunk: ChunkFacts, steps: int) -> None:
    assert chunks(seconds, chunk) == steps


def test_the_lock_follows_the_measured_chunk_time() -> None:
    running = Running(10.0, 6.4)
    assert running.at(10.0 + 7.9, LONG)
    assert not running.at(10.0 + 8.01, LONG)
    assert running.at(10.0 + 8.01, ChunkFacts(12, 1.6, measured=True)), "4 chunks of 1.6 s and two in flight"
    assert not Running(10.0, 0.0).at(10.0, LONG)


def test_the_first_prompt_is_a_cut_and_later_ones_are_transitions() -> None:
    player = Player()
    assert player.out.desired.prompts is not None
    assert (player.plan_id, player.out.desired.prompts.seconds) == (1, 0.0)
    player.play(12.0, energy=0.5)
    assert (player.plan_id, player.out.desired.prompts.seconds, player.out.desired.prompts.method) == (2, 4.0, "slerp")


def test_prompts_do_not_change_while_no_band_changes() -> None:
    player = Player()
    player.play(7.0, energy=0.40)
    plan = player.plan_id
    for _ in range(12):
        player.play(2.0, energy=0.33)
        player.play(2.0, energy=0.50)
    assert player.plan_id == plan


def test_bands_wait_for_the_dwell_and_for_a_running_transition() -> None:
    player = Player()
    player.play(2.0)
    player.intent("theme", "set", "other")
    changed = player.now
    player.play(30.0, lambda out: out.desired.prompts and out.desired.prompts.id, energy=1.0)
    when = next(float(line.split()[0]) for line in player.trace if line.endswith(" 3")) + 100.0
    assert when - changed >= 6.0 + 2 * 0.8, "the change of theme is 6 s long"


def test_weights_follow_energy_in_steps_and_keep_the_plan() -> None:
    player = Player()
    player.play(10.0, energy=0.25)
    plan, weights = player.plan_id, set()
    for level in range(25, 29):
        player.play(4.0, lambda out: weights.add(out.desired.prompts.prompts[1].weight), energy=level / 100)
    assert player.plan_id == plan
    assert weights <= {round(n * 0.05, 2) for n in range(21)}
    assert len(weights) <= 2, "three hundredths of energy are at most one step"


def test_music_glides_the_weights_a_step_per_chunk_and_a_hand_moves_them_at_once() -> None:
    player = Player(
        themes={"card": theme_of(**{'= "medium"': '= "low"', '= "high"': '= "low"', '= "peak"': '= "low"'})}
    )
    player.play(8.0, energy=0.0)
    player.play(8.0, lambda out: [p.weight for p in out.desired.prompts.prompts][1], energy=1.0)
    times, weights = zip(*((float(t), float(w)) for t, w in (line.split() for line in player.trace)), strict=True)
    assert weights[-1] == 1.0
    assert all(b - a <= 0.2 + 1e-9 for a, b in pairwise(weights))
    assert all(b - a >= 0.8 - 0.11 for a, b in pairwise(times[1:]))
    player.set("macro/reaction", 0.0)
    player.set("param/prompt_weight", 0.1)
    assert player.weights == (0.9, 0.1)


def test_weights_stand_still_while_a_transition_runs() -> None:
    player = Player()
    player.play(8.0, energy=0.1)
    player.set("theme", "other")
    before = player.weights
    player.set("macro/reaction", 0.0)
    player.set("param/prompt_weight", 1.0)
    player.play(5.0)
    assert player.weights == before
    player.play(4.0)
    assert player.weights == (0.0, 1.0)


def test_change_of_theme_takes_eight_beats_where_the_tempo_is_trusted() -> None:
    sure = Player(grid=BeatGrid(bpm=120.0, confidence=0.9))
    sure.set("theme", "other")
    assert sure.out.desired.prompts is not None
    assert sure.out.desired.prompts.seconds == 4.0
    unsure = Player(grid=BeatGrid(bpm=120.0, confidence=0.3))
    unsure.trigger("theme/other")
    assert unsure.out.desired.prompts is not None
    assert unsure.out.desired.prompts.seconds == 6.0
    assert unsure.report.transition


@pytest.mark.parametrize(
    ("target", "value", "normalised", "slug"),
    [
        ("theme", "other", False, "other"),
        ("theme", "Test Card", False, "card"),
        ("theme", "OTHER", False, "other"),
        ("theme", 2, False, "other"),
        ("theme", 1.0, True, "other"),
        ("theme", 0.49, True, "card"),
        ("theme/other", 1.0, False, "other"),
        ("theme/other", 0, False, "card"),
        ("action/theme_next", None, False, "other"),
        ("action/theme_previous", None, False, "other"),
        ("action/theme_next", False, False, "card"),
    ],
)
def test_choosing_a_theme(target: str, value: object, normalised: bool, slug: str) -> None:
    player = Player()
    assert player.set(target, value, normalised=normalised) is None
    assert player.report.theme == slug


def test_choosing_the_theme_that_plays_changes_nothing() -> None:
    player = Player()
    player.set("param/prompt_weight", 0.7)
    before = player.out
    player.set("theme", "card")
    assert player.out is before


def test_a_text_of_the_performer_stands_until_released_or_the_theme_changes() -> None:
    player = Player()
    player.play(8.0)
    assert player.set("prompt", " a red  balloon ") is None
    assert player.texts == ("a red balloon",)
    assert player.out.desired.prompts is not None
    assert player.out.desired.prompts.seconds == 4.0
    plan = player.plan_id
    player.set("prompt", "a red balloon")
    assert player.plan_id == plan, "told again"
    player.play(20.0, energy=1.0)
    assert player.texts == ("a red balloon",)
    player.release("prompt")
    assert player.texts[0].startswith("a lamp")
    player.set("param/prompt", "a kite")
    player.set("theme", "other")
    assert player.texts[0].startswith("a mountain")


def test_scopes_own_osc_names_work() -> None:
    player = Player()
    player.set("param/transition_steps", 10)
    player.set("param/interpolation_method", "linear")
    player.set("prompt", "one")
    player.release("prompt")
    assert player.out.desired.prompts is not None
    assert player.out.desired.prompts.seconds == pytest.approx(8.0)
    assert player.out.desired.prompts.method == "linear"
    assert "prompt_interpolation_method" not in player.params, "the plan carries it"
    player.set("param/paused", True)
    assert player.out.desired.paused
    assert player.out.fx.paused  # the program holds its picture on purpose
    player.set("param/paused", False)
    assert not player.out.desired.paused
    assert not player.out.fx.paused
    player.set("param/reset_cache", 1)
    assert [shot.name for shot in player.out.desired.one_shots] == ["reset_cache"]


def test_prompt_next_goes_round() -> None:
    player = Player()
    heads = []
    for _ in range(4):
        player.trigger("action/prompt_next")
        heads.append(player.texts[0].split(",")[0])
    assert heads == ["first spike", "second spike", "a lamp", "first spike"]
    bare = Player(themes={"card": theme_of().model_copy(update={"variations": ()})})
    issue = bare.trigger("action/prompt_next")
    assert issue is not None
    assert "[[variations]]" in issue.hint


def test_a_section_variation_accents_the_next_passage() -> None:
    player = Player(themes={"card": theme_of(**{'"energy_spike"': '"section"'})})
    player.play(10.0, energy=0.6)
    assert player.texts[2].startswith("first spike, ")
    assert player.weights[2] == 0.25
    assert sum(player.weights) == pytest.approx(1.0)


# Energy spikes, soundscape section 6


def _spike(player: Player, rise: float) -> None:
    player.play(1 / 30, energy=player.features.energy + rise, energy_rise=rise)
    player.play(1 / 30, energy_rise=0.0)


@pytest.mark.parametrize(
    ("reactivity", "below", "above"),
    [("cinematic", 0.135, 0.145), ("balanced", 0.105, 0.115), ("kinetic", 0.085, 0.095)],
)
def test_a_spike_needs_the_profiles_threshold(reactivity: str, below: float, above: float) -> None:
    for rise, spiked in ((below, False), (above, True)):
        player = Player(ShowSettings(reactivity=reactivity))  # type: ignore[arg-type]
        player.play(8.0, energy=0.05)
        _spike(player, rise)
        assert any("spike" in text for text in player.texts) is spiked


def test_a_spike_blends_a_variation_and_goes_back() -> None:
    player = Player(ShowSettings())
    player.play(8.0, energy=0.1)
    _spike(player, 0.1 + 0.1)
    plan = player.out.desired.prompts
    assert plan is not None
    assert [text.split(",")[0] for text in player.texts] == ["a lamp", "first spike"]
    assert player.weights == (0.4, 0.6), "strength 1: 0.4 + 0.2"
    assert (plan.seconds, plan.method) == (3.2, "slerp")
    assert player.out.fx.pulses[-1][1] == "zoom"
    player.play(4.7, energy=0.1)
    assert player.plan_id == plan.id
    player.play(0.3, energy=0.1)
    assert player.plan_id == plan.id + 1
    assert all(text.startswith("a lamp") for text in player.texts)
    player.play(6.0, energy=0.1)
    _spike(player, 0.12)
    assert player.texts[1].startswith("second spike")
    assert player.weights[1] == pytest.approx(0.52), "strength 0.6"


def test_spikes_wait_for_cooldown_transition_and_theme() -> None:
    fast = replace(TEXT, chunk=ChunkFacts(1, 0.02))
    player = Player(ShowSettings(), facts=fast, themes={"card": theme_of(**{"blend_s = 3.2": "blend_s = 0.5"})})
    player.play(8.0, energy=0.1)
    _spike(player, 0.2)
    first = player.plan_id
    player.play(1.9, energy=0.1)
    assert player.plan_id == first + 1, "there and back"
    _spike(player, 0.2)
    assert player.plan_id == first + 1, "2.2 s have not passed"
    player.play(0.4, energy=0.1)
    _spike(player, 0.2)
    assert player.plan_id == first + 2
    themed = Player(
        ShowSettings(), facts=replace(TEXT, chunk=ChunkFacts(1, 0.01)), grid=BeatGrid(bpm=4800.0, confidence=1.0)
    )
    themed.play(3.0, energy=0.1)
    themed.set("theme", "other")
    themed.play(0.5, energy=0.1)
    assert not themed.report.transition
    _spike(themed, 0.3)
    assert not any("spike" in text for text in themed.texts), "800 ms after a change of theme"
    themed.play(0.4, energy=0.1)
    _spike(themed, 0.3)
    assert any("spike" in text for text in themed.texts)


@pytest.mark.parametrize("why", ["macro", "setting", "silence", "override", "panic"])
def test_what_keeps_spikes_away(why: str) -> None:
    player = Player(ShowSettings(spikes=why != "setting"))
    player.play(8.0, energy=0.1)
    if why == "macro":
        player.set("macro/reaction", 0.0)
    elif why == "silence":
        player.play(0.1, gated=True)
    elif why == "override":
        player.set("prompt", "mine")
        player.play(8.0)
    elif why == "panic":
        player.trigger("action/panic")
        player.play(10.0)
    _spike(player, 0.3)
    assert not any("spike" in text for text in player.texts)


def test_a_spike_lifts_the_noise_in_video_mode() -> None:
    player = Player(ShowSettings(), facts=VIDEO)
    player.play(8.0, energy=0.1)
    before = player.params["noise_scale"]
    _spike(player, 0.2)
    assert player.params["noise_scale"] - before > 0.09  # type: ignore[operator]
    assert not player.out.fx.pulses


def test_new_words_in_the_current_theme_are_a_transition_and_a_lost_theme_moves_on() -> None:
    player = Player()
    player.play(8.0)
    player.set("param/prompt_weight", 0.8)
    player.show.replace_themes({"card": theme_of(**{"a lamp": "a lantern"}), "zoo": theme_of(slug="zoo")})
    player.play(0.1)
    assert player.report.theme == "card"
    assert player.texts[0].startswith("a lantern")
    assert player.report.held == ("param/prompt_weight",)
    before = player.out
    player.play(10.0)
    before = player.out
    player.show.replace_themes({"card": theme_of(**{"a lamp": "a lantern"})})
    player.play(0.1)
    assert player.out is before, "nothing changed"
    player.show.replace_themes({"zoo": theme_of(slug="zoo")})
    player.play(0.1)
    assert player.report.theme == "zoo"
    player.show.replace_themes({})
    player.play(0.1)
    assert player.report.theme == "minimal"
