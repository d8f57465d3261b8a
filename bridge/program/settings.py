"""The ``[program]`` section of the configuration."""

from __future__ import annotations

__all__ = ["PRESETS", "ProgramSettings"]

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from bridge.model.document import PartSettings

PRESETS: Final = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (720, 720)}
"""Canvas preset -> width and height in pixels; ``source`` takes the size Scope is asked to make."""


class ProgramSettings(PartSettings):
    """The composed picture: its fixed size, what it shows without live video, and local effects."""

    canvas: Literal["16:9", "9:16", "1:1", "source"] = Field(
        default="16:9", description="Shape of the outputs: 1280x720, 720x1280, 720x720, or the size Scope makes."
    )
    width: int = Field(
        default=0, ge=0, le=3840, description="Width in pixels instead of the preset's; 0 leaves the preset."
    )
    height: int = Field(
        default=0, ge=0, le=3840, description="Height in pixels instead of the preset's; 0 leaves the preset."
    )
    fps: float = Field(default=30.0, ge=1.0, le=120.0, description="Pictures per second on every output.")
    fit: Literal["letterbox", "crop"] = Field(
        default="letterbox",
        description="How another shape meets the canvas: bars around it, or fill and cut the edges.",
    )
    low_latency: bool = Field(
        default=False,
        description="Send each picture the moment it arrives instead of at the next tick; ticks still fill gaps.",
    )
    lost: Literal["slate", "hold"] = Field(
        default="slate",
        description="When the video stops: fade to the slate, or keep the last picture, dimmed, with a caption.",
    )
    lost_after_s: float = Field(
        default=1.0,
        ge=0.2,
        le=60.0,
        description="Seconds without a new picture until then; at least 1.25 chunks are waited.",
    )
    fade_s: float = Field(default=0.5, ge=0.0, le=10.0, description="Seconds of the fades to and from the slate.")
    blackout_s: float = Field(default=0.5, ge=0.0, le=10.0, description="Seconds of the fade to black and back.")
    slate_title: str = Field(
        default="Scope Bridge", max_length=80, description="Name on the slate: yours, if you like."
    )
    slate_text: bool = Field(
        default=True,
        description="Say on the slate what is going on. Off shows the title alone, for rooms with an audience.",
    )
    flash_guard: bool = Field(
        default=True,
        description="Keep the picture under 3 general flashes a second (photosensitive viewers). Leave on in public.",
    )
    pulse_s: float = Field(default=0.25, ge=0.02, le=5.0, description="Seconds in which a pulse falls to a third.")
    pulse_amount: float = Field(default=0.6, ge=0.0, le=1.0, description="How far a full pulse lifts the brightness.")
    zoom_s: float = Field(default=0.2, ge=0.02, le=5.0, description="Seconds in which a zoom falls to a third.")
    zoom_amount: float = Field(
        default=0.12, ge=0.0, le=1.0, description="How far a full zoom goes in; 0.12 is 12 % larger."
    )

    @model_validator(mode="after")
    def _sizes_come_in_pairs(self) -> Self:
        if bool(self.width) != bool(self.height):
            raise ValueError("width and height go together: give both, or leave both 0")
        if self.width % 2 or self.height % 2:
            raise ValueError("width and height have to be even")
        if 0 < min(self.width, self.height) < 64:
            raise ValueError("width and height have to be at least 64")
        return self

    def size(self, source: tuple[int, int]) -> tuple[int, int]:
        """Canvas (width, height); ``source`` is what the preset ``source`` stands for, rounded down to even."""
        if self.width:
            return self.width, self.height
        width, height = PRESETS.get(self.canvas, source)
        return max(64, width // 2 * 2), max(64, height // 2 * 2)
