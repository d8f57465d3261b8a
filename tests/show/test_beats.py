"""Beat actions: soundscape sections 6, 8 and 13."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from bridge.model.facts import ChunkFacts, ScopeFacts
from bridge.model.features import Features
from bridge.show import ShowSettings
from bridge.show.beats import Burst, Cooldown, SpikeDetector, noise_boost, spike_strength, variation_weight
from bridge.show.profiles import DENOISING, PACE, REACTIVITY
from tests.show.player import TEXT, VIDEO, Player, theme_of

QUICK = ChunkFacts(4, 0.16, measured=True)


def _settings(**more: object) -> ShowSettings:
    return ShowSettings(spikes=False, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "boost"),
    [
        ("pulse_noise", 0.14),
        ("prompt_cycle", 0.16),
        ("transition_trigger", 0.16),
        ("cache_reset", 0.175),
        ("none", 0.0),
    ],
)
def test_noise_boost_of_each_action(action: str, boost: float) -> None:
    assert noise_boost(action, 0.5) == pytest.approx(boost)


@pytest.mark.parametrize(("rise", "weight"), [(0.05, 0.45), (0.1, 0.5), (0.2, 0.6), (0.9, 0.6)])
def test_variation_weight_by_spike_strength(rise: float, weight: float) -> None:
    assert variation_weight(spike_strength(rise)) == pytest.approx(weight)
    assert variation_weight(1.0, 1.35) == 0.75


def test_profiles_as_the_reference_has_them() -> None:
    assert [(p.smoothing, p.beat, p.spike_threshold) for p in REACTIVITY.values()] == [
        (0.06, 0.7, 0.14),
        (0.12, 0.85, 0.11),
        (0.2, 1.05, 0.09),
    ]
    assert [(p.beat, p.spike) for p in PACE.values()] == [(0.8, 0.85), (1.0, 1.0), (1.15, 1.1)]
    assert DENOISING == {
        "speed": (1000, 500, 250),
        "balanced": (1000, 750, 500, 250),
        "quality": (1000, 850, 700, 550, 400, 250),
    }


def test_a_burst_holds_for_a_chunk_then_falls() -> None:
    burst = Burst()
    burst.fire(10.0, 0.2, hold=0.8)
    assert [round(burst.at(10.0 + t), 3) for t in (0.0, 0.8, 0.975, 1.2)] == [0.2, 0.2, 0.1, 0.0]
    burst.fire(20.0, 0.2, hold=0.8)
    burst.fire(20.1, 0.1, hold=0.8)
    assert burst.at(20.5) == 0.2, "a weaker one does not end a stronger one"
    burst.stop()
    assert burst.at(20.5) == 0.0


def test_a_cooldown() -> None:
    cooldown = Cooldown()
    assert [cooldown.take(t, 0.26) for t in (0.0, 0.25, 0.27, 0.5, 0.54)] == [True, False, True, False, True]


def test_rises_between_ticks_count_and_gaps_do_not() -> None:
    detector = SpikeDetector()
    assert detector.rise(Features(t=0.0, energy=0.9, energy_rise=0.9)) == 0.0, "the first has no rise"
    assert detector.rise(Features(t=0.03, energy=0.2)) == 0.0
    assert detector.rise(Features(t=0.06, energy=0.4, energy_rise=-0.1)) == pytest.approx(0.2)
    assert detector.rise(Features(t=0.06, energy=0.9)) == 0.0, "not newer"
    assert detector.rise(Features(t=1.06, energy=0.9)) == 0.0, "after a gap"
    assert detector.rise(Features(t=1.09, energy=float("nan"), energy_rise=float("nan"))) == 0.0


def test_every_beat_pulses_locally_at_its_own_time_stronger_on_the_downbeat() -> None:
    player = Player()
    for _ in range(3):
        player.beat()
        player.play(0.5)
    pulses = [pulse for pulse in player.out.fx.pulses if pulse[1] == "pulse"]
    assert [strength for _, _, strength in pulses] == [0.6, 0.42, 0.42]
    assert [round(b[0] - a[0], 3) for a, b in pairwise(pulses)] == [0.5, 0.5]


def test_the_beat_macro_scales_pulses_and_at_zero_beats_do_nothing() -> None:
    player = Player()
    player.set("macro/beat", 0.25)
    player.beat(in_bar=0)
    player.play(0.1)
    assert player.out.fx.pulses[0][2] == 0.3
    player.set("macro/beat", 0.0)
    before = player.out.fx
    player.beat()
    player.play(0.1)
    assert player.out.fx is before


def test_old_pulses_are_forgotten_and_at_most_sixteen_kept() -> None:
    player = Player()
    for _ in range(40):
        player.beat()
        player.play(1 / 30)
    assert len(player.out.fx.pulses) == 16
    assert list(player.out.fx.pulses) == sorted(player.out.fx.pulses)
    player.play(3.0)
    assert player.out.fx.pulses == ()


def test_pulse_noise_is_a_local_effect_in_text_mode() -> None:
    player = Player(facts=TEXT)
    player.beat()
    player.play(0.1)
    assert [(name, strength) for _, name, strength in player.out.fx.pulses] == [("pulse", 0.6), ("zoom", 0.425)]
    assert "noise_scale" not in player.params


def test_pulse_noise_is_a_burst_of_noise_in_video_mode() -> None:
    player = Player(facts=replace(VIDEO, chunk=QUICK))
    player.play(1.0)
    quiet = player.params["noise_scale"]
    player.beat()
    player.play(1 / 30)
    assert player.params["noise_scale"] == pytest.approx(quiet + 0.14 * 0.85, abs=1e-3)  # type: ignore[operator]
    assert [name for _, name, _ in player.out.fx.pulses] == ["pulse"]
    player.play(1.0)
    assert player.params["noise_scale"] == pytest.approx(quiet)


@pytest.mark.parametrize(
    ("reactivity", "pace", "factor"),
    [("cinematic", "stable", 0.56), ("balanced", "balanced", 0.85), ("kinetic", "dynamic", 1.2075)],
)
def test_profiles_scale_the_burst(reactivity: str, pace: str, factor: float) -> None:
    player = Player(_settings(reactivity=reactivity, pace=pace), facts=VIDEO)
    player.play(1.0)
    quiet = player.params["noise_scale"]
    player.beat()
    player.play(1 / 30)
    assert player.params["noise_scale"] == pytest.approx(quiet + 0.14 * factor, abs=1e-3)  # type: ignore[operator]


@pytest.mark.parametrize(("cooldown_ms", "gap", "acts"), [(0, 0.25, 1), (0, 0.27, 2), (500, 0.45, 1), (500, 0.55, 2)])
def test_cooldown_is_the_themes_and_at_least_260_ms(cooldown_ms: int, gap: float, acts: int) -> None:
    player = Player(themes={"card": theme_of(**{"cooldown_ms = 200": f"cooldown_ms = {cooldown_ms}"})})
    for _ in range(2):
        player.beat()
        player.now += gap
    player.play(1 / 30)
    assert [name for _, name, _ in player.out.fx.pulses].count("zoom") == acts
    assert [name for _, name, _ in player.out.fx.pulses].count("pulse") == 2


def test_prompt_cycle_takes_the_next_prompt_on_a_beat_but_not_in_a_transition() -> None:
    player = Player(_settings(beat_action="prompt_cycle"))
    player.play(8.0)
    player.beat()
    player.play(0.1)
    assert all(text.startswith("first spike") for text in player.texts)
    plan = player.plan_id
    player.play(1.0)
    player.beat()
    player.play(0.1)
    assert player.plan_id == plan
    player.play(6.0)
    player.beat()
    player.play(0.1)
    assert all(text.startswith("second spike") for text in player.texts)


def test_transition_trigger_blends_on_a_beat_and_goes_back() -> None:
    player = Player(_settings(beat_action="transition_trigger"))
    player.play(8.0)
    player.beat()
    player.play(0.1)
    assert player.texts[1].startswith("first spike")
    assert player.weights[1] == pytest.approx(0.485, abs=0.006)
    player.play(6.0)
    assert all(text.startswith("a lamp") for text in player.texts)


def test_beats_leave_the_performers_text_alone() -> None:
    player = Player(_settings(beat_action="prompt_cycle"))
    player.set("prompt", "mine")
    player.play(8.0)
    player.beat()
    player.play(1.0)
    assert player.texts == ("mine",)


def test_cache_reset_is_off_by_default_and_beats_pulse_instead() -> None:
    player = Player(_settings(beat_action="cache_reset"))
    player.play(8.0)
    player.beat()
    player.play(0.1)
    assert player.out.desired.one_shots == ()
    assert [name for _, name, _ in player.out.fx.pulses] == ["pulse", "zoom"]
    assert "safe" in player.report.ineffective["cache_reset"]


@pytest.mark.parametrize(("period", "gap", "resets"), [(0.16, 0.45, 1), (0.16, 0.55, 2), (0.8, 0.7, 1), (0.8, 0.85, 2)])
def test_cache_reset_waits_half_a_second_and_a_chunk(period: float, gap: float, resets: int) -> None:
    facts = replace(TEXT, chunk=ChunkFacts(12, period))
    player = Player(_settings(beat_action="cache_reset", cuts="allowed"), facts=facts)
    player.play(8.0)
    for _ in range(2):
        player.beat()
        player.now += gap
    player.play(1 / 30)
    shots = player.out.desired.one_shots
    assert [(shot.name, shot.value, shot.replay) for shot in shots] == [("reset_cache", True, False)] * resets


def test_cache_reset_does_not_break_a_transition() -> None:
    player = Player(_settings(beat_action="cache_reset", cuts="allowed"))
    player.play(8.0)
    player.set("theme", "other")
    player.beat()
    player.play(0.1)
    assert player.out.desired.one_shots == ()


def test_none_leaves_the_local_pulse() -> None:
    player = Player(_settings(beat_action="none"), facts=VIDEO)
    player.play(1.0)
    before = player.out.desired
    player.beat()
    player.play(0.1)
    assert player.out.desired is before
    assert [name for _, name, _ in player.out.fx.pulses] == ["pulse"]


def test_the_pulse_action_is_a_beat_by_hand() -> None:
    player = Player()
    player.trigger("action/pulse")
    assert [name for _, name, _ in player.out.fx.pulses] == ["pulse", "zoom"]
    plain = Player(facts=ScopeFacts())
    plain.trigger("action/pulse")
    assert plain.out.fx.pulses
