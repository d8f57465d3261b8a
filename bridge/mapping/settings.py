"""The ``[mapping]`` section of the configuration."""

from __future__ import annotations

__all__ = ["MappingSettings"]

from pydantic import Field

from bridge.mapping.takeover import TakeoverMode
from bridge.model.document import PartSettings


class MappingSettings(PartSettings):
    """Which mapping files are in use."""

    files: tuple[str, ...] = Field(
        default=("auto",),
        description='Mapping files by name without .toml, in this order. "auto" is every shipped file and every one of '
        'yours; "-name" leaves one out: ["auto", "-touchdesigner"].',
    )
    directory: str = Field(
        default="",
        description="Your own mapping files. Empty: mappings/ beside the user's configuration "
        "($XDG_CONFIG_HOME/scope-bridge/mappings). A file of yours takes the place of the shipped one of that name.",
    )
    takeover: TakeoverMode = Field(
        default="pickup",
        description="How an absolute MIDI knob meets a value that moved without it: pickup (waits until the knob has "
        "reached it), scale (both meet at the end of travel) or jump. A mapping may say otherwise.",
    )
