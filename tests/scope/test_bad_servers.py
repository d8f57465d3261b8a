"""Servers that break every rule: one clear, distinct error each, in bounded time (issue 3, "Bad input")."""

import asyncio
import contextlib
import datetime
import gzip
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.errors import (
    ScopeError,
    ScopeProtocolError,
    ScopeUnreachable,
)
from bridge.model.facts import ScopeFacts
from bridge.model.frames import LatestSlot
from bridge.scope import ScopeClient
from bridge.scope import api as api_module
from bridge.scope.api import ScopeApi
from bridge.scope.settings import ScopeSettings

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def failure(talk: Talk, *, limit: float = 5.0, tls: ssl.SSLContext | None = None, scheme: str = "") -> ScopeError:
    """What the health call raises against a server that talks so."""

    async def main() -> ScopeError:
        talks: list[asyncio.Task[None] | None] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.append(asyncio.current_task())
            try:
                with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
                    await talk(reader, writer)
            finally:
                writer.close()
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    await writer.wait_closed()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        scheme_used = scheme or ("https" if tls else "http")
        try:
            async with ScopeApi(f"{scheme_used}://127.0.0.1:{port}", timeout=limit) as api:
                with pytest.raises(ScopeError) as raised:
                    await api.health()
        finally:
            server.close()
            open_talks = [task for task in talks if task is not None]
            await asyncio.wait_for(asyncio.gather(*open_talks, return_exceptions=True), 20.0)
        assert raised.value.message and raised.value.hint
        return raised.value

    return asyncio.run(main())


def saying(answer: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return talk


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def dripping_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


async def endless_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: " + b"y" * 60_000 + b"\r\n")
        await writer.drain()


@pytest.mark.provokes("not-scope", "proxy", "broken-off", "compressed", "redirect")
@pytest.mark.parametrize(
    ("talk", "kind", "told"),
    [
        (saying(response(b"<html>hello</html>")), ScopeProtocolError, "a web page that is not JSON"),
        (saying(response(b"hello")), ScopeProtocolError, "something that is not JSON"),
        (saying(response(b"<html>", status="502 Bad Gateway")), ScopeUnreachable, r"proxy in front .* \(HTTP 502\)"),
        (saying(response(b"", status="524 Timeout")), ScopeUnreachable, r"proxy in front .* \(HTTP 524\)"),
        (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), ScopeUnreachable, "does not speak HTTP"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"), ScopeUnreachable, "breaks off"),
        (saying(b""), ScopeUnreachable, "breaks off"),
        (resetting, ScopeUnreachable, "breaks the connection"),
        (endless_headers, ScopeUnreachable, "does not speak HTTP"),
        (
            saying(response(gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip")),
            ScopeProtocolError,
            "compressed answer",
        ),
        (
            saying(response(b"", "Location: https://u:secret@elsewhere.test/x?token=abc", status="302 Found")),
            ScopeUnreachable,
            r"to https://\*\*\*@elsewhere.test/x\?token=\*\*\* \(HTTP 302\), which is not followed",
        ),
    ],
)
def test_each_has_its_own_error(talk: Talk, kind: type[ScopeError], told: str) -> None:
    error = failure(talk)
    assert type(error) is kind
    with pytest.raises(ScopeError, match=told):
        raise error
    assert "secret" not in str(error)


@pytest.mark.parametrize("talk", [deaf, dripping_headers])
def test_half_open_and_slow_drips_end_in_time(talk: Talk) -> None:
    error = failure(talk, limit=0.2)
    assert error.code == "no-answer" and "no answer within 0.2 s" in error.message


def certificate(folder: Path, *, days: int, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server's context with a self-signed certificate that ends ``days`` from now, and the certificate's file."""

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal")])
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - datetime.timedelta(days=30))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    both, public = folder / "both.pem", folder / "public.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    both.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + public.read_bytes()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, public


@pytest.mark.provokes("cert-untrusted", "cert-expired", "cert-name")
@pytest.mark.parametrize(
    ("days", "name", "trusted", "code"),
    [
        (10, "127.0.0.1", False, "cert-untrusted"),
        (-1, "127.0.0.1", True, "cert-expired"),
        (10, "127.0.0.9", True, "cert-name"),
    ],
)
def test_certificates(
    days: int, name: str, trusted: bool, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, public = certificate(tmp_path, days=days, name=name)
    if trusted:
        monkeypatch.setattr(api_module, "trust", lambda: ssl.create_default_context(cafile=str(public)))
    error = failure(deaf, tls=context)
    assert error.code == code


@pytest.mark.provokes("tls")
def test_tls_to_a_plain_port() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    error = failure(plain, scheme="https")
    assert error.code == "tls" and "TLS" in error.message


def test_an_unknown_name() -> None:
    async def main() -> None:
        async with ScopeApi("http://no-such-scope.invalid:8000", timeout=5.0) as api:
            await api.health()

    with pytest.raises(ScopeUnreachable) as raised:
        asyncio.run(main())
    assert raised.value.code == "dns"


def test_a_server_that_always_fails_is_not_stormed() -> None:
    settings_of = {"retry_s": 0.05, "retry_max_s": 0.2, "http_timeout_s": 1.0}
    clock = time.monotonic

    async def main() -> tuple[int, float]:
        tries: list[float] = []
        enough = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tries.append(clock())
            writer.close()
            if len(tries) >= 8:
                enough.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        board = ProblemBoard()
        client = ScopeClient(
            ScopeSettings(urls=(url,), **settings_of),  # type: ignore[arg-type]
            facts=Cell(ScopeFacts()),
            frames=LatestSlot(),
            board=board,
        )
        client.start()
        try:
            await enough.wait()
        finally:
            await asyncio.to_thread(client.stop)
        server.close()
        await server.wait_closed()
        assert [problem.code for problem in board.problems] == ["broken-off"]
        return len(tries), tries[-1] - tries[0]

    count, seconds = asyncio.run(main())
    # Waits of 0.05, 0.1 and then 0.2 s, each at least three quarters of it.
    assert seconds >= 0.75 * (0.05 + 0.1 + 0.2 * (count - 3)) - 0.05
