"""The pipelines the rehearsal server knows, and what it says of them (scope-protocol sections 2 and 7).

The documents have the shape of ``GET /api/v1/pipelines/schemas``; names, ranges and modes are those of the
facts, the wording is ours.
"""

from __future__ import annotations

__all__ = ["PIPELINES", "PipelineKind", "schema_document"]

from dataclasses import dataclass
from typing import Any, Final, Literal

Mode = Literal["text", "video"]
Size = tuple[int, int]

_LONG: Final = (1000, 750, 500, 250)
_SHORT: Final = (1000, 750)


@dataclass(frozen=True, slots=True)
class PipelineKind:
    """One pipeline. Sizes are (width, height); ``chunk`` and ``first_chunk`` count frames of one call.

    ``vace_in_video`` says whether input video may steer through VACE instead of through the latents.
    ``role``: ``generator`` draws, ``echo`` returns what it is sent, ``filter`` sits before or after a generator.
    """

    id: str
    name: str
    description: str
    modes: tuple[Mode, ...]
    chunk: int
    text_size: Size = (576, 320)
    video_size: Size = (512, 512)
    first_chunk: int | None = None
    vram_gb: float | None = 20.0
    text_steps: tuple[int, ...] = _LONG
    video_steps: tuple[int, ...] = _SHORT
    vace: bool = True
    lora: bool = True
    vace_in_video: bool = True
    kv_bias: bool = False
    role: Literal["generator", "echo", "filter"] = "generator"
    transition_steps: int = 0

    @property
    def default_mode(self) -> Mode:
        """The mode a session gets that does not ask for one."""
        return self.modes[0]

    @property
    def prompts(self) -> bool:
        """Whether prompts mean anything to it."""
        return self.vace

    def size(self, mode: Mode) -> Size:
        """Width and height of its own in that mode."""
        return self.video_size if mode == "video" else self.text_size

    def steps(self, mode: Mode) -> tuple[int, ...]:
        """Denoising steps of its own in that mode."""
        return self.video_steps if mode == "video" else self.text_steps


def _plain(pid: str, name: str, description: str, **rest: Any) -> PipelineKind:
    values: dict[str, Any] = {"modes": ("video",), "chunk": 4, "vram_gb": 1.0, "role": "filter"}
    return PipelineKind(pid, name, description, **(values | {"vace": False, "lora": False} | rest))


PIPELINES: Final = {
    kind.id: kind
    for kind in (
        PipelineKind(
            "longlive", "LongLive", "Long, steady pictures that follow their prompt.", ("text", "video"), 12,
            first_chunk=9,
        ),
        PipelineKind(
            "krea-realtime-video", "Krea Realtime Video", "The large model: slow, rich, steerable.", ("text", "video"), 12,
            video_size=(256, 256), first_chunk=9, vram_gb=32.0, kv_bias=True, transition_steps=4,
        ),
        PipelineKind(
            "streamdiffusionv2", "StreamDiffusion V2", "Quick answers from short chunks.", ("video", "text"), 4,
            text_size=(512, 512), text_steps=_SHORT, video_steps=(750, 250), vace_in_video=False,
        ),
        PipelineKind(
            "reward-forcing", "Reward Forcing", "Lively motion.", ("text", "video"), 12, first_chunk=9,
        ),
        PipelineKind("memflow", "MemFlow", "Remembers what it has shown.", ("text", "video"), 12, first_chunk=9),
        _plain("passthrough", "Passthrough", "Returns the video it is sent.", role="echo", vram_gb=None),
        _plain("video-depth-anything", "Depth", "Turns video into depth, before a generator."),
        _plain("scribble", "Scribble", "Turns video into lines, before a generator."),
        _plain("gray", "Gray", "Takes the colour away.", vram_gb=None),
        _plain("optical-flow", "Optical flow", "Turns video into motion, before a generator."),
        _plain("rife", "RIFE", "Doubles the frame rate, after a generator."),
        _plain(
            "controller-viz", "Controller test", "Shows keys and mouse; needs no GPU.", modes=("text",), chunk=1,
            text_size=(512, 512), role="generator", vram_gb=None,
        ),
    )
}  # fmt: skip


def schema_document(kind: PipelineKind, *, version: str = "0.2.4") -> dict[str, Any]:
    """What ``/pipelines/schemas`` says of one pipeline."""
    modes = {
        mode: {
            "default": mode == kind.default_mode,
            "width": kind.size(mode)[0],
            "height": kind.size(mode)[1],
            **({"denoising_steps": list(kind.steps(mode))} if kind.prompts else {}),
            **({"noise_scale": 0.7, "noise_controller": True} if kind.prompts and mode == "video" else {}),
            **({"input_size": kind.chunk} if mode == "video" else {}),
        }
        for mode in kind.modes
    }
    document: dict[str, Any] = {
        "id": kind.id,
        "name": kind.name,
        "description": kind.description,
        "version": "1.0.0",
        "supported_modes": list(kind.modes),
        "default_mode": kind.default_mode,
        "supports_prompts": kind.prompts,
        "default_temporal_interpolation_method": "slerp" if not kind.transition_steps else "linear",
        "default_temporal_interpolation_steps": kind.transition_steps,
        "default_spatial_interpolation_method": "linear",
        "docs_url": None,
        "estimated_vram_gb": kind.vram_gb,
        "requires_models": kind.vace,
        "supports_lora": kind.lora,
        "supports_vace": kind.vace,
        "supports_cache_management": kind.prompts,
        "supports_kv_cache_bias": kind.kv_bias,
        "supports_quantization": kind.vace,
        "min_dimension": 16 if kind.vace else 1,
        "recommended_quantization_vram_threshold": 40.0 if kind.kv_bias else None,
        "modified": False,
        "config_schema": _config_schema(kind),
        "mode_defaults": modes,
    }
    if version != "dec2025":
        document |= {
            "produces_video": True,
            "produces_audio": False,
            "usage": ["preprocessor"] if kind.role == "filter" else [],
            "inputs": ["video"] if "video" in kind.modes else [],
            "outputs": ["video"],
            "plugin_name": None,
        }
    return document


