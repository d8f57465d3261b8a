"""What each Scope parameter takes, whether it has an effect now, and how a value is mended to fit.

The pipeline's schema decides; where it says nothing (many run-time parameters stand in no schema), the table
here does (scope-protocol section 5). Facts of what has an effect: scope-protocol sections 6.3 and 6.6.
"""

from __future__ import annotations

__all__ = ["FALLBACK", "Parameters"]

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from bridge.model.document import suggest
from bridge.model.facts import ParamSpec, PipelineSchema, ScopeFacts
from bridge.model.fit import RUNTIME_PARAMS

_WAN: Final = (
    "noise_scale",
    "noise_controller",
    "denoising_step_list",
    "manage_cache",
    "kv_cache_attention_bias",
    "base_seed",
    "vace_context_scale",
    "vace_use_input_video",
    "vace_ref_images",
    "first_frame_image",
    "last_frame_image",
    "images",
    "lora_scales",
    "ctrl_input",
    "prompt_interpolation_method",
)

FALLBACK: Final[Mapping[str, ParamSpec]] = {name: RUNTIME_PARAMS[name] for name in _WAN}
"""Run-time parameters every Wan pipeline reads, with their ranges, for what the schema does not say."""

_SCHEMA_NAMES: Final = {"denoising_step_list": "denoising_steps"}
_LISTED: Final = frozenset({"noise_scale", "noise_controller", "denoising_step_list"})
"""A pipeline that reads these says so in its schema; the others of FALLBACK stand in no schema."""

_GENERATION: Final = frozenset(FALLBACK) - {"ctrl_input", "images", "first_frame_image", "last_frame_image"}
_TEXT_LEVERS: Final = "the prompt and its weights, transitions and local effects work"


