"""IP addresses in settings: where a part listens, and whom it hears."""

from __future__ import annotations

__all__ = ["AllowList", "ListenAddress", "format_address", "is_allowed"]

import ipaddress
from typing import Annotated

from pydantic import AfterValidator


def _listen_address(address: str) -> str:
    if address == "localhost":
        return "127.0.0.1"
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise ValueError("not an IP address such as 127.0.0.1, 0.0.0.0 or 192.168.1.10") from None
    return address


def _allow_list(allow: tuple[str, ...]) -> tuple[str, ...]:
    for entry in allow:
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError:
            raise ValueError(f'"{entry}" is neither an IP address nor a network such as 192.168.1.0/24') from None
    return allow


ListenAddress = Annotated[str, AfterValidator(_listen_address)]
"""An IP address to listen on; "localhost" is 127.0.0.1."""

AllowList = Annotated[tuple[str, ...], AfterValidator(_allow_list)]
"""Addresses and networks; empty allows everyone."""


def is_allowed(host: str, allow: AllowList) -> bool:
    """Whether a peer's address (its zone after ``%`` aside) is in the list; an empty list holds everyone."""
    if not allow:
        return True
    address = ipaddress.ip_address(host.partition("%")[0])
    return any(address in ipaddress.ip_network(entry, strict=False) for entry in allow)


def format_address(host: str, port: int) -> str:
    """``127.0.0.1:9700`` or ``[::1]:9700``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