def _config_schema(kind: PipelineKind) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if kind.role == "generator":
        width, height = kind.size(kind.default_mode)
        properties["height"] = _whole("Height", height, 16, 2048, _ui("Height", 1, load=True, component="resolution"))
        properties["width"] = _whole("Width", width, 16, 2048, _ui("Width", 2, load=True, component="resolution"))
    if kind.prompts:
        properties |= _generator_properties(kind)
    return {
        "title": f"{kind.name.replace(' ', '')}Config",
        "description": kind.description,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _generator_properties(kind: PipelineKind) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "base_seed": _whole("Seed", 42, 0, None, _ui("Seed", 3, load=True)),
        "denoising_step_list": {
            "title": "Denoising steps",
            "description": "Descending; fewer are faster. A change is a hard cut while the cache is managed.",
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 1000},
            "default": list(kind.steps(kind.default_mode)),
            "ui": _ui("Denoising steps", 10, component="denoising_steps"),
        },
        "noise_scale": {
            "title": "Noise scale",
            "description": "How far the picture may leave the input video.",
            "anyOf": [{"type": "number", "minimum": 0.0, "maximum": 1.0}, {"type": "null"}],
            "default": 0.7 if kind.default_mode == "video" else None,
            "ui": _ui("Noise scale", 11, modes=["video"], component="noise", swing=(0.0, 1.0)),
        },
        "noise_controller": {
            "title": "Noise controller",
            "description": "Sets the noise by the motion of the input video.",
            "anyOf": [{"type": "boolean"}, {"type": "null"}],
            "default": True if kind.default_mode == "video" else None,
            "ui": _ui("Noise controller", 12, modes=["video"], component="noise"),
        },
        "manage_cache": {
            "title": "Manage cache",
            "description": "Resets the cache by itself when a change asks for it.",
            "type": "boolean",
            "default": True,
            "ui": _ui("Manage cache", 13, component="cache"),
        },
    }
    if kind.kv_bias:
        properties["kv_cache_attention_bias"] = {
            "title": "Cache attention bias",
            "description": "Lower leans less on frames already made: more motion.",
            "type": "number",
            "minimum": 0.01,
            "maximum": 1.0,
            "default": 1.0,
            "ui": _ui("Cache attention bias", 14, swing=(0.01, 1.0)),
        }
    properties |= {
        "vace_enabled": _flag("VACE", "Reference pictures and control video.", _ui("VACE", 20, load=True)),
        "vace_context_scale": {
            "title": "VACE scale",
            "description": "How strongly references and control video count.",
            "type": "number",
            "minimum": 0.0,
            "maximum": 2.0,
            "default": 1.0,
            "ui": _ui("VACE scale", 21, component="vace", swing=(0.0, 2.0)),
        },
        "vace_use_input_video": _flag(
            "Input video to VACE", "In video mode the input steers through VACE.", _ui("Input video to VACE", 22)
        ),
        "vae_type": _choice("VAE", ["wan", "lightvae", "tae", "lighttae"], "wan", _ui("VAE", 30, load=True)),
        "quantization": {
            "title": "Quantization",
            "description": "Less memory for a little quality.",
            "anyOf": [{"type": "string", "enum": ["fp8_e4m3fn"]}, {"type": "null"}],
            "default": None,
            "ui": _ui("Quantization", 31, load=True, component="quantization"),
        },
        "lora_merge_mode": _choice(
            "LoRA merge", ["permanent_merge", "runtime_peft"], "permanent_merge", _ui("LoRA merge", 40, load=True)
        ),
    }
    return properties


def _whole(title: str, default: int, low: int, high: int | None, ui: dict[str, Any]) -> dict[str, Any]:
    top = {} if high is None else {"maximum": high}
    return {"title": title, "type": "integer", "minimum": low, **top, "default": default, "ui": ui}


def _flag(title: str, description: str, ui: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "description": description, "type": "boolean", "default": True, "ui": ui}


def _choice(title: str, names: list[str], default: str, ui: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "type": "string", "enum": names, "default": default, "ui": ui}


def _ui(
    label: str,
    order: int,
    *,
    load: bool = False,
    modes: list[str] | None = None,
    component: str | None = None,
    swing: tuple[float, float] | None = None,
) -> dict[str, Any]:
    ui: dict[str, Any] = {"category": "configuration", "is_load_param": load, "order": order, "label": label}
    if component:
        ui["component"] = component
    if modes:
        ui["modes"] = modes
    if swing:
        ui |= {"modulatable": True, "modulatable_min": swing[0], "modulatable_max": swing[1]}
    return ui
