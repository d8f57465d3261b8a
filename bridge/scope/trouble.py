"""Why a server gives no answer, told apart: each cause has its own words and its own mend (issue 3, "Bad input")."""

from __future__ import annotations

__all__ = ["no_connection", "redirected", "silent_proxy"]

import socket
import ssl
from collections.abc import Iterator
from typing import Final

import httpx

from bridge.model.errors import ScopeNameUnknown, ScopeUnreachable, ScopeUntrusted
from bridge.scope.urls import mask_url

_DEEPEST: Final = 12
_EXPIRED: Final = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED
_SELF_SIGNED: Final = frozenset({18, 19})
_PROXY: Final = frozenset({502, 503, 504, *range(520, 531)})


def no_connection(error: httpx.HTTPError, shown: str) -> ScopeUnreachable:
    """The error to raise for what httpx met; ``shown`` is the address without secrets."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _untrusted(cause, shown)
        if isinstance(cause, ssl.SSLError):
            return ScopeUntrusted(
                f"{shown} does not speak TLS as it should ({cause.reason or 'handshake failed'}).",
                hint="Check whether the address in scope.urls must begin with http:// and not https://.",
            )
        if isinstance(cause, socket.gaierror):
            return ScopeNameUnknown(
                f"The name in {shown} is not known to the DNS.",
                hint="Check its spelling in scope.urls, and that this machine has a network.",
            )
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return ScopeUnreachable(
            f"No connection to {shown}: nothing listens there.",
            hint="Check that the Scope server runs, and its port in scope.urls.",
        )
    if isinstance(error, httpx.ProxyError):
        return ScopeUnreachable(
            f"The proxy of this machine does not let through to {shown}.",
            hint="Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY.",
        )
    if isinstance(error, httpx.RemoteProtocolError) and not any(isinstance(c, OSError) for c in causes):
        return ScopeUnreachable(
            f"{shown} broke off, or does not speak HTTP.",
            hint="Check address and port in scope.urls; Scope listens on 8000.",
        )
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError):
        return ScopeUnreachable(
            f"{shown} broke the connection before it answered.",
            hint="The server is probably just starting or stopping; this is tried again.",
        )
    return ScopeUnreachable(
        f"No connection to {shown} ({type(error).__name__}).",
        hint="Check the network, and the address and port in scope.urls.",
    )


def redirected(shown: str, status: int, location: str | None) -> ScopeUnreachable:
    """A redirection, which is never followed: passwords and prompts go where the user said, and nowhere else."""
    target = mask_url(location)[:200] if location and location.isprintable() else "elsewhere"
    return ScopeUnreachable(
        f"{shown} redirects elsewhere, to {target} (HTTP {status}), which is not followed.",
        hint="If that is the server you mean, put its address (often https instead of http) into scope.urls.",
    )


def silent_proxy(status: int, shown: str) -> ScopeUnreachable | None:
    """A gateway's own error page; None where the status is not a gateway's."""
    if status not in _PROXY:
        return None
    return ScopeUnreachable(
        f"A proxy in front of {shown} gets no answer from Scope (HTTP {status}).",
        hint="Check that Scope runs behind it; this is tried again.",
    )


def _untrusted(error: ssl.SSLCertVerificationError, shown: str) -> ScopeUntrusted:
    if error.verify_code == _EXPIRED:
        return ScopeUntrusted(
            f"The certificate of {shown} has expired.",
            hint="Renew it on the server; if it should still be good, check this machine's date.",
        )
    if error.verify_code in _SELF_SIGNED:
        return ScopeUntrusted(
            f"The certificate of {shown} is signed by nobody this machine trusts.",
            hint="Use one from a public authority, name your own with SSL_CERT_FILE, or use http:// on a network of your own.",
        )
    return ScopeUntrusted(
        f"The certificate of {shown} is not good for it ({error.verify_message or 'not verified'}).",
        hint="Check that scope.urls has the name that the certificate was made for.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_DEEPEST):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__
