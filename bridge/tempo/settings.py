"""The ``[tempo]`` section of the configuration."""

from __future__ import annotations

__all__ = ["OffsetSettings", "TempoSettings"]

from typing import Self

from pydantic import Field, model_validator

from bridge.model.beatgrid import TempoSource
from bridge.model.document import PartSettings


def _offset(what: str) -> float:
    offset: float = Field(default=0.0, ge=-500, le=500, description=f"{what} this much later; negative is sooner.")
    return offset


class OffsetSettings(PartSettings):
    """``[tempo.offset_ms]``: when each output acts, measured from the beat. Positive is later, negative sooner.

    A projector that shows every picture 60 ms late wants ``effects = -60``.
    """

    effects: float = _offset("Local effects show the beat")
    targets: float = _offset("Beat actions, and mappings that follow beat.phase, act")
    quantize: float = _offset("Changes on the beat, bar or phrase are seen")
    osc: float = _offset("/bridge/state/beat is sent")
    midi_clock: float = _offset("MIDI clock out ticks")
    link: float = _offset("The Link session has its beats")


class TempoSettings(PartSettings):
    """Which source leads the one clock, and how patient the clock is with each."""

    priority: tuple[TempoSource, ...] = Field(
        default=("link", "midi_clock", "osc", "os2l", "tap", "audio"),
        description="Sources of tempo, the one to trust most first. A source left out is never followed.",
    )
    bpm_min: float = Field(
        default=80.0,
        ge=30,
        le=200,
        description="Slowest tempo of your music; heard beats are folded by octaves into the range.",
    )
    bpm_max: float = Field(
        default=180.0, ge=60, le=400, description="Fastest tempo of your music; at least twice bpm_min is best."
    )
    beats_per_bar: int = Field(default=4, ge=1, le=16, description="Beats in a bar.")
    hold_s: float = Field(
        default=8.0, ge=0, le=120, description="Seconds the beat goes on by itself after the last source fell silent."
    )
    fallback_s: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="Seconds the leading source must be silent before a less trusted one takes over.",
    )
    takeover_beats: float = Field(
        default=2.0, ge=0, le=64, description="Beats a more trusted source must be steady before it takes over."
    )
    by_hand_s: float = Field(
        default=600.0,
        ge=1,
        description="Seconds a tapped or typed tempo outranks audio, unless the heard beats come to agree before that.",
    )
    agree_beats: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Beats that heard beats must agree with a tapped tempo before audio leads again.",
    )
    audio_confidence: float = Field(
        default=0.1, ge=0, le=1, description="Heard beats of less confidence than this are ignored."
    )
    max_slew_ms: float = Field(
        default=4.0,
        gt=0,
        le=50,
        description="Most that the beat is moved per beat while it agrees with its source within 20 ms; sources that still settle add up to 0.6.",
    )
    offset_ms: OffsetSettings = Field(
        default=OffsetSettings(), description="Milliseconds by which each output acts after the beat."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.bpm_min >= self.bpm_max:
            raise ValueError("bpm_min must be smaller than bpm_max.")
        if len(set(self.priority)) != len(self.priority):
            raise ValueError("priority names a source twice.")
        if "none" in self.priority:
            raise ValueError('priority cannot name "none"; leave a source out to never follow it.')
        return self
