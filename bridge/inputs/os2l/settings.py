"""``[os2l]`` in the configuration."""

from __future__ import annotations

__all__ = ["DEFAULT_PORT", "Os2lSettings"]

from typing import Final

from pydantic import Field

from bridge.model.addresses import AllowList, ListenAddress
from bridge.model.document import PartSettings

DEFAULT_PORT: Final = 9996
"""What QLC+ listens on, so what VirtualDJ's users and manuals write into ``os2lDirectIp``."""


class Os2lSettings(PartSettings):
    """OS2L: beats and buttons of VirtualDJ."""

    enabled: bool = Field(
        False, description='Hear OS2L. In VirtualDJ set os2l to "yes" and os2lDirectIp to this address and port.'
    )
    address: ListenAddress = Field(
        "127.0.0.1",
        description="IP address to listen on. 127.0.0.1 hears only this computer; for VirtualDJ on another one give "
        "this computer's own address on that network.",
    )
    port: int = Field(DEFAULT_PORT, ge=0, le=65535, description="TCP port; 0 lets the system choose a free one.")
    allow: AllowList = Field(
        (),
        description='Computers that are heard, as addresses or networks ("192.168.1.20", "192.168.1.0/24"); '
        "empty hears everyone who reaches the address.",
    )
    announce: bool = Field(
        False,
        description="Announce the port by mDNS as _os2l._tcp, so that DJ programs find it without os2lDirectIp; only on "
        'the network of the address. Needs the extra: pip install "scope-bridge[os2l]".',
    )
