"""Settings of the status page and HTTP API."""

from __future__ import annotations

__all__ = ["WebSettings", "is_loopback"]

import ipaddress

from pydantic import Field, SecretStr

from bridge.model.document import PartSettings


class WebSettings(PartSettings):
    """The status page and the HTTP API."""

    enabled: bool = Field(True, description="Serve the page and the API at all.")
    address: str = Field(
        "127.0.0.1", description="Address to bind. Anything but loopback is seen by the network and needs a token."
    )
    port: int = Field(9720, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    token: SecretStr | None = Field(
        None,
        description="Password for the page beyond loopback, at least 12 characters. Open it as http://HOST:9720/?token=...",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Further names this machine is called by, such as stage.local (checked against the Host header).",
    )
    events_hz: float = Field(10.0, gt=0, le=30, description="How often the page is told what changed, per second.")


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach ``address``."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
