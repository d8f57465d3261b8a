"""The ``[midi]`` section of the configuration."""

from __future__ import annotations

__all__ = ["MidiSettings"]

from typing import Literal

from pydantic import Field

from bridge.model.document import PartSettings


class MidiSettings(PartSettings):
    """Which MIDI ports are listened to; those that mapping files name are opened without being listed here."""

    enabled: bool = Field(default=True, description="Listen to MIDI at all.")
    backend: Literal["auto", "alsa", "jack"] = Field(
        default="auto",
        description="MIDI system: auto takes ALSA where it works, else JACK (macOS and Windows: their own).",
    )
    inputs: tuple[str, ...] = Field(
        default=(),
        description="More ports to open: part of a name or a regular expression, upper and lower case alike.",
    )
    clock: str = Field(
        default="", description="Port whose MIDI clock is followed, as in inputs; empty follows any open port's."
    )
    poll_s: float = Field(default=1.0, ge=0.1, le=60, description="Seconds between looks for plugged devices.")
    virtual: bool = Field(
        default=True,
        description='Offer a virtual input port "Scope Bridge" that other programs can connect to (ALSA, JACK, macOS).',
    )
    jack_client: str = Field(
        default="scope-bridge", min_length=1, max_length=48, description="Our name in ALSA and JACK."
    )
