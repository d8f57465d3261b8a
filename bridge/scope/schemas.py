"""Pipeline schemas as the server tells them, and the names the run-time parameters really have.

Two things in Scope's schemas are not what they seem. The property ``denoising_steps`` is the run-time parameter
``denoising_step_list``, and ``ref_images`` is ``vace_ref_images``. And ``ui.is_load_param`` also marks parameters that a
running pipeline takes (``noise_scale``, ``vace_context_scale``, ...): it says where the web page shows them.
"""

from __future__ import annotations

__all__ = ["CHUNK_FRAMES", "DEFAULT_CHUNK_FRAMES", "chunk_frames_of", "parse_schema", "parse_schemas"]

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from bridge.model.errors import ScopeProtocolError
from bridge.model.facts import ParamSpec, PipelineSchema
from bridge.scope.troubles import trouble_error

CHUNK_FRAMES: Final = MappingProxyType(
    {
        "longlive": 12,
        "krea-realtime-video": 12,
        "reward-forcing": 12,
        "memflow": 12,
        "streamdiffusionv2": 4,
        "passthrough": 4,
        "controller-viz": 1,
    }
)
"""Frames of one pipeline call (scope-protocol section 7)."""

DEFAULT_CHUNK_FRAMES: Final = 12
"""Taken for unknown pipelines: the largest known, so that an unknown one is never flooded."""

_RUNTIME_NAMES: Final = {"denoising_steps": "denoising_step_list", "ref_images": "vace_ref_images"}
_RUNTIME: Final = frozenset(
    {
        "denoising_step_list",
        "vace_ref_images",
        "noise_scale",
        "noise_controller",
        "manage_cache",
        "base_seed",
        "vace_context_scale",
    }
)
_TYPES: Final = {
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "string": "string",
    "array": "list",
    "object": "object",
}
_MOST_PIPELINES: Final = 200
_MOST_PARAMS: Final = 500
_DEEPEST_REF: Final = 8
_MOST_NODES: Final = 200
_LARGEST: Final = 1e15


def parse_schemas(found: Any) -> Mapping[str, PipelineSchema]:
    """The answer of ``GET /api/v1/pipelines/schemas``; a pipeline with an odd schema is left out.

    Raises:
        ScopeProtocolError: the answer holds no object of pipelines.
    """
    pipelines = found.get("pipelines") if isinstance(found, dict) else None
    if not isinstance(pipelines, dict):
        raise trouble_error(
            ScopeProtocolError, "not-scope", server="The server", detail="its pipeline schemas are of another shape"
        )
    schemas = {}
    for name, entry in list(pipelines.items())[:_MOST_PIPELINES]:
        if isinstance(entry, dict):
            schemas[name] = parse_schema(name, entry)
    return MappingProxyType(schemas)


def parse_schema(name: str, entry: Mapping[str, Any]) -> PipelineSchema:
    """One pipeline's schema; whatever has an unknown shape is left out rather than guessed."""
    modes = _strings(entry.get("supported_modes")) or ("text",)
    default = entry.get("default_mode")
    told = entry.get("config_schema")
    document: Mapping[str, Any] = told if isinstance(told, dict) else {}
    found = document.get("properties")
    properties: Mapping[str, Any] = found if isinstance(found, dict) else {}
    params: dict[str, ParamSpec] = {}
    for key, node in list(properties.items())[:_MOST_PARAMS]:
        spec = _param(_RUNTIME_NAMES.get(key) or key, node, document)
        if spec is not None:
            params[spec.name] = spec
    if entry.get("supports_kv_cache_bias") is True:
        params.setdefault("kv_cache_attention_bias", KV_CACHE_BIAS)
    return PipelineSchema(
        id=name,
        modes=modes,
        default_mode=default if default in modes else modes[0],
        params=MappingProxyType(params),
        supports_prompts=entry.get("supports_prompts") is not False,
        supports_vace=entry.get("supports_vace") is True,
        supports_lora=entry.get("supports_lora") is True,
        supports_kv_cache_bias=entry.get("supports_kv_cache_bias") is True,
        chunk_frames=_count(entry.get("frames_per_chunk")) or CHUNK_FRAMES.get(name),
        vram_gb=_finite(entry.get("estimated_vram_gb")),
    )


KV_CACHE_BIAS: Final = ParamSpec(
    "kv_cache_attention_bias",
    "number",
    0.01,
    1.0,
    1.0,
    description="Less makes more motion and change; 0.3 to 0.7 is moderate.",
)


def chunk_frames_of(schema: PipelineSchema | None, pipeline: str, configured: int | None = None) -> int:
    """Frames of one pipeline call: as configured, else as the schema or the table says, else 12."""
    told = schema.chunk_frames if schema is not None else None
    return configured or told or CHUNK_FRAMES.get(pipeline, DEFAULT_CHUNK_FRAMES)


