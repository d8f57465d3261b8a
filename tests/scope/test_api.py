"""The HTTP API against a server that answers well, oddly, slowly or with malice."""

import asyncio
import contextlib
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiortc import RTCCertificate
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bridge.model.errors import ScopeError, ScopeProtocolError, ScopeRefused, ScopeUnreachable
from bridge.scope import api as api_module
from bridge.scope.api import ScopeApi
from bridge.scope.replies import LoadState, same_load
from bridge.scope.urls import check_url, mask_url

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def served(handler: Handler, *, limit: float = 5.0, user: str = "") -> AsyncIterator[ScopeApi]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with ScopeApi(f"http://{user}127.0.0.1:{port}", timeout=limit) as api:
            yield api
    finally:
        await runner.cleanup()


def answering(body: object, status: int = 200) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=status, content_type="application/json")

    return handler


def ask(handler: Handler, call: Callable[[ScopeApi], Awaitable[object]], **options: float) -> object:
    async def main() -> object:
        async with served(handler, **options) as api:  # type: ignore[arg-type]
            return await call(api)

    return asyncio.run(main())


def test_health_of_both_ages() -> None:
    old = ask(answering({"status": "healthy", "timestamp": "t"}), lambda api: api.health())
    new = ask(
        answering({"status": "healthy", "version": "0.2.4", "server_start_time": 12.5, "git_commit": "x"}),
        lambda api: api.health(),
    )
    assert (old.version, old.started) == ("", None)  # type: ignore[attr-defined]
    assert (new.version, new.started) == ("0.2.4", 12.5)  # type: ignore[attr-defined]


def test_one_load_body_for_all_versions() -> None:
    seen: list[object] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(await request.json())
        return web.json_response({"message": "ok"})

    ask(handler, lambda api: api.load("longlive", {"base_seed": 1, "seed": 1}))
    assert seen == [
        {"pipeline_id": "longlive", "pipeline_ids": ["longlive"], "load_params": {"base_seed": 1, "seed": 1}}
    ]


@pytest.mark.parametrize("status", [404, 405])
def test_what_an_old_server_lacks_is_none(status: int) -> None:
    handler = answering({"detail": "Not Found"}, status)
    assert ask(handler, lambda api: api.schemas()) is None
    assert ask(handler, lambda api: api.metrics()) is None
    assert ask(handler, lambda api: api.log_tail()) is None
    assert ask(handler, lambda api: api.ice_servers()) == ()
    assert ask(handler, lambda api: api.delete_session("abc")) is False


HOSTILE = ["", "<html>", "[]", "null", "3", '"x"', "{", "[" * 100_000, '{"status": 3}', '{"sessions": 1}', "1" * 5000]


@pytest.mark.parametrize("name", ["health", "load_state", "schemas", "metrics", "ice_servers", "log_tail", "offer"])
def test_a_wrong_shape_is_one_clear_error_or_harmless(name: str) -> None:
    texts = iter(HOSTILE)

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(text=next(texts), content_type="application/json")

    async def main() -> None:
        async with served(handler) as api:
            for text in HOSTILE:
                try:
                    await (api.offer("v=0", {}) if name == "offer" else getattr(api, name)())
                except ScopeProtocolError as error:
                    assert error.message and error.hint
                else:
                    assert name in ("schemas", "metrics", "ice_servers", "log_tail") and text[0] in "{n"

    asyncio.run(main())


@pytest.mark.provokes("not-scope")
def test_a_huge_body_is_cut_off() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                await response.write(b"x" * 65536)
        return response

    with pytest.raises(ScopeProtocolError, match="more than 1000 kB"):
        ask(handler, lambda api: api.health())


@pytest.mark.provokes("no-answer")
def test_a_slow_drip_ends_in_time() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.02)
        return response

    with pytest.raises(ScopeUnreachable, match=r"no answer within 0\.2 s"):
        ask(handler, lambda api: api.health(), limit=0.2)


@pytest.mark.provokes("redirect")
def test_a_redirect_is_not_followed() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://192.0.2.1/")

    with pytest.raises(ScopeUnreachable, match=r"redirects to http://192\.0\.2\.1/"):
        ask(handler, lambda api: api.health())


@pytest.mark.provokes("nothing-listens")
def test_nobody_listens() -> None:
    async def main() -> None:
        async with ScopeApi("http://127.0.0.1:9", timeout=2.0) as api:
            await api.health()

    with pytest.raises(ScopeUnreachable, match=r"No connection to http://127\.0\.0\.1:9"):
        asyncio.run(main())


