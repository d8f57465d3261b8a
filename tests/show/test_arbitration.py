"""Who decides a value: the order as a table, then controls over a whole show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.model.facts import ParamSpec
from bridge.show import ShowSettings
from bridge.show.arbitration import Touch, decide
from tests.show.player import KREA, OTHER, TEXT, VIDEO, Player, theme_of

NOISE = ParamSpec("noise_scale", "number", 0.0, 1.0, 0.7)


@pytest.mark.parametrize(
    ("what", "more", "value"),
    [
        ("the theme's base", {}, 0.6),
        ("a control above it", {"touch": Touch(0.3)}, 0.3),
        ("a normalised control", {"touch": Touch(0.25, normalised=True)}, 0.25),
        ("a reaction around the base", {"reaction": 0.1}, 0.7),
        ("a reaction around the control", {"touch": Touch(0.3), "reaction": 0.1}, 0.4),
        ("the macro at 0 stops the music", {"reaction": 0.1, "macro": 0.0}, 0.6),
        ("the macro at 1 doubles it", {"reaction": 0.05, "macro": 1.0}, 0.7),
        ("without a control it stays in the theme's range", {"reaction": 0.3}, 0.8),
        ("also downwards", {"reaction": -0.5}, 0.4),
        ("with one it may leave it", {"touch": Touch(0.82), "reaction": 0.05}, 0.87),
        ("a boost goes on top of the range", {"reaction": 0.3, "boost": 0.05}, 0.85),
        ("up to the ceiling", {"reaction": 0.3, "boost": 0.5}, 0.9),
        ("which does not hold a control down", {"touch": Touch(0.97), "boost": 0.2}, 0.97),
        ("the schema clamps last", {"touch": Touch(5.0), "reaction": 0.1}, 1.0),
        ("below too", {"touch": Touch(-5.0), "reaction": -0.1}, 0.0),
        ("a control that does not fit is no control", {"touch": Touch("loud")}, 0.6),
        ("nor one that is no number", {"touch": Touch(float("nan"))}, 0.6),
    ],
)
def test_the_order(what: str, more: dict[str, object], value: float) -> None:
    decided = decide(NOISE, 0.6, theme_range=(0.4, 0.8), ceiling=0.9, **more)  # type: ignore[arg-type]
    assert decided == pytest.approx(value), what


def test_the_last_touch_wins_and_holds_until_release() -> None:
    player = Player(facts=VIDEO)
    player.set("macro/reaction", 0.0)
    assert player.params["noise_scale"] == pytest.approx(0.6)
    player.set("param/noise_scale", 0.2)
    player.set("param/noise_scale", 0.35)
    player.play(10.0, energy=0.9)
    assert player.params["noise_scale"] == 0.35
    player.release("param/noise_scale")
    assert player.params["noise_scale"] == pytest.approx(0.6)


def test_a_control_holds_until_the_theme_changes() -> None:
    player = Player(facts=VIDEO)
    player.set("macro/reaction", 0.0)
    player.set("param/noise_scale", 0.2)
    player.set("fx/trails", 0.5)
    player.set("theme", "other")
    assert player.params["noise_scale"] == pytest.approx(0.6)
    assert player.out.fx.levels == {}
    assert player.show.values["macro/reaction"] == 0.0


def test_music_moves_around_the_control_and_the_macro_scales_it() -> None:
    player = Player(facts=VIDEO)
    player.set("param/noise_scale", 0.5)
    player.play(5.0, energy=1.0)
    assert player.params["noise_scale"] == pytest.approx(0.7, abs=0.01)
    player.set("macro/reaction", 0.25)
    assert player.params["noise_scale"] == pytest.approx(0.6, abs=0.01)
    player.release("macro/reaction")
    assert player.params["noise_scale"] == pytest.approx(0.7, abs=0.01)


def test_normalised_values_are_spread_over_the_schema() -> None:
    player = Player(facts=replace(TEXT, vace_active=True))
    player.set("param/vace_context_scale", 0.75, normalised=True)
    assert player.params["vace_context_scale"] == 1.5
    player.facts = replace(TEXT, schema=KREA)
    player.set("param/kv_cache_attention_bias", 0.0, normalised=True)
    assert player.params["kv_cache_attention_bias"] == 0.01


def test_a_parameter_that_was_let_go_returns_to_its_default_on_the_server() -> None:
    player = Player(facts=replace(TEXT, schema=KREA))
    assert "kv_cache_attention_bias" not in player.params
    player.set("param/kv_cache_attention_bias", 0.3)
    player.release("param/kv_cache_attention_bias")
    assert player.params["kv_cache_attention_bias"] == 1.0, "the server keeps what it was told last"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ((250, 750.4, 1000, 750), (1000, 750, 250)),
        ((0, 5000), (1000, 1)),
        (900, (900,)),
        ("500", (500,)),
    ],
)
def test_a_denoising_list_is_repaired(sent: object, kept: tuple[int, ...]) -> None:
    player = Player()
    assert player.set("param/denoising_step_list", sent) is None
    assert player.params["denoising_step_list"] == kept


def test_pickup_values_show_what_a_knob_would_change() -> None:
    player = Player(facts=VIDEO)
    player.play(3.0, energy=1.0)
    assert player.show.values["param/noise_scale"] == pytest.approx(0.6), "the rest, not what the music makes of it"
    player.set("param/noise_scale", 0.2)
    assert player.show.values["param/noise_scale"] == pytest.approx(0.2)
    assert player.show.values["param/kv_cache_attention_bias"] == 1.0
    assert player.show.values["param/vae_type"] == 0.0
    assert player.show.values["param/denoising_step_list"] is None
    player.set("fx/hue", 0.3)
    assert player.show.values["fx/hue"] == 0.3
    assert player.show.values is player.show.values, "not built anew for every knob"


def test_offline_the_desired_state_stands_and_nothing_is_called_effective() -> None:
    player = Player(facts=replace(TEXT, state="offline", schema=None))
    assert player.set("param/made_up", 0.4) is None
    report = player.report
    assert report.desired["made_up"] == 0.4
    assert dict(report.effective) == {}
    assert "made_up" in report.ineffective
    player.facts = TEXT
    player.play(0.1)
    assert "made_up" not in player.params
    assert 'longlive has no parameter "made_up"' in player.report.ineffective["made_up"]


def test_theme_order_and_start() -> None:
    themes = {name: theme_of(slug=name) for name in ("a", "b", "c")} | {"other": OTHER}

    player = Player(ShowSettings(theme="gone", theme_order=("c", "missing", "other")), themes)
    assert player.report.themes == ("c", "other", "a", "b")
    assert player.report.theme == "c"
