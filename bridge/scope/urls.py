"""Server addresses: checked, told apart, and masked before anybody sees them."""

from __future__ import annotations

__all__ = ["IceUri", "check_url", "ice_uri", "is_loopback", "is_runpod", "mask_url"]

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MASK: Final = "***"
_ICE: Final = re.compile(r"(stuns?|turns?):([^?:\s]+)(?::([0-9]{1,9}))?(?:\?transport=([a-z]+))?")


def check_url(url: str) -> str:
    """``url`` without a trailing slash, fragment or blanks around it.

    Raises:
        ValueError: it is not an http or https address of a host; the message never repeats the URL.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an address such as http://192.168.1.20:8000 or https://<pod>-8000.proxy.runpod.net.")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("has a port that is not a number between 0 and 65535.") from error
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.query, ""))


def mask_url(url: str) -> str:
    """``url`` with user, password and query values replaced, fit for logs and status."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{MASK}@{host}" if "@" in parts.netloc else host
    query = urlencode([(key, MASK) for key, _ in parse_qsl(parts.query, keep_blank_values=True)], safe="*")
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def is_loopback(url: str) -> bool:
    """Whether the server is on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_runpod(url: str) -> bool:
    """Whether the server is behind RunPod's HTTP proxy."""
    return (urlsplit(url).hostname or "").endswith(".proxy.runpod.net")


@dataclass(frozen=True, slots=True)
class IceUri:
    """A STUN or TURN address in its parts; ``via`` is how a TURN server is reached, "" for STUN."""

    uri: str
    host: str
    port: int
    via: Literal["", "udp", "tcp", "tls"]


def ice_uri(uri: str) -> IceUri:
    """``uri`` in its parts (RFC 7064 and 7065), where aiortc can use it.

    Raises:
        ValueError: it is no such address, or of a kind that aiortc passes over; the message never repeats it.
    """
    found = _ICE.fullmatch(uri)
    if found is None:
        raise ValueError('is not an address such as "turn:turn.example.org:3478?transport=udp" (IPv6 needs a name).')
    scheme, host, port, transport = found.groups()
    number = int(port or (5349 if scheme in ("stuns", "turns") else 3478))
    if not 0 < number < 65536:
        raise ValueError("has a port that is not a number between 1 and 65535.")
    if scheme == "stuns" or (scheme == "stun" and transport):
        raise ValueError("is STUN in a form that cannot be used: only plain stun: without ?transport= can.")
    if scheme == "stun":
        return IceUri(uri, host, number, "")
    if scheme == "turns" and transport in (None, "tcp"):
        return IceUri(uri, host, number, "tls")
    if scheme == "turn" and transport in (None, "udp"):
        return IceUri(uri, host, number, "udp")
    if scheme == "turn" and transport == "tcp":
        return IceUri(uri, host, number, "tcp")
    raise ValueError("is TURN over a transport that cannot be used: turn over udp or tcp and turns over tcp can.")
