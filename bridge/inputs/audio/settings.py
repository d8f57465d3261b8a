"""The ``[audio]`` section of the configuration."""

from __future__ import annotations

__all__ = ["AudioSettings"]

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from bridge.model.document import PartSettings

Channel = Annotated[int, Field(ge=1, le=256)]


class AudioSettings(PartSettings):
    """Where the music comes from."""

    source: Literal["demo", "file", "live", "off"] = Field(
        "off", description="demo (the built-in track), file, live (a sound device) or off."
    )
    device: str = Field(
        "",
        max_length=200,
        description="For live: a device's name as `scope-bridge devices` prints it, a part of the name that fits only "
        'one device, /a regular expression/, "default", or "monitor" (what this computer plays). Another device is '
        "never taken in its place.",
    )
    channels: tuple[Channel, ...] = Field(
        (),
        max_length=64,
        description="Channels to listen to, counted from 1, mixed to mono; [3, 4] is a mixer's second pair. "
        "Empty: all, or the first two where a device claims 32 or more.",
    )
    latency: Literal["low", "high"] = Field(
        "low", description="For live: high where overflows are counted; beats are stamped right either way."
    )
    offset_ms: float = Field(
        0.0,
        ge=-1000.0,
        le=1000.0,
        description="For live: how much later the sound arrives here than at the audience, in ms (a network or digital "
        "mixer before us); negative where the audience hears it later. What the device itself takes is measured.",
    )
    file: Path | None = Field(None, description="For file: any audio file that FFmpeg reads.")
    loop: bool = Field(True, description="For file: start again at the end. The demo track always does.")
    gain_db: float = Field(
        0.0,
        ge=-40.0,
        le=40.0,
        description="Added to the input before anything listens, in dB; the ears adapt by themselves.",
    )

    @field_validator("device")
    @classmethod
    def _a_regex_compiles(cls, device: str) -> str:
        if len(device) > 2 and device.startswith("/") and device.endswith("/"):
            try:
                re.compile(device[1:-1])
            except re.error as error:
                raise ValueError(f"is not a regular expression: {error}") from error
        return device.strip()

    @model_validator(mode="after")
    def _a_source_names_what_it_needs(self) -> AudioSettings:
        if self.source == "live" and not self.device:
            raise ValueError(
                'source "live" needs a device; `scope-bridge devices` lists them, "default" is the system\'s'
            )
        if self.source == "file" and self.file is None:
            raise ValueError('source "file" needs file = "/path/to/music.flac"')
        return self
