"""``[osc]`` in the configuration."""

from __future__ import annotations

__all__ = ["OscListenSettings", "OscSettings"]

from typing import Literal

from pydantic import Field, field_validator

from bridge.model.addresses import AllowList, ListenAddress
from bridge.model.document import PartSettings


class OscListenSettings(PartSettings):
    """One ``[[osc.listen]]``: a UDP port that OSC comes in on."""

    address: ListenAddress = Field(
        default="127.0.0.1",
        description="IP address to listen on. 127.0.0.1 hears only this computer; for a phone or another computer give "
        "this computer's own address on that network, or 0.0.0.0 for every network.",
    )
    port: int = Field(default=9700, ge=0, le=65535, description="UDP port; 0 lets the system choose a free one.")
    allow: AllowList = Field(
        default=(),
        description='Senders that are heard, as addresses or networks ("192.168.1.20", "192.168.1.0/24"); '
        "empty hears everyone.",
    )
    timetags: Literal["ignore", "honor"] = Field(
        default="ignore",
        description="What the time stamp on a bundle does: ignore applies everything at once, honor waits for its time "
        "(only with both computers' clocks in step).",
    )
    max_ahead_ms: float = Field(
        default=1000.0,
        gt=0,
        le=60_000,
        description="With honor: stamps further ahead than this many milliseconds are not believed and applied at once.",
    )


class OscSettings(PartSettings):
    """``[osc]``: OSC in."""

    listen: tuple[OscListenSettings, ...] = Field(
        default=(OscListenSettings(),),
        description="Where OSC comes in; one [[osc.listen]] table per port.",
    )
    events_per_second: float = Field(
        default=20_000.0,
        ge=100,
        le=1_000_000,
        description="Events a second that one sender may cause; above it values are thinned to the newest and triggers wait.",
    )
    burst: int = Field(default=4000, ge=100, le=100_000, description="Events that one sender may cause at once.")

    @field_validator("listen")
    @classmethod
    def _each_port_once(cls, listen: tuple[OscListenSettings, ...]) -> tuple[OscListenSettings, ...]:
        seen: set[tuple[str, int]] = set()
        for entry in listen:
            if entry.port and (entry.address, entry.port) in seen:
                raise ValueError(f"{entry.address}:{entry.port} is listed twice")
            seen.add((entry.address, entry.port))
        return listen
