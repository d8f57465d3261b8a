"""Server addresses: checked, told apart, and masked before anybody sees them."""

from __future__ import annotations

__all__ = ["check_url", "is_loopback", "is_runpod", "mask_url"]

import ipaddress
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MASK: Final = "***"


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