@pytest.mark.provokes("pod-stopped", "pod-booting", "pod-not-ready", "pod-hangs")
@pytest.mark.parametrize(
    ("status", "told"), [(404, "no running pod"), (502, "does not answer yet"), (503, "not ready"), (524, "gave up")]
)
def test_the_runpod_proxy_is_told_apart(status: int, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "is_runpod", lambda url: True)
    with pytest.raises(ScopeUnreachable, match=told):
        ask(answering("", status), lambda api: api.health())


def test_the_servers_own_words_are_passed_on() -> None:
    detail = [{"type": "x", "loc": ["body", "prompts", 0], "msg": "Field required", "input": "hunter2"}]
    with pytest.raises(ScopeRefused, match=r"body.prompts.0 Field required") as refused:
        ask(answering({"detail": detail}, 422), lambda api: api.offer("v=0", {}))
    assert refused.value.status == 422 and "hunter2" not in str(refused.value)


def test_passwords_are_sent_but_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.Response(status=500)

    async def main() -> None:
        async with served(handler, user="dj:hunter2@") as api:
            await api.health()

    caplog.set_level(logging.DEBUG)
    with pytest.raises(ScopeError) as error:
        asyncio.run(main())
    assert seen == ["Basic ZGo6aHVudGVyMg=="]
    assert "hunter2" not in str(error.value) + caplog.text


@pytest.mark.provokes("login", "refused")
@pytest.mark.parametrize(("status", "code"), [(401, "login"), (403, "login"), (500, "refused"), (418, "refused")])
def test_an_error_status_has_a_name(status: int, code: str) -> None:
    with pytest.raises(ScopeRefused) as refused:
        ask(answering({"detail": "because"}, status), lambda api: api.health())
    assert refused.value.code == code and refused.value.status == status


@pytest.mark.provokes("load-refused")
def test_every_body_is_tried_before_a_load_counts_as_refused() -> None:
    seen: list[frozenset[str]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(frozenset(await request.json()))
        ok = seen[-1] == {"pipeline_id", "load_params"} and len(seen) < 5
        return web.json_response({"message": "x", "detail": "no"}, status=200 if ok else 422)

    ask(handler, lambda api: api.load("longlive", {}))
    assert len(seen) == 4
    with pytest.raises(ScopeRefused) as refused:
        ask(handler, lambda api: api.load("longlive", {}))
    assert refused.value.code == "load-refused" and refused.value.status == 422


@pytest.mark.provokes("cert-untrusted")
def test_a_certificate_of_ones_own_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        context = own_certificate(tmp_path)
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        async with server, ScopeApi(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=5.0) as api:
            await api.health()

    with pytest.raises(ScopeUnreachable, match="certificate") as error:
        asyncio.run(main())
    assert error.value.code == "cert-untrusted"


@pytest.mark.provokes("dns")
def test_an_unknown_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def main() -> None:
        async with ScopeApi("http://gpu.example:8000", timeout=5.0) as api:
            await api.health()

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ScopeUnreachable) as error:
        asyncio.run(main())
    assert error.value.code == "dns" and "gpu.example" in str(error.value)


def own_certificate(folder: Path) -> ssl.SSLContext:
    """A server context whose certificate nobody vouches for."""
    certificate = RTCCertificate.generateCertificate()
    for name, content in (("key", certificate._key), ("cert", certificate._cert)):
        pem = (
            content.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            if name == "key"
            else content.public_bytes(Encoding.PEM)
        )
        (folder / name).write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


def test_urls() -> None:
    assert check_url(" http://host:8000/ ") == "http://host:8000"
    assert mask_url("https://u:p@h:1/x?token=t&a=") == "https://***@h:1/x?token=***&a=***"
    for wrong in ("host:8000", "ftp://x", "http://", "http://h:99999"):
        with pytest.raises(ValueError, match=r"is not|has a port"):
            check_url(wrong)


def test_what_counts_as_the_same_load() -> None:
    wanted = {"width": 576, "base_seed": 42, "seed": 42}
    assert same_load(wanted, {"width": 576, "seed": 42, "vae_type": "wan"})
    assert same_load(wanted, {"width": 576})
    assert not same_load(wanted, {"width": 512, "seed": 42})
    assert not same_load(wanted, {"width": 576, "base_seed": 7})
    assert not same_load(wanted, None)
    assert LoadState.parse({"status": "loaded", "pipeline_id": None}).pipeline == ""
