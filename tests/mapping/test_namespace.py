"""The OSC addresses that always work."""

from __future__ import annotations

import math

import pytest

from bridge.mapping import Mapper, MappingSet
from bridge.model.board import ProblemBoard
from bridge.model.facts import ParamSpec, PipelineSchema
from bridge.model.targets import ACTIONS, EFFECTS, MACROS, Intent
from tests.mapping.makers import osc


def ask(address: str, *args: object) -> list[tuple[str, str, object]]:
    intents = Mapper().feed(osc(address, *args), {}, 0.0)  # type: ignore[arg-type]
    assert all(intent.origin == "osc:127.0.0.1:9700" and not intent.normalised for intent in intents)
    return [(intent.target, intent.kind, intent.value) for intent in intents]


@pytest.mark.parametrize(
    ("address", "args", "target", "kind", "value"),
    [
        ("/bridge/param/noise_scale", (0.5,), "param/noise_scale", "set", 0.5),
        ("/bridge/param/noise_scale", ("0.5",), "param/noise_scale", "set", 0.5),
        ("/bridge/param/noise_scale", (1,), "param/noise_scale", "set", 1.0),
        ("/bridge/param/noise_scale", (0.1, 0.2, 0.3), "param/noise_scale", "set", 0.3),
        ("/bridge/param/transition_s", ("8 beats",), "param/transition_s", "set", "8 beats"),
        ("/bridge/param/transition_s", (2.0, "bars"), "param/transition_s", "set", "2 bars"),
        ("/bridge/param/transition_s", ("400 ms",), "param/transition_s", "set", 0.4),
        ("/bridge/quantize", ("bar",), "param/quantize_mode", "set", "bar"),
        ("/scope/quantize_mode", ("4_BAR",), "param/quantize_mode", "set", "4_bar"),
        ("/bridge/param/base_seed", (41.7,), "param/base_seed", "set", 42),
        ("/bridge/param/noise_controller", ("off",), "param/noise_controller", "set", False),
        ("/bridge/param/noise_controller", (), "param/noise_controller", "set", True),
        ("/bridge/param/prompt_interpolation_method", ("SLERP",), "param/prompt_interpolation_method", "set", "slerp"),
        ("/bridge/param/denoising_step_list", (1000, 750.0), "param/denoising_step_list", "set", (1000, 750.0)),
        ("/bridge/param/denoising_step_list", ("[1000, 750]",), "param/denoising_step_list", "set", (1000, 750)),
        ("/bridge/param/denoising_step_list", ((1000, 750),), "param/denoising_step_list", "set", (1000, 750)),
        ("/bridge/param/a_plugins_own", ("2",), "param/a_plugins_own", "set", 2.0),
        ("/bridge/param/a_plugins_own", ("blue",), "param/a_plugins_own", "set", "blue"),
        ("/bridge/theme", ("neon-foundry",), "theme", "set", "neon-foundry"),
        ("/bridge/theme", (2,), "theme", "set", 2.0),
        ("/bridge/theme", ("2",), "theme", "set", 2.0),
        ("/bridge/theme/neon-foundry", (), "theme/neon-foundry", "trigger", None),
        ("/bridge/theme/neon-foundry", (0,), "theme/neon-foundry", "release", None),
        ("/bridge/action/tap", (), "action/tap", "trigger", None),
        ("/bridge/action/tap", (None,), "action/tap", "trigger", None),
        ("/bridge/action/tap", (True,), "action/tap", "trigger", None),
        ("/bridge/action/tap", (0.01,), "action/tap", "trigger", None),
        ("/bridge/action/tap", ("1",), "action/tap", "trigger", None),
        ("/bridge/action/tap", (0,), "action/tap", "release", None),
        ("/bridge/action/tap", (False,), "action/tap", "release", None),
        ("/bridge/action/tap", (-1,), "action/tap", "release", None),
        ("/bridge/macro/reaction", (0.25,), "macro/reaction", "set", 0.25),
        ("/bridge/macro/reaction", (25,), "macro/reaction", "set", 1.0),
        ("/bridge/fx/trails", (0.5,), "fx/trails", "set", 0.5),
        ("/bridge/fx/pulse", (), "fx/pulse", "trigger", 1.0),
        ("/bridge/fx/pulse", (0.4,), "fx/pulse", "trigger", 0.4),
        ("/bridge/fx/zoom", (0,), "fx/zoom", "release", None),
        ("/bridge/bpm", (128,), "tempo/bpm", "set", 128.0),
        ("/bridge/server", (2,), "server", "set", 2.0),
        ("/bridge/server", ("gpu.local",), "server", "set", "gpu.local"),
        ("/bridge/prompt", ("a red fox",), "prompt", "set", "a red fox"),
        ("/bridge/prompt", ("a", "red", "fox", 2), "prompt", "set", "a red fox 2"),
        ("/scope/noise_scale", (0.5,), "param/noise_scale", "set", 0.5),
        ("/scope/longlive/noise_scale", (0.5,), "param/noise_scale", "set", 0.5),
        ("/scope/prompt", ("a fox",), "prompt", "set", "a fox"),
        ("/scope/prompt", (7,), "prompt", "set", "7"),
        ("/scope/reset_cache", (True,), "action/reset_cache", "trigger", None),
        ("/scope/reset_cache", (0,), "action/reset_cache", "release", None),
        ("/bridge/param/reset_cache", (1,), "action/reset_cache", "trigger", None),
    ],
)
def test_table(address: str, args: tuple[object, ...], target: str, kind: str, value: object) -> None:
    assert ask(address, *args) == [(target, kind, value)]


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_has_an_address(name: str) -> None:
    assert ask(f"/bridge/action/{name}") == [(f"action/{name}", "trigger", None)]


