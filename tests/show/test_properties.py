"""Whatever people and music do, the state stays one that the pipeline can take."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.beatgrid import BeatGrid
from bridge.model.desired import DesiredState
from bridge.model.events import BeatEvent, SectionEvent
from bridge.model.facts import ChunkFacts, PipelineSchema, ScopeFacts
from bridge.model.features import Features
from bridge.model.targets import ACTIONS, EFFECTS, MACROS, Intent
from bridge.model.world import World
from bridge.show import Show, ShowOutput, ShowSettings
from bridge.show.parameters import FALLBACK, Parameters
from bridge.show.transitions import chunks
from tests.show.player import KREA, LONGLIVE, OTHER, PASSTHROUGH, PLUGIN, theme_of

THEMES = {
    "card": theme_of(),
    "other": OTHER,
    "cycle": theme_of(slug="cycle", pulse_noise="prompt_cycle"),
    "cut": theme_of(slug="cut", **{"pulse_noise": "cache_reset", '"energy_spike"': '"section"'}),
    "parts": theme_of(slug="parts", **{'"energy_spike"': '"section"\nsections = ["drop", "build_up"]'}),
}
NAMES = [*FALLBACK, "glow", "rings", "look", "mirror", "prompt_weight", "transition_s", "made_up", "width", "prompt"]
TARGETS = [
    *(f"param/{name}" for name in [*NAMES, "paused", "reset_cache", "transition_steps", "denoising_steps"]),
    *(f"action/{name}" for name in [*ACTIONS, "nonsense"]),
    *(f"macro/{name}" for name in [*MACROS, "nonsense"]),
    *(f"fx/{name}" for name in [*EFFECTS, "nonsense"]),
    *(f"theme/{slug}" for slug in THEMES),
    "theme",
    "prompt",
    "tempo/bpm",
    "",
    "/",
]

numbers = st.one_of(st.floats(0, 1), st.floats(), st.integers(-(10**20), 10**20))
values = st.one_of(
    numbers,
    st.none(),
    st.booleans(),
    st.text(max_size=20),
    st.lists(st.one_of(numbers, st.text(max_size=5))).map(tuple),
)
signals = st.one_of(st.floats(0, 1), st.just(math.nan), st.just(math.inf), st.just(-5.0))
features = st.builds(
    Features,
    t=st.just(0.0),
    energy=signals,
    brightness=signals,
    texture=signals,
    low=signals,
    energy_rise=signals,
    gated=st.booleans(),
)
intents = st.builds(
    Intent,
    t=st.one_of(st.just(100.0), st.just(math.nan)),
    target=st.sampled_from(TARGETS),
    kind=st.sampled_from(["set", "trigger", "release"]),
    value=values,
    normalised=st.booleans(),
    origin=st.just("test"),
)
grids = st.builds(
    BeatGrid,
    bpm=st.one_of(st.none(), st.floats(20, 300), st.just(math.nan)),
    confidence=st.one_of(st.floats(0, 1), st.just(math.nan)),
)
schemas = st.sampled_from([None, LONGLIVE, KREA, PASSTHROUGH, PLUGIN])
facts = st.builds(
    ScopeFacts,
    state=st.just("live"),
    mode=st.sampled_from(["text", "video"]),
    schema=schemas,
    vace_active=st.booleans(),
    vace_use_input_video=st.booleans(),
    chunk=st.builds(ChunkFacts, frames=st.just(12), period_s=st.floats(0.0, 3.0)),
)
beats = st.builds(
    BeatEvent,
    t=st.just(100.0),
    beat=st.integers(0, 100),
    bar=st.integers(0, 30),
    in_bar=st.integers(0, 3),
    bpm=st.one_of(st.floats(20, 300), st.just(math.nan), st.just(0.0)),
    source=st.just("audio"),
)
sections = st.builds(
    SectionEvent,
    t=st.just(100.0),
    section=st.sampled_from(["none", "steady", "build_up", "drop", "breakdown"]),
    confidence=st.floats(0.1, 1.0),
)
steps = st.lists(
    st.tuples(st.floats(0.0, 3.0), st.one_of(intents, beats, sections, features, grids, facts)), max_size=40
)
show_settings = st.builds(
    ShowSettings,
    theme=st.sampled_from([*THEMES, "gone"]),
    reactivity=st.sampled_from(["cinematic", "balanced", "kinetic"]),
    pace=st.sampled_from(["stable", "balanced", "dynamic"]),
    beat_action=st.sampled_from(["theme", "none", "pulse_noise", "prompt_cycle", "transition_trigger", "cache_reset"]),
    cuts=st.sampled_from(["safe", "allowed"]),
    ambient=st.booleans(),
    unsafe_text_noise=st.booleans(),
)


def _check_params(state: DesiredState, facts: ScopeFacts, *, unsafe: bool) -> None:
    parameters = Parameters(facts, unsafe_text_noise=unsafe)
    for name, value in state.params.items():
        if name == "_modulated_noise_scale":
            assert unsafe
            continue
        spec = parameters.spec(name)
        assert spec is not None, name
        assert parameters.reason(name) is None or parameters.waits(name), name
        if spec.choices:
            assert value in spec.choices
        elif spec.type == "number":
            assert isinstance(value, float) or value == int(value)
            assert (spec.minimum or -math.inf) <= value <= (spec.maximum or math.inf)
        elif spec.type == "integer":
            assert type(value) is int
        elif spec.type == "boolean":
            assert type(value) is bool
    steps = state.params.get("denoising_step_list", (1,))
    assert list(steps) == sorted(set(steps), reverse=True)
    assert all(type(step) is int and 1 <= step <= 1000 for step in steps)
    json.dumps(dict(state.params), allow_nan=False)
    json.dumps([shot.value for shot in state.one_shots], allow_nan=False)


def _check_prompts(state: DesiredState, schema: PipelineSchema | None, chunk: ChunkFacts) -> None:
    if schema is not None and not schema.supports_prompts:
        assert state.prompts is None
        return
    plan = state.prompts
    assert plan is not None
    assert 1 <= len(plan.prompts) <= 4
    assert all(prompt.text.strip() and prompt.weight >= 0.0 for prompt in plan.prompts)
    assert sum(prompt.weight for prompt in plan.prompts) > 0.0
    assert plan.method == "linear" or len(plan.prompts) == 2
    assert math.isfinite(plan.seconds)
    assert chunks(plan.seconds, chunk) != 1


def _check_step(old: ShowOutput, new: ShowOutput) -> None:
    if old.desired != new.desired:
        assert new.desired.revision == old.desired.revision + 1
    else:
        assert new.desired is old.desired
    ids = [shot.id for shot in new.desired.one_shots]
    assert ids == sorted(set(ids))
    assert len(ids) <= 16
    known = {shot.id for shot in old.desired.one_shots}
    assert all(i in known or i > max(known, default=0) for i in ids)
    if old.desired.prompts and new.desired.prompts:
        grown = new.desired.prompts.id - old.desired.prompts.id
        same = [p.text for p in old.desired.prompts.prompts] == [p.text for p in new.desired.prompts.prompts]
        assert grown == (0 if same else 1)


def _check_fx(out: ShowOutput) -> None:
    fx = out.fx
    assert all(name in EFFECTS and 0.0 < level <= 1.0 for name, level in fx.levels.items())
    assert len(fx.pulses) <= 16
    assert all(name in EFFECTS and 0.0 < strength <= 1.0 and math.isfinite(t) for t, name, strength in fx.pulses)
    assert 0.0 <= fx.brightness <= 1.0


@settings(max_examples=200, deadline=None)
@given(show_settings, steps)
def test_the_state_is_always_one_that_scope_can_take(config: ShowSettings, script: list[tuple[float, Any]]) -> None:
    show = Show(config, THEMES, rng_seed=3)
    now, world = 100.0, World(Features(t=100.0))
    out = show.tick(world, now)
    for wait, thing in script:
        now += wait
        if isinstance(thing, Intent):
            show.apply(thing, world, now)
        elif isinstance(thing, BeatEvent):
            show.on_local_beat(replace(thing, t=now), world, now)
            show.on_beat(replace(thing, t=now), world, now)
        elif isinstance(thing, SectionEvent):
            show.on_section(replace(thing, t=now))
        elif isinstance(thing, Features):
            world = replace(world, features=replace(thing, t=now))
        elif isinstance(thing, BeatGrid):
            world = replace(world, grid=thing)
        else:
            world = replace(world, facts=thing)
        before, out = out, show.tick(world, now)
        _check_params(out.desired, world.facts, unsafe=config.unsafe_text_noise)
        _check_prompts(out.desired, world.facts.schema, world.facts.chunk)
        _check_step(before, out)
        _check_fx(out)
        assert all(value is None or 0.0 <= value <= 1.0 for value in show.values.values())
        report = show.report(world)
        assert not set(report.effective) & set(report.ineffective)
        if world.facts.schema is not None:
            assert set(out.desired.params) <= set(report.effective)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.sampled_from(["tick", "theme", "beat", "spike"])), max_size=60))
def test_weights_never_move_while_a_transition_runs(script: list[tuple[float, str]]) -> None:
    chunk = ChunkFacts(12, 0.8)
    show = Show(ShowSettings(beat_action="transition_trigger", pace="dynamic"), THEMES)
    world = World(Features(t=0.0, gated=False), BeatGrid(bpm=100.0, confidence=1.0), ScopeFacts(schema=LONGLIVE))
    now, since, plan = 0.0, 0.0, show.tick(world, 0.0).desired.prompts
    for index, (energy, what) in enumerate(script):
        for _ in range(20):
            now += 1 / 30
            rise = 0.5 if what == "spike" else 0.0
            world = replace(world, features=Features(t=now, energy=energy, energy_rise=rise, gated=False))
            new = show.tick(world, now).desired.prompts
            assert plan is not None
            assert new is not None
            if new.id != plan.id:
                since = now
            elif new != plan:
                assert now >= since + chunks(plan.seconds, chunk) * chunk.period_s
            plan = new
        if what == "theme":
            show.apply(Intent(now, "action/theme_next", "trigger"), world, now)
        elif what == "beat":
            show.on_beat(BeatEvent(now, index, 0, 0, 100.0, "audio"), world, now)
