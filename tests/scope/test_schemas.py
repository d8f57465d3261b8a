"""Schemas from servers of any age, and the shipped snapshot."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.errors import ScopeProtocolError
from bridge.scope.schemas import chunk_frames_of, parse_schema, parse_schemas
from bridge.scope.snapshot import SNAPSHOT

LONGLIVE = {
    "supported_modes": ["text", "video"],
    "default_mode": "text",
    "supports_vace": True,
    "supports_kv_cache_bias": True,
    "config_schema": {
        "$defs": {"Quantization": {"enum": ["fp8_e4m3fn"], "type": "string"}},
        "properties": {
            "noise_scale": {
                "anyOf": [{"type": "number", "minimum": 0.0, "maximum": 1.0}, {"type": "null"}],
                "default": None,
                "ui": {"modes": ["video"], "is_load_param": True},
            },
            "denoising_steps": {"type": "array", "items": {"type": "integer"}, "default": [1000, 750]},
            "quantization": {
                "anyOf": [{"$ref": "#/$defs/Quantization"}, {"type": "null"}],
                "ui": {"is_load_param": True},
            },
            "loop": {"$ref": "#/$defs/loop"},
            "odd": 7,
        },
    },
}


def test_names_ranges_modes_and_choices() -> None:
    schema = parse_schema("longlive", LONGLIVE)
    noise = schema.params["noise_scale"]
    assert (noise.type, noise.minimum, noise.maximum, noise.modes) == ("number", 0.0, 1.0, ("video",))
    assert not noise.load_only, "is_load_param says where the page shows it, not that it cannot be changed"
    assert schema.params["denoising_step_list"].default == (1000, 750)
    assert schema.params["quantization"].choices == ("fp8_e4m3fn",)
    assert schema.params["quantization"].load_only
    assert schema.params["kv_cache_attention_bias"].minimum == 0.01
    assert "loop" not in schema.params and "odd" not in schema.params
    assert schema.chunk_frames == 12


def test_a_pipeline_never_seen_before_works_from_its_schema() -> None:
    schema = parse_schema("ltx-2", {"supported_modes": ["text"], "supports_prompts": False, "frames_per_chunk": 24})
    assert (schema.modes, schema.default_mode, schema.supports_prompts) == (("text",), "text", False)
    assert chunk_frames_of(schema, "ltx-2") == 24
    assert chunk_frames_of(None, "unknown") == 12
    assert chunk_frames_of(schema, "ltx-2", configured=8) == 8


@pytest.mark.parametrize("found", [None, [], "x", {}, {"pipelines": []}])
def test_what_is_no_schema_list_is_one_clear_error(found: object) -> None:
    with pytest.raises(ScopeProtocolError, match="its pipeline schemas are of another shape"):
        parse_schemas(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "anyOf", "$ref", "enum", "ui", "modes", "minimum", "properties", "config_schema", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from([*LONGLIVE, "frames_per_chunk"]), JSON), JSON)
def test_any_json_gives_a_schema(entry: dict[str, object], properties: object) -> None:
    parse_schema("x", entry)
    parse_schema("x", {"config_schema": {"properties": {"p": properties, "q": {"$ref": "#/properties/q"}}}})


def test_huge_numbers_are_no_bounds() -> None:
    node = json.loads('{"type": "number", "minimum": -1%s, "maximum": 1e400}' % ("0" * 400))
    spec = parse_schema("x", {"config_schema": {"properties": {"p": node}}}).params["p"]
    assert (spec.minimum, spec.maximum) == (None, None)


def test_the_snapshot_holds_the_five_pipelines() -> None:
    assert set(SNAPSHOT) == {"longlive", "streamdiffusionv2", "krea-realtime-video", "reward-forcing", "memflow"}
    assert SNAPSHOT["streamdiffusionv2"].chunk_frames == 4
    assert "kv_cache_attention_bias" in SNAPSHOT["krea-realtime-video"].params
    assert "kv_cache_attention_bias" not in SNAPSHOT["longlive"].params
