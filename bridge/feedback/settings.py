"""``[feedback]`` and ``[midi_clock_out]`` in the configuration."""

from __future__ import annotations

__all__ = ["FeedbackSettings", "MidiClockOutSettings", "OscFeedbackSettings", "parse_peer"]

import ipaddress

from pydantic import Field, field_validator

from bridge.model.document import PartSettings


def parse_peer(text: str) -> tuple[str, int]:
    """``127.0.0.1:9701`` or ``[::1]:9701`` as (ip, port). Raises ValueError saying what is wrong."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if host == "localhost":
        host = "127.0.0.1"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f'"{text}" is not an IP address and port such as 127.0.0.1:9701') from None
    if not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ValueError(f'"{text}" needs a port from 1 to 65535, as in 127.0.0.1:9701')
    return host, int(port)


class OscFeedbackSettings(PartSettings):
    """``[feedback.osc]``: the bridge's state to other programs, under ``/bridge/state/``."""

    subscribers: tuple[str, ...] = Field(
        default=(),
        description='Programs that always get the state, as "ip:port". Others subscribe by sending /bridge/subscribe.',
    )
    rate_hz: float = Field(default=30.0, ge=1, le=120, description="Highest number of messages a second per address.")
    lease_s: float = Field(
        default=60.0,
        ge=5,
        le=86_400,
        description="Seconds that a /bridge/subscribe lasts; programs repeat it before it ends.",
    )

    @field_validator("subscribers")
    @classmethod
    def _subscribers_are_peers(cls, subscribers: tuple[str, ...]) -> tuple[str, ...]:
        for entry in subscribers:
            parse_peer(entry)
        return subscribers


class FeedbackSettings(PartSettings):
    """``[feedback]``: what the bridge tells controllers and programs."""

    osc: OscFeedbackSettings = Field(default=OscFeedbackSettings(), description="State out over OSC.")


class MidiClockOutSettings(PartSettings):
    """MIDI clock out: the one clock for drum machines, synthesizers and DJ programs."""

    enabled: bool = Field(
        default=False, description="Send MIDI clock, start, continue, stop and song position. Delay: tempo.offset_ms."
    )
    port: str = Field(
        default="",
        description="Port to send to: part of its name or a regular expression, upper and lower case alike; empty offers "
        'a virtual port "Scope Bridge Clock" (ALSA, JACK, macOS).',
    )
