"""mDNS: DJ programs look for ``_os2l._tcp`` and connect by themselves."""

from __future__ import annotations

__all__ = ["announce"]

import asyncio
import ipaddress
import socket
from typing import Any, Final

from bridge.inputs.os2l.settings import Os2lSettings
from bridge.model.board import ProblemBoard
from bridge.model.errors import DependencyMissing

SERVICE: Final = "_os2l._tcp.local."
NAME: Final = "Scope Bridge"
_BY_HAND: Final = "Set os2lDirectIp in VirtualDJ to this address and port, or os2l.announce = false here."


async def announce(settings: Os2lSettings, port: int, board: ProblemBoard) -> None:
    """Announce the server until cancelled, then withdraw; what fails is on the board and stops nothing else.

    Only the interface of the address listened on is used, every one for 0.0.0.0.
    """
    if not settings.announce:
        return
    try:
        zeroconf, info = _service(settings.address, port)
    except DependencyMissing as error:
        board.pin("os2l", "announce", error.message, error.hint)
        return
    except OSError as error:
        board.pin("os2l", "announce", f"mDNS is not possible here: {error}.", _BY_HAND)
        return
    try:
        await zeroconf.async_register_service(info, allow_name_change=True)
        board.clear("os2l", "announce")
        await asyncio.Event().wait()
    except OSError as error:
        board.pin("os2l", "announce", f"OS2L cannot be announced: {error}.", _BY_HAND)
    finally:
        await zeroconf.async_close()


def _service(address: str, port: int) -> tuple[Any, Any]:
    """The mDNS client and what it is to announce. Raises DependencyMissing, OSError."""
    try:
        import ifaddr  # zeroconf's own
        from zeroconf import IPVersion, ServiceInfo
        from zeroconf.asyncio import AsyncZeroconf
    except ImportError as error:
        raise DependencyMissing(
            "OS2L is to be announced by mDNS, but the package for it is not installed.",
            hint='Run: pip install "scope-bridge[os2l]", or set os2lDirectIp in VirtualDJ.',
        ) from error
    hosts = [address]
    if ipaddress.ip_address(address).is_unspecified:
        every = (ip for adapter in ifaddr.get_adapters() for ip in adapter.ips)
        hosts = [str(ip.ip if ip.is_IPv4 else ip.ip[0]) for ip in every if ip.is_IPv4 or ":" in address]
    zeroconf = AsyncZeroconf(interfaces=hosts, ip_version=IPVersion.All if ":" in address else IPVersion.V4Only)
    host = socket.gethostname().partition(".")[0]
    info = ServiceInfo(
        SERVICE, f"{NAME}.{SERVICE}", port=port, parsed_addresses=hosts, server=f"{host}-scope-bridge.local."
    )
    return zeroconf, info
