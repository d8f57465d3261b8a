"""Why a server gives no answer, told apart from what httpx met: a code of the catalogue and a detail (issue 3, "Bad input")."""

from __future__ import annotations

__all__ = ["cause_of", "is_gateway"]

import socket
import ssl
from collections.abc import Iterator
from typing import Final

import httpx

_DEEPEST: Final = 12
_EXPIRED: Final = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED
_SELF_SIGNED: Final = frozenset({18, 19})
_GATEWAY: Final = frozenset({502, 503, 504, *range(520, 531)})


def cause_of(error: httpx.HTTPError) -> tuple[str, str]:
    """Code in :data:`bridge.scope.troubles.CATALOGUE`, and what to say beside its words."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code == _EXPIRED:
                return "cert-expired", ""
            if cause.verify_code in _SELF_SIGNED:
                return "cert-untrusted", ""
            return "cert-name", cause.verify_message or "not verified"
        if isinstance(cause, ssl.SSLError):
            return "tls", cause.reason or "the handshake fails"
        if isinstance(cause, socket.gaierror):
            return "dns", ""
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "nothing-listens", ""
    if isinstance(error, httpx.ProxyError):
        return "unreachable", "this machine's HTTP proxy does not let it through: see HTTP_PROXY and NO_PROXY"
    if isinstance(error, httpx.RemoteProtocolError) and not any(isinstance(cause, OSError) for cause in causes):
        return "broken-off", "it breaks off, or does not speak HTTP"
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError):
        return "broken-off", "it breaks the connection before it answers"
    return "unreachable", type(error).__name__


def is_gateway(status: int) -> bool:
    """Whether a status without Scope's own words is a proxy's error page."""
    return status in _GATEWAY


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_DEEPEST):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__
