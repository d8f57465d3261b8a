"""The ``[outputs]`` section of the configuration."""

from __future__ import annotations

__all__ = ["LABEL", "NdiSettings", "OutputSettings", "PreviewSettings", "VirtualCameraSettings"]

from typing import Final, Literal

from pydantic import Field

from bridge.model.document import PartSettings

LABEL: Final = "Scope Bridge"
"""The name under which other programs find us."""


class NdiSettings(PartSettings):
    """NDI on the local network, for OBS, TouchDesigner, Resolume and the like."""

    enabled: bool | Literal["auto"] = Field(
        default="auto",
        description='true, false, or "auto": on where the extra is installed (pip install "scope-bridge[ndi]").',
    )
    name: str = Field(
        default=LABEL,
        min_length=1,
        max_length=100,
        description="Name of the stream. Receivers find it again by this name: keep it.",
    )
    groups: str = Field(default="", max_length=200, description="NDI groups, comma separated; empty is the public one.")


class VirtualCameraSettings(PartSettings):
    """A camera of this machine, for OBS, Zoom or a browser; on Linux through v4l2loopback."""

    enabled: bool | Literal["auto"] = Field(
        default="auto", description='true, false, or "auto": on where the device is there, silent where it is not.'
    )
    device: str = Field(
        default="", description="Device, such as /dev/video10; empty finds the one with the label below."
    )
    label: str = Field(
        default="Scope Bridge", min_length=1, max_length=31, description="card_label of the v4l2loopback device."
    )


class PreviewSettings(PartSettings):
    """The small live picture of the status page; encoded only while somebody looks."""

    enabled: bool = Field(default=True, description="Whether the status page has a picture.")
    size: int = Field(default=512, ge=64, le=1920, description="Longer side of the preview in pixels.")
    fps: float = Field(default=10.0, ge=0.5, le=30.0, description="Preview pictures per second at most.")
    quality: int = Field(default=5, ge=2, le=31, description="JPEG quantiser: 2 is best and largest, 31 worst.")


class OutputSettings(PartSettings):
    """Where the program picture goes. Size and rate are those of the program's canvas."""

    ndi: NdiSettings = Field(default_factory=NdiSettings, description="NDI.")
    virtual_camera: VirtualCameraSettings = Field(default_factory=VirtualCameraSettings, description="Virtual camera.")
    preview: PreviewSettings = Field(default_factory=PreviewSettings, description="Preview on the status page.")