@pytest.mark.parametrize("target", [*(f"macro/{name}" for name in MACROS), *(f"fx/{name}" for name in EFFECTS)])
def test_every_macro_and_effect_has_an_address(target: str) -> None:
    ((found, _, value),) = ask(f"/bridge/{target}", 0.5)
    assert (found, value) == (target, 0.5)


@pytest.mark.parametrize(
    ("address", "args", "reason"),
    [
        ("/bridge/param/noise_scale", (), "no value"),
        ("/bridge/param/noise_scale", ("loud",), "not a number"),
        ("/bridge/param/noise_scale", (b"\x00",), "not a number"),
        ("/bridge/param/noise_scale", (math.nan,), "not a finite number"),
        ("/bridge/param/noise_scale", ("nan",), "not a finite number"),
        ("/bridge/param/noise_scale", (math.inf,), "not a finite number"),
        ("/bridge/param/noise_scale", (10**400,), "not a finite number"),
        ("/bridge/param/noise_controller", ("perhaps",), "not on or off"),
        ("/bridge/param/prompt_interpolation_method", ("cubic",), "not one of its choices"),
        ("/bridge/param/denoising_step_list", ("1000 750",), "not a list"),
        ("/bridge/param/denoising_step_list", ("[" * 5000,), "not a list"),
        ("/bridge/param/denoising_step_list", (1000, math.nan), "not a finite number"),
        ("/bridge/param/", (1,), "unknown address under /bridge or /scope"),
        ("/bridge/theme", (), "not a text"),
        ("/bridge/theme", ("  ",), "empty text"),
        ("/bridge/action/pannic", (), "unknown address under /bridge or /scope"),
        ("/bridge/action/panic", ("loud",), "not on or off"),
        ("/bridge/action/panic", (math.nan,), "not on or off"),
        ("/bridge/macro/reaction", (), "no value"),
        ("/bridge/macro/nope", (1,), "unknown address under /bridge or /scope"),
        ("/bridge/fx/pulse", ("x",), "not a number"),
        ("/bridge/bpm", (0,), "not a tempo"),
        ("/bridge/bpm", (-120,), "not a tempo"),
        ("/bridge/bpm", ("fast",), "not a number"),
        ("/bridge/server", (), "not a text"),
        ("/bridge/prompt", (), "not a text"),
        ("/bridge/prompt", (b"x",), "not a text"),
        ("/bridge/state/bpm", (120,), "/bridge/state is sent, not received"),
        ("/bridge/", (), "unknown address under /bridge or /scope"),
        ("/scope/", (), "unknown address under /bridge or /scope"),
    ],
)
def test_bad_messages_have_one_reason_and_change_nothing(address: str, args: tuple[object, ...], reason: str) -> None:
    board = ProblemBoard()
    mapper = Mapper(reject=board.reject)
    assert mapper.feed(osc(address, *args), {}, 0.0) == ()  # type: ignore[arg-type]
    assert board.rejected == {("osc:127.0.0.1:9700", reason): 1}


def test_rejections_say_what_to_do() -> None:
    told: list[tuple[str, str, str]] = []
    Mapper(reject=lambda *words: told.append(words)).feed(osc("/bridge/action/pannic", 1), {}, 0.0)
    assert told[0][2] == '/bridge/action/pannic 1. Did you mean "/bridge/action/panic"?'


def test_themes_are_checked_once_they_are_known() -> None:
    mapper = Mapper(themes=["neon-foundry"])
    assert mapper.feed(osc("/bridge/theme/neon-fondry"), {}, 0.0) == ()
    assert mapper.feed(osc("/bridge/theme/neon-foundry"), {}, 0.0)
    mapper.set_themes(["neon-fondry"])
    assert mapper.feed(osc("/bridge/theme/neon-fondry"), {}, 0.0)
    assert "/bridge/theme/neon-fondry" in mapper.known_addresses()


def test_the_schema_decides_types() -> None:
    mapper = Mapper()
    specs = {"colour": ParamSpec("colour", "string", choices=("red", "blue")), "glow": ParamSpec("glow", "boolean")}
    mapper.set_schema(PipelineSchema("x", ("text",), "text", specs))
    assert mapper.feed(osc("/scope/colour", "Blue"), {}, 0.0)[0].value == "blue"
    assert mapper.feed(osc("/scope/glow", 1.0), {}, 0.0)[0].value is True
    assert mapper.feed(osc("/scope/colour", "green"), {}, 0.0) == ()


def test_the_time_of_arrival_is_kept() -> None:
    (intent,) = Mapper().feed(osc("/bridge/bpm", 120, t=42.5), {}, 43.0)
    assert intent == Intent(42.5, "tempo/bpm", "set", 120.0, origin="osc:127.0.0.1:9700")


@pytest.mark.parametrize(
    ("address", "counts"),
    [
        ("/bridge/action/tap", True),
        ("/bridge/theme/neon-foundry", True),
        ("/bridge/fx/pulse", True),
        ("/bridge/fx/zoom", True),
        ("/scope/reset_cache", True),
        ("/scope/lora_scales", True),
        ("/bridge/param/reset_cache", True),
        ("/bridge/fx/trails", False),
        ("/bridge/param/noise_scale", False),
        ("/bridge/theme", False),
        ("/bridge/macro/reaction", False),
        ("/scope/noise_scale", False),
        ("/anything/else", False),
    ],
)
def test_triggers_are_all_kept_and_values_are_not(address: str, counts: bool) -> None:
    assert Mapper(MappingSet()).is_trigger(address) is counts


def test_known_addresses_are_listed_for_patterns() -> None:
    assert {"/bridge/action/panic", "/bridge/fx/hue", "/scope/noise_scale", "/bridge/param/noise_scale"} <= (
        Mapper().known_addresses()
    )
