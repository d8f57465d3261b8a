"""Relay passwords: asked for as each provider wants it, kept fresh, and told about without ever showing a token."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeError
from bridge.scope.replies import IceServer
from bridge.scope.settings import IceServerSettings, TurnSettings
from bridge.scope.turn import Lease, TurnCredentials, fetch, providers

TURN = {"urls": ["stun:a.example", "turn:a.example?transport=udp"], "username": "u", "credential": "short-lived"}
TOKEN = "hf_hunter2"


class Office:
    """A provider's HTTP API on the loopback: it records what it is asked, and answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, Any]] = []
        self.answers: list[tuple[int, bytes]] = []
        self.status, self.body = 200, json.dumps({"iceServers": [TURN]}).encode()
        office = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.loads(sent) if sent else None
                office.asked.append((self.command, self.path, self.headers["Authorization"], body))
                status, content = office.answers.pop(0) if office.answers else (office.status, office.body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(content)

            do_GET = do_POST = answer  # noqa: N815 - the names http.server calls

            def log_message(self, *_: Any) -> None:
                """Nothing to standard error."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def settings(self, **more: Any) -> TurnSettings:
        urls = {"huggingface_url": self.url + "/credentials", "cloudflare_url": self.url + "/keys"}
        return TurnSettings.model_validate({**urls, "timeout_s": 2.0, **more})


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    thread = threading.Thread(target=office.http.serve_forever, args=(0.01,))
    thread.start()
    yield office
    office.http.shutdown()
    thread.join()
    office.http.server_close()


def ask(settings: TurnSettings, environ: dict[str, str] | None = None) -> tuple[IceServer, ...]:
    (provider,) = providers(settings, environ or {})
    return asyncio.run(fetch(provider, settings.timeout_s))


def test_each_provider_is_asked_in_its_own_way(office: Office) -> None:
    (server,) = ask(office.settings(huggingface_token=TOKEN))
    assert (server.urls, server.credential) == (tuple(TURN["urls"]), "short-lived")
    ask(office.settings(ttl_s=600), {"CLOUDFLARE_TURN_KEY_ID": "key", "CLOUDFLARE_TURN_API_TOKEN": "api"})
    assert office.asked == [
        ("GET", "/credentials?ttl=86400", f"Bearer {TOKEN}", None),
        ("POST", "/keys/key/credentials/generate-ice-servers", "Bearer api", {"ttl": 600}),
    ]


def test_tokens_come_from_the_settings_then_the_environment() -> None:
    environ = {"HF_TOKEN": " around ", "CLOUDFLARE_TURN_API_TOKEN": "api"}
    cloudflare, hugging = providers(TurnSettings(), environ)
    assert (hugging.token, cloudflare.name) == ("around", "cloudflare") and "no key id" in cloudflare.missing
    (mine,) = providers(TurnSettings.model_validate({"huggingface_token": "mine"}), {"HF_TOKEN": "around"})
    assert mine.token == "mine" and "mine" not in repr(mine)
    assert providers(TurnSettings(use_environment=False), environ) == ()


@pytest.mark.parametrize(
    "body",
    [
        {"iceServers": [TURN]},
        {"iceServers": TURN},
        TURN,
        [TURN],
        {"iceServers": "turn:a.example"},
        ["turn:a.example", 3, None],
        {"urls": "turns:a.example", "username": 3},
    ],
)
def test_every_shape_of_answer_is_understood(office: Office, body: Any) -> None:
    office.body = json.dumps(body).encode()
    assert any(url.startswith("turn") for server in ask(office.settings(huggingface_token="t")) for url in server.urls)


@pytest.mark.parametrize(
    ("status", "body", "told", "mend"),
    [
        (401, b"", "refuses the token", "HF_TOKEN"),
        (403, b"", "refuses the token", "HF_TOKEN"),
        (429, b"", "quota", "Wait"),
        (500, b"", "HTTP 500", "address"),
        (302, b"", "HTTP 302", "address"),
        (200, b"<html>", "without a TURN server", "address"),
        (200, b'{"iceServers": [{"urls": "stun:a"}]}', "without a TURN server", "address"),
        (200, b"[" * 100_000, "without a TURN server", "address"),
        (200, b" " * 200_000, "without a TURN server", "address"),
        (200, b"null", "without a TURN server", "address"),
    ],
)
def test_every_failure_is_one_sentence_with_its_mend(
    office: Office, status: int, body: bytes, told: str, mend: str
) -> None:
    office.status, office.body = status, body
    with pytest.raises(ScopeError, match=told) as caught:
        ask(office.settings(huggingface_token=TOKEN))
    assert mend in caught.value.hint and TOKEN not in str(caught.value)


@pytest.mark.parametrize("token", ["späte", "two\r\nlines"])
def test_a_token_that_no_header_can_carry_is_an_error_like_any_other(office: Office, token: str) -> None:
    with pytest.raises(ScopeError) as caught:
        ask(office.settings(huggingface_token=token))
    assert token not in str(caught.value) and not office.asked


def test_no_answer_is_told_in_time(office: Office) -> None:
    office.http.server_close()
    with pytest.raises(ScopeError, match="No connection"):
        ask(office.settings(huggingface_token=TOKEN))


def test_a_lease_is_renewed_before_it_ages() -> None:
    lease, servers = Lease(), (IceServer(("turn:a",)),)
    assert not lease.good(0.0) and lease.due <= 0.0
    lease.took(servers, 100.0, 1000.0)
    assert lease.due == 900.0 and lease.good(1099.0) and not lease.good(1100.0)
    lease.failed(900.0, refused=False)
    assert lease.due == 905.0 and lease.good(1000.0) and lease.servers == servers
    lease.failed(905.0, refused=True)
    assert lease.due == 965.0


def test_a_refused_password_is_fetched_again_but_not_in_a_storm() -> None:
    lease = Lease()
    lease.took((), 0.0, 1000.0)
    lease.distrust(10.0)
    assert lease.due == 60.0
    lease.distrust(200.0)
    assert lease.due == 60.0
    lease.took((), 200.0, 1000.0)
    lease.distrust(300.0)
    assert lease.due == 300.0


def test_passwords_are_kept_fresh_and_old_ones_serve_while_none_come(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    now, board = 0.0, ProblemBoard()
    settings = office.settings(huggingface_token=TOKEN, ttl_s=1000)

    async def main() -> None:
        nonlocal now
        credentials = TurnCredentials(settings, environ={}, board=board, clock=lambda: now)
        keeping = asyncio.create_task(credentials.run())
        assert credentials.expires_in("huggingface") is None and not office.asked
        ((name, (server,)),) = await credentials.servers()
        assert (name, server.username) == ("huggingface", "u") and len(office.asked) == 1
        assert await credentials.servers() and len(office.asked) == 1
        assert credentials.expires_in("huggingface") == 1000.0
        now, office.status = 800.0, 403
        credentials.distrust("huggingface")
        while not board.problems:
            await asyncio.sleep(0.001)
        assert board.problems[0].code == "turn-huggingface" and await credentials.servers()
        now = 1000.0
        assert await credentials.servers() == ()
        office.status = 200
        credentials.distrust("huggingface")
        while board.problems:
            await asyncio.sleep(0.001)
        assert await credentials.servers()
        keeping.cancel()

    asyncio.run(asyncio.wait_for(main(), 20.0))
    told = caplog.text + repr(board.problems) + repr(settings)
    assert TOKEN not in told and "short-lived" not in told


def test_a_slow_provider_delays_the_first_connect_only_for_so_long() -> None:
    async def main() -> None:
        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = TurnSettings.model_validate({"huggingface_url": url, "huggingface_token": "t", "timeout_s": 0.1})
        board = ProblemBoard()
        credentials = TurnCredentials(settings, environ={}, board=board, clock=lambda: 0.0)
        keeping = asyncio.create_task(credentials.run())
        assert await credentials.servers() == ()
        while not board.problems:
            await asyncio.sleep(0.001)
        assert "within 0.1 s" in board.problems[0].message
        keeping.cancel()
        server.close()

    asyncio.run(asyncio.wait_for(main(), 20.0))


@pytest.mark.parametrize("url", ["http://turn.example.org", "ftp://a", "https://", "turn.example.org"])
def test_a_token_goes_only_where_nobody_listens(url: str) -> None:
    with pytest.raises(ValidationError, match="huggingface_url"):
        TurnSettings(huggingface_url=url)


@pytest.mark.parametrize(
    "url", ["turn.example.org", "http://a", "turn:a:0", "turns:a?transport=udp", "stuns:a", "turn:[::1]"]
)
def test_an_address_that_aiortc_would_pass_over_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ValidationError):
        IceServerSettings.model_validate({"urls": [url]})
