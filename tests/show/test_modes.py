"""What has an effect where: soundscape section 13 and scope-protocol sections 6.3 and 6.6."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.model.data import shipped
from bridge.model.facts import ScopeFacts
from bridge.show import ShowSettings, load_themes
from tests.show.player import KREA, LONGLIVE, PASSTHROUGH, PLUGIN, TEXT, VIDEO, Player, theme_of

VACE_VIDEO = replace(VIDEO, vace_active=True)
NO_VACE = replace(LONGLIVE, supports_vace=False)


@pytest.mark.parametrize(
    ("name", "facts", "says"),
    [
        ("noise_scale", VIDEO, None),
        ("noise_scale", TEXT, "no effect in text mode"),
        ("noise_scale", VACE_VIDEO, "input video goes to VACE"),
        ("noise_scale", replace(VACE_VIDEO, vace_use_input_video=False), None),
        ("noise_controller", TEXT, "no effect in text mode"),
        ("noise_controller", VIDEO, None),
        ("kv_cache_attention_bias", TEXT, "krea-realtime-video has"),
        ("kv_cache_attention_bias", replace(TEXT, schema=KREA), None),
        ("vace_context_scale", replace(TEXT, vace_active=True), None),
        ("vace_context_scale", replace(TEXT, schema=NO_VACE, vace_active=True), "longlive has no VACE"),
        ("denoising_step_list", TEXT, None),
        ("manage_cache", TEXT, None),
        ("base_seed", TEXT, None),
        ("width", TEXT, "read only while the pipeline loads"),
        ("noise_scale", ScopeFacts(mode="video", schema=PASSTHROUGH), "does not generate"),
        ("noise_scale", ScopeFacts(schema=PLUGIN, mode="video"), "glow-plugin does not read noise_scale"),
        ("glow", ScopeFacts(schema=PLUGIN), None),
    ],
)
def test_what_has_no_effect_is_not_sent_and_said(name: str, facts: ScopeFacts, says: str | None) -> None:
    player = Player(facts=facts)
    value = (1000, 500) if name == "denoising_step_list" else 1
    assert player.set(f"param/{name}", value) is None
    report = player.report
    assert name in report.desired
    if says is None:
        assert name in player.params
        assert name in report.effective
        assert name not in report.ineffective
    else:
        assert name not in player.params
        assert name not in report.effective
        assert says in report.ineffective[name]
        assert report.ineffective[name].endswith((".", "?"))


def test_a_hold_on_a_reference_is_sent_ahead_of_the_reference() -> None:
    """It does no harm, and is there when the reference comes; it is said to do nothing yet."""
    player = Player(facts=TEXT)
    assert player.set("param/vace_context_scale", 1.25) is None
    assert player.params["vace_context_scale"] == 1.25
    assert "VACE is off" in player.report.ineffective["vace_context_scale"]


def test_each_shipped_theme_names_what_it_drives_instead_of_noise() -> None:
    themes, _ = load_themes([shipped("themes")])
    for slug, theme in themes.items():
        player = Player(ShowSettings(theme=slug), themes)
        said = player.report.ineffective["noise_scale"]
        assert f"{theme.name} drives " in said
        for lever in theme.text.instead_of_noise:
            assert lever in said
        before = player.weights, player.out.fx.levels
        player.play(20.0, energy=0.95, brightness=0.9, texture=0.6, mid=0.8, low=0.8, high=0.7)
        assert player.weights != before[0]
        assert player.out.fx.levels != before[1]


def test_a_theme_of_one_prompt_does_not_claim_to_drive_weights() -> None:
    theme = theme_of(**{'calm = "asleep"\nintense = "awake"\n': ""})
    player = Player(themes={"card": theme})
    assert "drives fx/zoom instead" in player.report.ineffective["noise_scale"]
    assert "no calm and intense prompt" in player.report.ineffective["prompt_weight"]
    assert player.weights == (1.0,)
    plain = theme_of(**{'instead_of_noise = ["prompt_weight", "fx/zoom"]': "", '"fx/zoom"]': "]"})
    assert plain.stand_ins == ("prompt_weight",)


def test_video_mode_sends_noise_with_the_controller_off_and_one_prompt() -> None:
    player = Player(facts=VIDEO)
    player.play(3.0, energy=1.0)
    assert player.params["noise_scale"] == pytest.approx(0.8, abs=0.01)
    assert player.params["noise_controller"] is False
    assert player.weights == (1.0,)
    player.set("param/noise_controller", True)
    assert player.params["noise_controller"] is True


def test_weights_do_not_move_in_video_mode_because_each_change_cuts() -> None:
    player = Player(facts=VIDEO)
    player.set("param/prompt_weight", 0.9)
    assert player.weights == (1.0,)
    assert "cut" in player.report.ineffective["prompt_weight"]


def test_a_change_of_mode_changes_what_is_driven() -> None:
    player = Player(facts=TEXT)
    player.play(8.0, energy=0.5)
    assert "noise_scale" not in player.params
    assert len(player.texts) == 2
    player.facts = VIDEO
    player.play(8.0, energy=0.5)
    assert "noise_scale" in player.params
    assert len(player.texts) == 1
    assert "denoising_step_list" not in player.params, "video mode keeps the pipeline's own steps"


def test_a_pipeline_without_prompts_gets_none() -> None:
    player = Player(facts=ScopeFacts(mode="video", schema=PASSTHROUGH))
    assert player.out.desired.prompts is None
    assert dict(player.params) == {}
    assert "prompts" in player.report.ineffective
    player.beat()
    player.play(0.1)
    assert player.out.fx.pulses, "the local pulse needs no server"


def test_the_private_key_for_text_noise_is_opt_in() -> None:
    player = Player(ShowSettings(unsafe_text_noise=True), facts=TEXT)
    player.play(2.0, energy=0.0)
    assert player.params["_modulated_noise_scale"] is True
    assert player.params["noise_scale"] == pytest.approx(0.86), "first step 760 stays above the second, 750"
    assert "noise_scale" not in player.report.ineffective
    assert "_modulated_noise_scale" not in Player(facts=TEXT).params


def test_parameters_of_a_plugin_are_typed_by_its_schema() -> None:
    player = Player(facts=ScopeFacts(schema=PLUGIN))
    player.set("param/glow", 0.5, normalised=True)
    player.set("param/rings", 4.6)
    player.set("param/look", "HARD")
    player.trigger("param/mirror")
    assert {k: player.params[k] for k in ("glow", "rings", "look", "mirror")} == {
        "glow": 1.0,
        "rings": 5,
        "look": "hard",
        "mirror": True,
    }
    assert isinstance(player.params["rings"], int)
    player.trigger("param/mirror")
    player.set("param/look", 0.99, normalised=True)
    assert player.params["mirror"] is False
    assert player.params["look"] == "none"


@pytest.mark.parametrize(
    ("target", "value", "normalised", "says"),
    [
        ("param/noise_scal", 0.5, False, 'Did you mean "noise_scale"?'),
        ("param/noise_scale", "loud", False, "It takes a number 0..1."),
        ("param/noise_scale", float("nan"), False, "cannot take nan"),
        ("param/noise_scale", None, False, "It takes a number 0..1."),
        ("param/vae_type", "huge", False, "wan, lightvae"),
        ("param/vace_ref_images", (1e400,), False, "a list"),
        ("param/first_frame_image", 0.5, True, "has no range to spread"),
        ("macro/reactoin", 0.5, False, 'Did you mean "reaction"?'),
        ("macro/beat", "x", False, "Give a number"),
        ("fx/zoomm", 0.5, False, 'Did you mean "zoom"?'),
        ("fx/zoom", "x", False, "Give a number"),
        ("action/panik", None, False, 'Did you mean "panic"?'),
        ("action/tap", None, False, "tempo clock"),
        ("theme/xyz", None, False, "Known: card, other."),
        ("theme", 9, False, "There are 2."),
        ("theme", None, False, "number from 1"),
        ("prompt", "  ", False, "needs a text"),
        ("prompt", "x" * 1001, False, "Shorten it"),
        ("tempo/bpm", 120, False, "not a target of the show"),
        ("parm/noise_scale", 1, False, 'Did you mean "param"?'),
    ],
)
def test_a_wrong_intent_is_refused_with_its_mend_and_changes_nothing(
    target: str, value: object, normalised: bool, says: str
) -> None:
    player = Player()
    player.play(8.0)
    before = player.out
    issue = player.set(target, value, normalised=normalised)
    assert issue is not None
    assert says in str(issue)
    assert issue.where == target
    assert issue.source == "test"
    assert player.out is before
