"""``[link]`` in the configuration."""

from __future__ import annotations

__all__ = ["LinkSettings"]

from typing import Literal

from pydantic import Field

from bridge.model.document import PartSettings


class LinkSettings(PartSettings):
    """Ableton Link on the local network."""

    enabled: bool = Field(
        False, description='Join the Link session. Needs the extra: pip install "scope-bridge[link]".'
    )
    mode: Literal["follow", "lead"] = Field(
        "follow",
        description="follow takes tempo and beat from the session; lead gives it those of the clock (MIDI clock, OS2L, "
        "tap, audio) and never follows it.",
    )
    start_stop: bool = Field(
        False, description="With lead: also start the programs that share Link's transport at a bar, and stop them."
    )
