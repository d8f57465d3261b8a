"""How the rehearsal server behaves."""

from __future__ import annotations

__all__ = ["RehearsalSettings"]

from typing import Literal

from pydantic import Field

from bridge.model.document import PartSettings


class RehearsalSettings(PartSettings):
    """The local Scope-compatible server that draws on the CPU."""

    host: str = Field("127.0.0.1", description="Address to listen on. 127.0.0.1 answers only this computer.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port; 0 lets the system choose a free one.")
    fps: float = Field(15.0, gt=0, le=60, description="Frames a second that the imaginary GPU makes.")
    chunk: int | None = Field(
        None, ge=1, le=120, description="Frames per pipeline call; unset is the pipeline's own (12, or 4)."
    )
    width: int | None = Field(None, ge=64, le=1920, description="Picture width when a load does not say one.")
    height: int | None = Field(None, ge=64, le=1080, description="Picture height when a load does not say one.")
    version: Literal["0.2.4", "dec2025"] = Field(
        "0.2.4", description="Whose API to speak: Scope 0.2.4, or the first beta of December 2025."
    )
    load_seconds: float = Field(1.0, ge=0, le=600, description="How long a pipeline takes to load.")
    bitrate: int = Field(
        1_500_000, ge=100_000, le=10_000_000, description="Video bits a second to start with; the receiver adjusts it."
    )
    vram_gb: float | None = Field(None, gt=0, description="Memory of the imaginary GPU, as /hardware/info tells it.")
    label: bool = Field(True, description="Write the prompt's words small into the corner of the picture.")
    stamp: bool = Field(False, description="Write the time into the upper edge of each picture, to measure delays.")
    seed: int = Field(1, description="Seed of the faults that are random, such as lost packets.")
    assets: str = Field("", description="Folder of uploaded pictures; empty is a temporary one, removed at the end.")
