"""Panic, blackout, freeze, pause, one-shots, local effects and ambient mode."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.show import ShowSettings
from bridge.show.effects import Latch
from tests.show.player import TEXT, VIDEO, Player, theme_of


def test_panic_goes_back_to_the_themes_base_and_keeps_the_picture() -> None:
    player = Player(ShowSettings(), facts=VIDEO)
    player.set("param/noise_scale", 0.1)
    player.set("fx/trails", 0.8)
    player.set("prompt", "mine")
    player.play(8.0, energy=0.9)
    player.beat()
    player.trigger("action/panic")
    assert player.params["noise_scale"] == pytest.approx(0.6)
    assert player.out.fx.levels == {}
    assert player.out.fx.pulses == ()
    assert player.texts == ("a lamp, low, on film",)
    assert not (player.out.desired.paused or player.out.fx.blackout or player.out.fx.freeze)
    after = player.out
    for _ in range(20):
        player.beat()
        player.play(1.0, energy=0.2)
        player.play(1.0, energy=0.95, energy_rise=0.75)
    assert player.out is after, "no automation"
    assert player.report.panic
    player.set("param/noise_scale", 0.3)
    assert player.params["noise_scale"] == 0.3, "hands still work"
    player.trigger("action/panic")
    player.play(3.0, energy=1.0)
    assert player.params["noise_scale"] == pytest.approx(0.5, abs=0.01), "music is back"
    player.intent("action/panic", "trigger")
    player.play(2.0)
    player.intent("action/panic", "release")
    assert player.report.panic, "letting the button go does not end a panic"


@pytest.mark.parametrize("name", ["blackout", "freeze", "pause"])
def test_each_switch_is_undone_by_itself_only(name: str) -> None:
    def state(player: Player) -> dict[str, bool]:
        out = player.out
        return {"blackout": out.fx.blackout, "freeze": out.fx.freeze, "pause": out.desired.paused}

    player = Player()
    player.trigger(f"action/{name}")
    on = {"blackout": False, "freeze": False, "pause": False} | {name: True}
    assert state(player) == on
    for other in ("panic", "theme_next", "reset_cache"):
        player.trigger(f"action/{other}")
    assert state(player) == on
    player.trigger(f"action/{name}")
    assert not any(state(player).values())
    player.set(f"action/{name}", True)
    player.set(f"action/{name}", True)
    assert state(player) == on
    target = "param/paused" if name == "pause" else f"action/{name}"
    assert player.set(target, "rubbish") is not None
    assert state(player) == on
    player.set(f"action/{name}", 0)
    assert not any(state(player).values())


def test_a_tap_latches_and_a_held_press_ends_with_its_release() -> None:
    latch = Latch()
    latch.trigger(10.0)
    latch.release(10.2)
    assert latch.on
    latch.trigger(20.0)
    latch.release(20.1)
    assert not latch.on
    latch.trigger(30.0)
    latch.release(32.0)
    assert not latch.on


def test_brightness_macro_and_held_effects() -> None:
    player = Player()
    assert player.out.fx.brightness == 1.0
    player.set("macro/brightness", 0.4)
    player.set("fx/hue", 0.25)
    player.set("fx/trails", 3.0)
    assert player.out.fx.brightness == 0.4
    assert dict(player.out.fx.levels) == {"hue": 0.25, "trails": 1.0}
    player.release("fx/trails")
    assert dict(player.out.fx.levels) == {"hue": 0.25}
    player.trigger("fx/zoom", 0.7)
    assert player.out.fx.pulses[-1][1:] == ("zoom", 0.7)
    player.trigger("fx/zoom")
    assert player.out.fx.pulses[-1][1:] == ("zoom", 1.0)
    assert player.report.held == ("fx/hue",)


def test_one_shots_are_numbered_and_references_outlive_resets() -> None:
    player = Player()
    assert player.set("param/vace_ref_images", "/assets/a.png") is None
    player.set("param/vace_ref_images", ("/assets/b.png",))
    for _ in range(30):
        player.trigger("action/reset_cache")
    shots = player.out.desired.one_shots
    assert len(shots) == 16
    assert [shot.id for shot in shots] == [2, *range(18, 33)]
    assert (shots[0].name, shots[0].value, shots[0].replay) == ("vace_ref_images", ("/assets/b.png",), True)
    assert player.set("param/vace_ref_images", ()) is None, "an empty list clears them"
    assert player.out.desired.one_shots[-1].value == ()


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("lora_scales", {"path": "/a", "scale": 99}, ({"path": "/a", "scale": 10.0},)),
        ("lora_scales", ({"path": "/a"},), ({"path": "/a", "scale": 1.0},)),
        ("lora_scales", ({"path": 3, "scale": 1},), None),
        ("lora_scales", (0.5,), None),
        ("vace_ref_images", (0.5,), None),
        ("vace_ref_images", ("",), None),
        ("first_frame_image", "/a.png", "/a.png"),
        ("ctrl_input", {"button": ["KeyW"]}, {"button": ["KeyW"]}),
        ("ctrl_input", "KeyW", None),
    ],
)
def test_one_shots_are_checked_because_one_bad_value_stops_the_video(name: str, value: object, kept: object) -> None:
    player = Player()
    issue = player.set(f"param/{name}", value)
    assert (issue is None) is (kept is not None)
    assert [shot.value for shot in player.out.desired.one_shots] == ([] if kept is None else [kept])


def test_a_one_shot_the_pipeline_cannot_take_is_refused() -> None:
    player = Player(facts=replace(TEXT, schema=replace(TEXT.schema, supports_vace=False, supports_lora=False)))  # type: ignore[type-var]
    assert "no VACE" in str(player.set("param/vace_ref_images", "/assets/a.png"))
    assert "no LoRA" in str(player.set("param/lora_scales", ({"path": "x", "scale": 1.0},)))
    assert player.out.desired.one_shots == ()


def test_a_new_seed_is_a_cut_with_another_seed_and_repeatable() -> None:
    first, second = Player(), Player()
    for player in (first, second):
        player.set("param/base_seed", 7)
        assert player.params["base_seed"] == 7
        player.trigger("action/new_seed")
    assert first.params["base_seed"] == second.params["base_seed"] != 7
    assert [shot.name for shot in first.out.desired.one_shots] == ["reset_cache"]
    seed = first.params["base_seed"]
    first.trigger("action/new_seed")
    assert first.params["base_seed"] != seed
    first.intent("action/new_seed", "release")
    assert len(first.out.desired.one_shots) == 2


def test_arrived_is_when_the_newest_outside_event_came() -> None:
    player = Player(facts=VIDEO)
    assert player.out.desired.arrived is None
    player.set("macro/reaction", 0.0)
    at = player.now
    player.set("param/noise_scale", 0.11)
    assert player.out.desired.arrived == at
    revision = player.out.desired.revision
    player.set("param/noise_scale", 0.12)
    assert player.out.desired.revision == revision + 1


def test_equal_states_are_the_same_objects() -> None:
    player = Player()
    player.play(8.0)
    out = player.out
    player.play(5.0)
    assert player.out is out
    player.beat()
    player.play(1 / 30)
    assert player.out.desired is out.desired
    assert player.out.fx is not out.fx


def test_a_change_of_denoising_waits_for_the_end_of_the_transition() -> None:
    themes = {
        "card": theme_of(),
        "fast": theme_of(slug="fast", **{'denoising = "balanced"': 'denoising = "speed"', "a lamp": "a bird"}),
    }
    player = Player(themes=themes)
    player.play(3.0)
    player.set("theme", "fast")
    assert player.params["denoising_step_list"] == (1000, 750, 500, 250)
    player.play(7.0)
    assert player.params["denoising_step_list"] == (1000, 750, 500, 250)
    player.play(1.5)
    assert player.params["denoising_step_list"] == (1000, 500, 250)
    fixed = Player(ShowSettings(denoising="quality"), themes)
    assert fixed.params["denoising_step_list"] == (1000, 850, 700, 550, 400, 250)
    assert "denoising_step_list" not in Player(ShowSettings(denoising="pipeline"), themes).params


# Ambient mode, soundscape section 10


def test_ambient_drifts_noise_in_video_mode_and_leaves_on_the_first_sound() -> None:
    player = Player(facts=VIDEO)
    player.play(3.0, energy=0.7)
    player.play(1.9, gated=True)
    assert not player.report.ambient
    player.play(0.3, gated=True)
    assert player.report.ambient
    player.play(6.0, gated=True)
    plan, seen = player.plan_id, []
    player.play(18.0, lambda out: seen.append(out.desired.params["noise_scale"]), gated=True)
    assert min(seen) == pytest.approx(0.44, abs=0.002)
    assert max(seen) == pytest.approx(0.52, abs=0.002)
    assert player.plan_id == plan, "the prompt is not sent again"
    player.play(1 / 30, gated=False, energy=0.5)
    assert not player.report.ambient


def test_ambient_drifts_prompt_weights_in_text_mode() -> None:
    player = Player()
    player.play(10.0, gated=True, energy=0.0)
    plan, weights = player.plan_id, set()
    player.play(24.0, lambda out: weights.add(out.desired.prompts.prompts[1].weight))
    assert player.plan_id == plan
    assert len(weights) > 5
    assert max(weights) - min(weights) > 0.3


def test_ambient_can_be_switched_off_and_features_that_stop_are_silence() -> None:
    player = Player(ShowSettings(ambient=False))
    player.play(10.0, gated=True)
    assert not player.report.ambient
    stuck = Player()
    stuck.play(1.0, energy=0.8)
    world = stuck.world
    for tick in range(150):
        stuck.show.tick(world, stuck.now + tick / 30)
    assert stuck.report.ambient