def _param(name: str, node: Any, document: Mapping[str, Any]) -> ParamSpec | None:
    if not isinstance(node, dict):
        return None
    return _spec(name, node, document, _Budget(), _DEEPEST_REF)


def _spec(
    name: str, node: Mapping[str, Any], document: Mapping[str, Any], budget: _Budget, depth: int
) -> ParamSpec | None:
    shape = _resolve(node, document, depth, budget)
    word = shape.get("type")
    if isinstance(word, list):
        word = next((item for item in word if item != "null"), None)
    kind = _TYPES.get(word) if isinstance(word, str) else None
    if kind is None:
        return None
    told = node.get("ui")
    ui: Mapping[str, Any] = told if isinstance(told, dict) else {}
    choices = shape.get("enum")
    description = node.get("description")
    items = shape.get("items")
    inner = _spec("", items, document, budget, depth - 1) if isinstance(items, dict) and depth else None
    return ParamSpec(
        name=name,
        type=kind,
        minimum=_bound(shape.get("minimum"), shape.get("exclusiveMinimum"), kind, 1.0),
        maximum=_bound(shape.get("maximum"), shape.get("exclusiveMaximum"), kind, -1.0),
        default=_frozen(node.get("default")),
        choices=tuple(_frozen(choice) for choice in choices if choice is not None) if isinstance(choices, list) else (),
        modes=_strings(ui.get("modes")),
        load_only=ui.get("is_load_param") is True and name not in _RUNTIME,
        description=description[:300] if isinstance(description, str) else "",
        items=inner,
        length=(_count(shape.get("minItems")) or 0, _count(shape.get("maxItems"))),
        nullable=shape.get("nullable") is True,
    )


class _Budget:
    """How many more nodes one parameter may have: references to each other would multiply for ever."""

    def __init__(self) -> None:
        self._left = _MOST_NODES

    def spend(self) -> bool:
        self._left -= 1
        return self._left >= 0


def _resolve(node: Mapping[str, Any], document: Mapping[str, Any], depth: int, budget: _Budget) -> dict[str, Any]:
    """A property with ``$ref``, ``allOf`` and ``anyOf`` folded into one shape; of alternatives the first counts."""
    shape = dict(node)
    if depth <= 0 or not budget.spend():
        return shape
    if isinstance(ref := shape.pop("$ref", None), str):
        shape = {**_resolve(_pointed(ref, document), document, depth - 1, budget), **shape}
    if isinstance(shape.get("type"), list) and "null" in shape["type"]:
        shape["nullable"] = True
    for key in ("allOf", "anyOf", "oneOf"):
        branches = shape.pop(key, None)
        if not isinstance(branches, list):
            continue
        solid = [branch for branch in branches[:8] if isinstance(branch, dict) and branch.get("type") != "null"]
        if key != "allOf":
            if len(solid) < len(branches[:8]):
                shape["nullable"] = True
            solid = solid[:1]
        for branch in solid:
            shape = {**_resolve(branch, document, depth - 1, budget), **shape}
    if "const" in shape and "enum" not in shape:
        shape["enum"] = [shape["const"]]
    if "type" not in shape and isinstance(shape.get("enum"), list):
        shape["type"] = _type_of(shape["enum"])
    return shape


def _type_of(choices: list[Any]) -> str:
    if choices and all(isinstance(choice, bool) for choice in choices):
        return "boolean"
    return "number" if choices and all(_is_number(choice) for choice in choices) else "string"


def _pointed(ref: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    node: Any = document
    for step in ref.removeprefix("#/").split("/"):
        node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _bound(inclusive: Any, exclusive: Any, kind: str, inward: float) -> float | None:
    """A limit that may be reached; one that may not moves inward by 1 for integers, by very little for numbers."""
    if _is_number(inclusive):
        return float(inclusive)
    if not _is_number(exclusive):
        return None
    least = 1.0 if kind == "integer" else max(1e-6, abs(exclusive) * 1e-6)
    return float(exclusive) + inward * least


def _is_number(found: Any) -> bool:
    return not isinstance(found, bool) and isinstance(found, int | float) and -_LARGEST < found < _LARGEST


def _finite(found: Any) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < _LARGEST:
        return None
    return float(found)


def _count(found: Any) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and 1 <= found <= 240 else None


def _strings(found: Any) -> tuple[str, ...]:
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def _frozen(found: Any) -> Any:
    """A JSON default as a value nobody can change by accident."""
    if isinstance(found, list):
        return tuple(_frozen(item) for item in found)
    if isinstance(found, dict):
        return MappingProxyType({key: _frozen(item) for key, item in found.items()})
    return found
