"""Nothing that could make a chunk of Scope throw is let through (scope-protocol section 5)."""

import itertools
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.desired import DesiredState
from bridge.model.facts import ParamSpec
from bridge.model.fit import RUNTIME_PARAMS
from bridge.scope.admit import RESERVED, NotAdmitted, admit, spec_for
from bridge.scope.pacer import Pacer

PAIRS = {
    "noise_scale": (0, 1),
    "kv_cache_attention_bias": (0.01, 1),
    "vace_context_scale": (0, 2),
    "lookahead_ms": (0, 1000),
    "beat_phase": (0, 1),
    "bpm": (20, 999),
    "bar_position": (0, 64),
}
WHOLE = {"base_seed", "beat_count"}
SWITCHES = {
    "noise_controller",
    "manage_cache",
    "vace_enabled",
    "vace_use_input_video",
    "is_playing",
    "_modulated_noise_scale",
    "_modulated_step_list",
}
WORDS = {
    "prompt_interpolation_method": {"linear", "slerp"},
    "quantize_mode": {"none", "beat", "bar", "2_bar", "4_bar"},
    "beat_cache_reset_rate": {"none", "beat", "bar", "2_bar", "4_bar"},
}
SHAPES = {"sine", "cosine", "triangle", "saw", "square", "exp_decay"}
RATES = {"half_beat", "beat", "2_beat", "bar", "2_bar", "4_bar"}


def is_number(value: object, low: float, high: float) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and math.isfinite(value) and low <= value <= high  # type: ignore[arg-type, operator]


def is_path(value: object) -> bool:
    return isinstance(value, str) and value.strip() != "" and "\0" not in value


def is_sound(name: str, value: object) -> bool:
    """What the field takes, stated from the protocol and not from the code."""
    if name in PAIRS:
        return is_number(value, *PAIRS[name])
    if name in WHOLE:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    if name in SWITCHES:
        return isinstance(value, bool)
    if name in WORDS:
        return value in WORDS[name]
    if name == "reset_cache":
        return value is True
    if name in ("first_frame_image", "last_frame_image"):
        return is_path(value)
    if name == "modulations":
        assert isinstance(value, dict)
        return all(
            set(one) <= {"enabled", "shape", "depth", "rate", "base_value", "min_value", "max_value"}
            and isinstance(one.get("enabled", True), bool)
            and one.get("shape", "sine") in SHAPES
            and one.get("rate", "bar") in RATES
            and is_number(one.get("depth", 0.3), 0, 1)
            for one in value.values()
        )
    if name == "ctrl_input":
        assert isinstance(value, dict)
        moved = value.get("mouse", [0, 0])
        keys_fit = all(isinstance(key, str) for key in value.get("button", []))
        return keys_fit and len(moved) == 2 and all(is_number(way, -1e4, 1e4) for way in moved)
    assert isinstance(value, list)
    if name == "denoising_step_list":
        falling = all(a > b for a, b in itertools.pairwise(value))
        return bool(value) and falling and all(type(step) is int and 1 <= step <= 1000 for step in value)
    if name == "lora_scales":
        return all(
            set(one) == {"path", "scale"} and is_path(one["path"]) and is_number(one["scale"], -10, 10) for one in value
        )
    assert name in ("vace_ref_images", "images")
    return all(is_path(path) for path in value)


scalars = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["0.5", "nan", "ON", "Slerp", "bar", "1e400", "a\0b", "\ud800", 10**400, 1001, 0.4])
)
keys = st.sampled_from(["path", "scale", "button", "mouse", "enabled", "shape", "depth", "rate", "x", "base_value"])
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(RUNTIME_PARAMS)), anything)
def test_what_is_let_through_is_sound_and_stays_as_it_is(name: str, value: object) -> None:
    spec = spec_for(name, {})
    try:
        admitted = admit(name, value, spec)
    except NotAdmitted as refusal:
        assert str(refusal)
        return
    assert is_sound(name, admitted), admitted
    json.dumps(admitted, allow_nan=False)
    assert admit(name, admitted, spec) == admitted


@settings(max_examples=150, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.sampled_from(["number", "integer"]), anything)
def test_a_parameter_of_an_unseen_pipeline_is_kept_in_its_range(
    low: float, width: float, kind: str, value: object
) -> None:
    spec = ParamSpec("glow", kind, low, low + max(1.0, width))
    try:
        admitted = admit("glow", value, spec)
    except NotAdmitted:
        return
    assert is_number(admitted, low, low + max(1.0, width))
    assert isinstance(admitted, int) or kind == "number"


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_what_is_no_parameter_is_refused(name: str) -> None:
    with pytest.raises(NotAdmitted, match="not a parameter"):
        admit(name, True, None)


def test_unknown_names_load_parameters_and_clamps_are_counted() -> None:
    pacer = Pacer()
    specs = {
        "glow": ParamSpec("glow", "number", 0.0, 1.0),
        "vae_type": ParamSpec("vae_type", "string", load_only=True),
        "rings": ParamSpec("rings", "integer", 1, 8),
    }
    pacer.fit(specs, chunk_frames=4, prompts=False)
    pacer.submit(DesiredState(1, params={"glow": 3.0, "glwo": 1.0, "vae_type": "tae", "rings": 2.4}), 0.0)
    reasons = sorted(reason.split(" (")[0].split(":")[0] for reason, _ in pacer.drain_rejected())
    assert reasons == [
        "only counts when the pipeline is loaded",
        "outside its range, clamped",
        "rounded",
        "unknown to the pipeline",
    ]
    assert pacer.initial() == {"glow": 1.0, "rings": 2}


def test_unknown_names_go_out_when_asked_for() -> None:
    pacer = Pacer(allow_unknown=True)
    pacer.fit({}, chunk_frames=4, prompts=False)
    pacer.submit(DesiredState(1, params={"glow": 3.0}), 0.0)
    assert pacer.initial() == {"glow": 3.0}