class Parameters:
    """The parameters of one pipeline in one mode.

    ``reason(name)`` is None where a value has an effect, otherwise a sentence that says why not and what works.
    """

    def __init__(self, facts: ScopeFacts, *, unsafe_text_noise: bool = False) -> None:
        self._schema = facts.schema
        self._mode = facts.mode
        self._vace = facts.vace_active
        self._unsafe_text_noise = unsafe_text_noise
        self.text_like = facts.mode == "text" or (facts.vace_active and facts.vace_use_input_video)
        self._specs: dict[str, ParamSpec | None] = {}
        self._reasons: dict[str, str | None] = {}

    def fits(self, facts: ScopeFacts) -> bool:
        """Whether this still describes ``facts``."""
        return (
            facts.schema is self._schema
            and facts.mode == self._mode
            and facts.vace_active == self._vace
            and self.text_like == (facts.mode == "text" or (facts.vace_active and facts.vace_use_input_video))
        )

    @property
    def known(self) -> bool:
        """Whether the server's schema is known."""
        return self._schema is not None

    @property
    def text_noise(self) -> bool:
        """Whether noise_scale goes out in text mode through the private key."""
        return self.text_like and self._unsafe_text_noise

    @property
    def prompts(self) -> bool:
        """Whether the pipeline takes prompts."""
        return self._schema is None or self._schema.supports_prompts

    def names(self) -> set[str]:
        """Every parameter that could be set."""
        return set(FALLBACK) | (set(self._schema.params) if self._schema else set())

    def spec(self, name: str) -> ParamSpec | None:
        """What ``name`` takes, with the fallback's range where the schema gives none; None when unknown."""
        if name not in self._specs:
            self._specs[name] = self._find(name)
        return self._specs[name]

    def _find(self, name: str) -> ParamSpec | None:
        fallback = FALLBACK.get(name)
        listed = self._listed(name)
        if listed is None or fallback is None:
            return listed or fallback
        return replace(
            fallback,
            minimum=fallback.minimum if listed.minimum is None else listed.minimum,
            maximum=fallback.maximum if listed.maximum is None else listed.maximum,
            default=fallback.default if listed.default is None else listed.default,
            modes=listed.modes,
        )

    def _listed(self, name: str) -> ParamSpec | None:
        if self._schema is None:
            return None
        return self._schema.params.get(name) or self._schema.params.get(_SCHEMA_NAMES.get(name, ""))

    def reason(self, name: str) -> str | None:
        """Why ``name`` has no effect now; None when it has."""
        if name not in self._reasons:
            self._reasons[name] = self._why_not(name)
        return self._reasons[name]

    def _why_not(self, name: str) -> str | None:
        spec, listed, schema = self.spec(name), self._listed(name), self._schema
        if spec is None:
            if schema is None:
                return f"{name} is not a parameter known here; it is checked when a server tells its schema."
            return f'{schema.id} has no parameter "{name}". {suggest(name, self.names())}'.strip()
        if schema is not None:
            if name in _GENERATION and not schema.supports_prompts:
                return f"{schema.id} passes pictures through and does not generate; local effects work."
            if name in _LISTED and listed is None:
                return f"{schema.id} does not read {name}."
        special = _SPECIAL.get(name)
        if special is not None and (why := special(self, schema)):
            return why
        if name not in FALLBACK and spec.load_only:
            return f"{name} is read only while the pipeline loads; set it under [scope] and load again."
        mode = "text" if self.text_like else "video"
        if spec.modes and mode not in spec.modes and not (name == "noise_scale" and self.text_noise):
            return f"{name} has an effect in {' and '.join(spec.modes)} mode only, and this is {mode} mode."
        return None

    def why_no_noise(self, name: str) -> str | None:
        """Noise is forced off wherever the pipeline starts from pure noise (scope-protocol section 6.6)."""
        if not self.text_like or (name == "noise_scale" and self.text_noise):
            return None
        if self._mode == "video":
            return f"{name} has no effect while the input video goes to VACE: Scope ignores it; {_TEXT_LEVERS}."
        return f"{name} has no effect in text mode: Scope ignores it; {_TEXT_LEVERS}."

    def why_no_vace(self, schema: PipelineSchema | None) -> str | None:
        """VACE needs a pipeline that has it, and something for it to hold on to."""
        if schema is not None and not schema.supports_vace:
            return f"{schema.id} has no VACE; {_TEXT_LEVERS}."
        if not self._vace:
            return "VACE is off: load the pipeline with vace_enabled and give a reference image first."
        return None

    def limits(self, name: str) -> tuple[float, float] | None:
        """Lowest and highest value of a number; None for what is no number or has no range."""
        spec = self.spec(name)
        if spec is None or spec.type not in ("number", "integer") or spec.minimum is None or spec.maximum is None:
            return None
        return (spec.minimum, spec.maximum) if spec.minimum < spec.maximum else None


def _no_bias(parameters: Parameters, schema: PipelineSchema | None) -> str | None:
    if schema is None or schema.supports_kv_cache_bias:
        return None
    return f"{schema.id} has no kv_cache_attention_bias (krea-realtime-video has); {_TEXT_LEVERS}."


def _no_lora(parameters: Parameters, schema: PipelineSchema | None) -> str | None:
    return None if schema is None or schema.supports_lora else f"{schema.id} takes no LoRA."


def _no_references(parameters: Parameters, schema: PipelineSchema | None) -> str | None:
    return None if schema is None or schema.supports_vace else f"{schema.id} has no VACE, so no references."


_SPECIAL: Final[Mapping[str, Callable[[Parameters, PipelineSchema | None], str | None]]] = {
    "noise_scale": lambda parameters, schema: parameters.why_no_noise("noise_scale"),
    "noise_controller": lambda parameters, schema: parameters.why_no_noise("noise_controller"),
    "vace_context_scale": lambda parameters, schema: parameters.why_no_vace(schema),
    "vace_use_input_video": _no_references,
    "vace_ref_images": _no_references,
    "kv_cache_attention_bias": _no_bias,
    "lora_scales": _no_lora,
}
