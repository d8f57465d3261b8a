"""The ``[video]`` section of the configuration."""

from __future__ import annotations

__all__ = ["VideoSettings"]

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from bridge.model.document import PartSettings
from bridge.model.guide import GuideName

Place = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class VideoSettings(PartSettings):
    """The picture that Scope is sent in video mode (``scope.input_mode = "video"``)."""

    source: Literal["guide", "camera", "file", "ndi", "test"] = Field(
        "guide",
        description="guide (drawn here, moves with the music), camera, file, ndi or test (a moving test picture).",
    )
    device: str = Field(
        "default",
        min_length=1,
        max_length=200,
        description='For camera: "/dev/video0", a name as `scope-bridge devices` prints it or a part of it that fits only '
        'one, /a regular expression/, or "default" for the first. Another camera is never taken in its place.',
    )
    file: Path | None = Field(None, description="For file: a video, which is looped, or a picture.")
    ndi_name: str = Field(
        "",
        max_length=200,
        description="For ndi: the source's name as `scope-bridge devices` prints it, a part of it, or /a regular "
        "expression/.",
    )
    ndi_extra_ips: tuple[str, ...] = Field(
        (), max_length=32, description="For ndi: addresses to look for sources at, where discovery finds none."
    )
    fps: float = Field(
        30.0,
        ge=1.0,
        le=60.0,
        allow_inf_nan=False,
        description="Most frames a second to send. More than the pipeline makes costs little: Scope spreads its choice.",
    )
    mirror: bool = Field(False, description="Left and right change places, as in a mirror.")
    flip: bool = Field(False, description="The picture is turned upside down.")
    crop_x: Place = Field(0.5, description="Which part stays when the sides are cut: 0 the left, 1 the right.")
    crop_y: Place = Field(0.5, description="Which part stays when top and bottom are cut: 0 the top, 1 the bottom.")
    guide: GuideName | Literal["theme"] = Field(
        "theme", description="theme (the one that the theme names), tunnel, pulse, bars, orbit or silhouette."
    )
    guide_intensity: float = Field(
        1.0, ge=0.0, le=2.0, allow_inf_nan=False, description="How far music moves the guide: 0 not, 2 wildly."
    )
    guide_lead_ms: float = Field(
        0.0,
        ge=0.0,
        le=5000.0,
        allow_inf_nan=False,
        description="Draw the guide's beats so much ahead, so that Scope's picture of them is back on the beat.",
    )

    @field_validator("device", "ndi_name")
    @classmethod
    def _a_regex_compiles(cls, name: str) -> str:
        if len(name) > 2 and name.startswith("/") and name.endswith("/"):
            try:
                re.compile(name[1:-1])
            except re.error as error:
                raise ValueError(f"is not a regular expression: {error}") from error
        return name.strip()

    @field_validator("ndi_extra_ips")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            try:
                ipaddress.ip_address(address)
            except ValueError as error:
                raise ValueError(f'"{address}" is not an IP address such as "192.168.1.20"') from error
        return addresses

    @model_validator(mode="after")
    def _a_source_names_what_it_needs(self) -> VideoSettings:
        if self.source == "file" and self.file is None:
            raise ValueError('source "file" needs file = "/path/to/video.mp4"')
        if self.source == "ndi" and not self.ndi_name:
            raise ValueError('source "ndi" needs ndi_name; `scope-bridge devices` lists the sources')
        return self
