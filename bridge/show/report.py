"""What the show says about itself, for status and the page."""

from __future__ import annotations

__all__ = ["Quantized", "ShowReport", "report_of"]

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bridge.model.desired import ParamValue, Prompt
from bridge.model.quantize import Quantize
from bridge.show.bands import Bands
from bridge.show.desk import Desk
from bridge.show.director import Director
from bridge.show.levers import LOCAL_SPECS
from bridge.show.mixer import Mixer
from bridge.show.quantizer import Quantizer, Waiting
from bridge.show.theme import Theme


@dataclass(frozen=True, slots=True)
class Quantized:
    """How discrete changes are timed now. ``lead_from`` is ``measured`` or ``chunk model``; ``waiting`` is (what, s)."""

    mode: Quantize
    lookahead_s: float
    lead_s: float
    lead_from: str
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class ShowReport:
    """One moment of the show.

    ``desired`` is what theme, controls and music ask for; ``effective`` the part that has an effect on this
    pipeline in this mode (empty while no schema is known); ``ineffective`` the rest, with a sentence each that
    says why and what works instead. ``held`` are targets a control holds.
    """

    theme: str
    theme_name: str
    themes: tuple[str, ...]
    desired: Mapping[str, ParamValue]
    effective: Mapping[str, ParamValue]
    ineffective: Mapping[str, str]
    held: tuple[str, ...]
    macros: Mapping[str, float]
    prompts: tuple[Prompt, ...]
    transition: bool
    bands: Bands
    beat_action: str
    quantize: Quantized
    ambient: bool
    panic: bool
    blackout: bool
    freeze: bool
    paused: bool


def report_of(
    *,
    theme: Theme,
    themes: tuple[str, ...],
    desk: Desk,
    mixer: Mixer,
    director: Director,
    bands: Bands,
    beat_action: str,
    cuts: bool,
    ambient: bool,
    transition: bool,
    sent: Mapping[str, ParamValue],
    quantizer: Quantizer,
    now: float,
) -> ShowReport:
    """Gather the report; ``sent`` are the parameters of the desired state."""
    parameters = mixer.parameters
    wanted = mixer.wanted()
    ineffective = {name: why for name in wanted if (why := _why_not(name, theme, mixer))}
    if beat_action == "cache_reset" and not cuts:
        ineffective["cache_reset"] = 'Beats do not cut while [show] cuts is "safe"; they pulse instead.'
    if not parameters.prompts:
        ineffective["prompts"] = "This pipeline takes no prompts; local effects work."
    effective: dict[str, ParamValue] = {}
    if parameters.known:
        local = {name: value for name, value in wanted.items() if name in LOCAL_SPECS and name not in ineffective}
        effective = {**sent, **local}
    return ShowReport(
        theme=theme.id,
        theme_name=theme.name,
        themes=themes,
        desired=MappingProxyType({**sent, **wanted}),
        effective=MappingProxyType(effective),
        ineffective=MappingProxyType(ineffective),
        held=tuple(name if name.startswith("fx/") else f"param/{name}" for name in desk.controls.names()),
        macros=MappingProxyType(dict(desk.macros)),
        prompts=director.plan.prompts,
        transition=transition,
        bands=bands,
        beat_action=beat_action,
        quantize=Quantized(
            mode=quantizer.mode,
            lookahead_s=quantizer.lookahead_s,
            lead_s=quantizer.lead_s,
            lead_from="measured" if quantizer.measured else "chunk model",
            waiting=quantizer.waiting(now),
        ),
        ambient=ambient,
        panic=desk.panic.on,
        blackout=desk.effects.blackout.on,
        freeze=desk.effects.freeze.on,
        paused=desk.paused.on,
    )


def _why_not(name: str, theme: Theme, mixer: Mixer) -> str | None:
    parameters = mixer.parameters
    if name == "prompt_weight":
        if not parameters.prompts:
            return "This pipeline takes no prompts; local effects work."
        if not theme.prompt.calm:
            return f"{theme.name} has no calm and intense prompt to move between."
        if not parameters.text_like:
            return "Moving prompt weights would cut the picture in video mode; noise_scale works."
        return None if mixer.lever(name) is not None else f"{theme.name} does not drive prompt_weight in this mode."
    if name in LOCAL_SPECS:
        return None
    why = parameters.reason(name)
    if why and name == "noise_scale" and parameters.text_like and theme.stand_ins:
        why = f"{why} {theme.name} drives {' and '.join(theme.stand_ins)} instead."
    return why
