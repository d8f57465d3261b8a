"""The ``[show]`` section of the configuration."""

from __future__ import annotations

__all__ = ["ShowSettings"]

from typing import Literal

from pydantic import Field

from bridge.model.document import PartSettings
from bridge.model.quantize import Quantize
from bridge.show.profiles import PaceName, ReactivityName


class ShowSettings(PartSettings):
    """How themes are played."""

    theme: str = Field(default="cosmic-voyage", description="The theme at start, by its file name without .toml.")
    theme_order: tuple[str, ...] = Field(
        default=(), description="Order for theme_next and theme_previous; themes not named follow by name."
    )
    reactivity: ReactivityName = Field(
        default="balanced", description="How nervously the picture follows the music: cinematic, balanced or kinetic."
    )
    pace: PaceName = Field(
        default="balanced", description="How fast prompts and accents change: stable, balanced or dynamic."
    )
    beat_action: Literal["theme", "none", "pulse_noise", "prompt_cycle", "transition_trigger", "cache_reset"] = Field(
        default="theme",
        description="What a beat does: theme (as the theme says), pulse_noise, prompt_cycle, transition_trigger, "
        "cache_reset, or none. The local pulse on the returned frames comes with every beat in any case.",
    )
    cuts: Literal["safe", "allowed"] = Field(
        default="safe", description="safe: no beat ever cuts the picture; allowed: the beat action cache_reset may."
    )
    spikes: bool = Field(default=True, description="A sudden rise of energy blends a variation of the theme in.")
    sections: bool = Field(
        default=True, description="A build-up, drop or breakdown in the music takes the theme's variations for it."
    )
    ambient: bool = Field(default=True, description="Drift slowly while there is no sound.")
    denoising: Literal["theme", "pipeline", "speed", "balanced", "quality"] = Field(
        default="theme",
        description="Denoising profile: theme, pipeline (its own default), speed, balanced or quality. "
        "Every change is a hard cut, so it never follows the music.",
    )
    quantize: Quantize = Field(
        default="none",
        description="Boundary that discrete changes (themes, prompts, resets, seeds, denoising) are timed to, when a tempo "
        "is known: none, beat, bar, 2_bar or 4_bar. The nearest chunk is the best Scope can do.",
    )
    lookahead_ms: float = Field(
        default=0.0,
        ge=0,
        le=1000,
        description="Send quantised changes earlier by this, for what delays the picture after it came back.",
    )
    noise_ceiling: float = Field(
        default=0.9, ge=0.35, le=1.0, description="The highest noise_scale that beats and music may reach (video mode)."
    )
    beat_gain: float = Field(default=1.0, ge=0.6, le=1.4, description="Fine tuning: scales every beat action.")
    spike_gain: float = Field(default=1.0, ge=0.6, le=1.4, description="Fine tuning: scales what an energy spike does.")
    variation_gain: float = Field(
        default=1.0, ge=0.7, le=1.35, description="Fine tuning: weight of blended variations."
    )
    tempo_gain: float = Field(
        default=1.0, ge=0.85, le=1.2, description="Fine tuning: multiplies the BPM that the tempo words look at."
    )
    unsafe_text_noise: bool = Field(
        default=False,
        description="Send noise_scale in text mode through Scope's private key _modulated_noise_scale. "
        "Undocumented there and untested on a GPU; a server update may break it.",
    )
