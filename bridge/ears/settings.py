"""The ``[ears]`` section of the configuration."""

from __future__ import annotations

__all__ = ["EarsSettings"]

from typing import Literal

from pydantic import Field, model_validator

from bridge.model.document import PartSettings


class EarsSettings(PartSettings):
    """How the music is listened to."""

    gate_db: float = Field(
        -50.0, ge=-100.0, le=0.0, description="Below this level (dBFS) nothing is music: no beats, features at rest."
    )
    gate_hysteresis_db: float = Field(
        6.0, ge=0.0, le=40.0, description="The gate closes only this far below gate_db, and after 1.5 s there."
    )
    max_gain_db: float = Field(
        24.0, ge=0.0, le=60.0, description="How far quiet input is lifted at most. Silence is never lifted."
    )
    attack_ms: float = Field(10.0, ge=0.0, le=5000.0, description="How fast features rise.")
    release_ms: float = Field(150.0, ge=0.0, le=10000.0, description="How fast features fall.")
    energy_ceiling: float = Field(
        0.15, ge=0.01, le=1.0, description="Loudness (RMS) that counts as full energy; lower is more sensitive."
    )
    brightness_min_hz: float = Field(100.0, ge=0.0, le=20000.0, description="Spectral centroid that counts as dark.")
    brightness_max_hz: float = Field(
        6000.0, ge=100.0, le=22050.0, description="Spectral centroid that counts as bright."
    )
    texture_ceiling: float = Field(0.5, ge=0.05, le=1.0, description="Spectral flatness that counts as pure noise.")
    low_hz: float = Field(200.0, ge=60.0, le=1000.0, description="Where the low band ends.")
    high_hz: float = Field(3000.0, ge=1000.0, le=12000.0, description="Where the high band begins.")
    tracker: Literal["scope", "aubio", "none"] = Field(
        "scope", description="What finds the beats: our own net, aubio, or nothing."
    )
    min_bpm: float = Field(80.0, ge=30.0, le=200.0, description="Slowest tempo; slower ones are doubled.")
    max_bpm: float = Field(180.0, ge=60.0, le=400.0, description="Fastest tempo; faster ones are halved.")
    min_confidence: float = Field(
        0.2, ge=0.0, le=1.0, description="Beats of which the tracker is less sure than this are kept back."
    )

    sections: bool = Field(
        True, description="Whether build-ups, drops and breakdowns are listened for, for themes and mappings."
    )

    @model_validator(mode="after")
    def _ranges_run_upwards(self) -> EarsSettings:
        if self.max_bpm < 2 * self.min_bpm:
            raise ValueError("max_bpm has to be at least twice min_bpm: tempo is folded into the range by octaves")
        if self.brightness_max_hz <= self.brightness_min_hz:
            raise ValueError("brightness_max_hz has to be above brightness_min_hz")
        return self
