"""What mappings may name: targets, Scope parameters and signals, and how far a misspelt one is from a known one."""

from __future__ import annotations

__all__ = [
    "BEAT_SIGNALS",
    "ONCE_EFFECTS",
    "SCOPE_PARAMS",
    "SECTIONS",
    "SIGNALS",
    "TEMPO_TARGETS",
    "ParamFacts",
    "beat_signals",
    "unfit_target",
]

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, get_args

from bridge.model.beatgrid import BeatGrid
from bridge.model.document import suggest
from bridge.model.facts import ParamSpec, PipelineSchema
from bridge.model.features import SILENCE, Section, signals_of
from bridge.model.quantize import QUANTIZE_MODES
from bridge.model.targets import ACTIONS, CHOICES, EFFECTS, MACROS, MODES

Span = tuple[float, float]

SCOPE_PARAMS: Final[Mapping[str, ParamSpec]] = {
    spec.name: spec
    for spec in (
        ParamSpec("noise_scale", "number", 0.0, 1.0),
        ParamSpec("noise_controller", "boolean"),
        ParamSpec("denoising_step_list", "list"),
        ParamSpec("manage_cache", "boolean"),
        ParamSpec("kv_cache_attention_bias", "number", 0.01, 1.0),
        ParamSpec("base_seed", "integer"),
        ParamSpec("prompt_interpolation_method", "string", choices=("linear", "slerp")),
        ParamSpec("vace_enabled", "boolean"),
        ParamSpec("vace_ref_images", "list"),
        ParamSpec("vace_use_input_video", "boolean"),
        ParamSpec("vace_context_scale", "number", 0.0, 2.0),
        ParamSpec("first_frame_image", "string"),
        ParamSpec("last_frame_image", "string"),
        ParamSpec("images", "list"),
        ParamSpec("lora_scales", "list"),
        ParamSpec("paused", "boolean"),
        ParamSpec("prompt_weight", "number", 0.0, 1.0),
        ParamSpec("transition_s", "number", 0.5, 60.0),
        ParamSpec("quantize_mode", "string", choices=QUANTIZE_MODES),
        ParamSpec("lookahead_ms", "number", 0.0, 1000.0),
    )
}
"""Parameters that exist whatever the pipeline: Scope's own (scope-protocol section 5) and, the last four, the show's.

A pipeline's schema, once known, overrides them name by name.
"""

TEMPO_TARGETS: Final = {
    "tempo/bpm": "beats per minute, as another program tells it",
    "tempo/beat": "the other program's beat number, sent on the beat",
    "tempo/playing": "whether the other program plays",
}
"""Targets that go to the tempo clock."""

ONCE_EFFECTS: Final = frozenset({"pulse", "zoom"})
"""Effects that decay by themselves: a button fires them."""

BEAT_SIGNALS: Final = {
    "beat.phase": "0 on the beat, just under 1 before the next",
    "beat.pulse": "1 on the beat, falling to 0 before the next; in a trigger it fires on every beat",
    "beat.bar_phase": "0 on the downbeat, just under 1 at the end of the bar",
    "beat.bpm": "beats per minute; absent without a tempo",
}
"""Signals of the one clock."""

SIGNALS: Final[tuple[str, ...]] = (*signals_of(SILENCE), *BEAT_SIGNALS)
"""Every signal a mapping may follow."""

SECTIONS: Final[tuple[str, ...]] = get_args(Section)
"""Every part of a track that a mapping may wait for."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_ROOTS: Final = (*sorted(CHOICES), "param/", "action/", "theme/", "macro/", "fx/", "mode/", "avatar/", "tempo/")


class ParamFacts:
    """What is known of parameters: the pipeline's schema, or Scope's usual parameters until there is one."""

    def __init__(self, schema: PipelineSchema | None = None) -> None:
        self._specs: dict[str, ParamSpec] = {**SCOPE_PARAMS, **(schema.params if schema else {})}

    def __contains__(self, name: str) -> bool:
        return name in self._specs

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def spec(self, name: str) -> ParamSpec | None:
        """The parameter, or None when nothing is known of it."""
        return self._specs.get(name)

    def span(self, target: str) -> Span | None:
        """Lowest and highest value of a target in its own unit, None where unknown or unbounded."""
        kind, _, name = target.partition("/")
        if kind in ("macro", "fx"):
            return 0.0, 1.0
        spec = self._specs.get(name) if kind == "param" else None
        if spec is not None and spec.type == "boolean":
            return 0.0, 1.0
        if spec is None or spec.minimum is None or spec.maximum is None or spec.maximum <= spec.minimum:
            return None
        return spec.minimum, spec.maximum


def beat_signals(grid: BeatGrid, now: float) -> dict[str, float]:
    """The clock at ``now`` as the named signals that mappings follow; empty without a tempo."""
    if grid.bpm is None:
        return {}
    phase = grid.phase_at(now)
    return {
        "beat.phase": phase,
        "beat.pulse": 1.0 - phase,
        "beat.bar_phase": (grid.in_bar_at(now) + phase) / grid.beats_per_bar,
        "beat.bpm": grid.bpm,
    }


def unfit_target(
    target: str, themes: Collection[str] = (), plugin_params: Collection[str] = ()
) -> tuple[str, str] | None:
    """What is wrong with a target and what to do about it; None for a good one.

    ``themes`` are the slugs that exist; empty skips that check. ``plugin_params`` are parameters beyond
    Scope's own that the document declares.
    """
    kind, slash, name = target.partition("/")
    if target in CHOICES:
        return None
    if not slash or f"{kind}/" not in _ROOTS:
        return "unknown target.", suggest(target, _ROOTS) or f"Targets start with {', '.join(_ROOTS)}."
    if kind == "param":
        return _unfit_param(name, plugin_params)
    if kind == "theme":
        if not _SLUG.match(name):
            return "not the name of a theme.", "Theme names are lower case with hyphens: theme/cosmic-voyage."
        return None if not themes or name in themes else ("unknown theme.", suggest(name, themes))
    if kind == "avatar":
        return _unfit_picture(name)
    known = {
        "action": ACTIONS,
        "mode": MODES,
        "macro": MACROS,
        "fx": EFFECTS,
        "tempo": {t[6:]: "" for t in TEMPO_TARGETS},
    }[kind]
    what = {"action": "action", "mode": "mode", "macro": "macro", "fx": "effect", "tempo": "tempo target"}[kind]
    return None if name in known else (f"unknown {what}.", _prefixed(suggest(name, known), kind))


def _unfit_picture(name: str) -> tuple[str, str] | None:
    first, _, picture = name.partition("/")
    if first == "reference" and _SLUG.match(picture):
        return None
    return (
        "unknown target.",
        'Use "avatar/reference/<name>" with a name from [avatar] references, or "action/avatar_clear".',
    )


def _unfit_param(name: str, plugin_params: Collection[str]) -> tuple[str, str] | None:
    if name in SCOPE_PARAMS or name in plugin_params:
        return None
    if name == "reset_cache":
        return "is fired, not set.", 'Use "action/reset_cache".'
    if not _NAME.match(name):
        return "not the name of a parameter.", "Letters, digits and underscores, such as param/noise_scale."
    hint = _prefixed(suggest(name, SCOPE_PARAMS), "param")
    declare = f'If a plugin brings it, add plugin_params = ["{name}"] under [about].'
    return "unknown parameter.", f"{hint} {declare}".strip()


def _prefixed(hint: str, kind: str) -> str:
    return hint.replace('Did you mean "', f'Did you mean "{kind}/')
