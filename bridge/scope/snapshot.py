"""What Scope's five Wan pipelines take at run time, for servers too old to tell (scope-protocol sections 5 and 7)."""

from __future__ import annotations

__all__ = ["SNAPSHOT"]

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.model.facts import ParamSpec, PipelineSchema
from bridge.scope.schemas import CHUNK_FRAMES, KV_CACHE_BIAS

_VIDEO = ("video",)


def _params(steps: tuple[int, ...], *more: ParamSpec) -> Mapping[str, ParamSpec]:
    specs = (
        ParamSpec("noise_scale", "number", 0.0, 1.0, 0.7, modes=_VIDEO, description="Noise added to the input video."),
        ParamSpec("noise_controller", "boolean", default=True, modes=_VIDEO, description="Noise follows motion."),
        ParamSpec("denoising_step_list", "list", default=steps, description="Fewer steps are faster; a change cuts."),
        ParamSpec("manage_cache", "boolean", default=True, description="Caches are reset when they must be."),
        ParamSpec("base_seed", "integer", 0.0, None, 42, description="Takes effect with a cache reset."),
        ParamSpec("vace_context_scale", "number", 0.0, 2.0, 1.0, description="Weight of the reference picture."),
        ParamSpec("width", "integer", 16.0, None, 576, load_only=True),
        ParamSpec("height", "integer", 16.0, None, 320, load_only=True),
        *more,
    )
    return MappingProxyType({spec.name: spec for spec in specs})


def _wan(name: str, *, default: str = "text", steps: tuple[int, ...] = (1000, 750, 500, 250)) -> PipelineSchema:
    biased = name == "krea-realtime-video"
    return PipelineSchema(
        id=name,
        modes=("text", "video"),
        default_mode=default,
        params=_params(steps, *((KV_CACHE_BIAS,) if biased else ())),
        supports_vace=True,
        supports_lora=True,
        supports_kv_cache_bias=biased,
        chunk_frames=CHUNK_FRAMES[name],
    )


SNAPSHOT: Final[Mapping[str, PipelineSchema]] = MappingProxyType(
    {
        schema.id: schema
        for schema in (
            _wan("longlive"),
            _wan("streamdiffusionv2", default="video", steps=(1000, 750)),
            _wan("krea-realtime-video"),
            _wan("reward-forcing"),
            _wan("memflow"),
        )
    }
)
"""Pipeline id -> schema as of v0.2.4."""
