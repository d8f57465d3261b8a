"""The edge to RunPod: every way an answer can be wrong is one clear error, in bounded time, without the key."""

import asyncio
import contextlib
import logging
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bridge.model.errors import PodError, PodKeyRefused, PodRefused, PodUnreachable
from bridge.scope.pods import PodSettings, RunPod, read_key
from bridge.scope.pods.pod import parse_pod, parse_pods
from tests.scope.pods.runpod_server import KEY, POD, Fault, runpod_server


@pytest.fixture(scope="module")
def shared():
    with runpod_server() as server:
        yield server


@pytest.fixture
def server(shared):
    shared.faults.clear()
    shared.status, shared.outage = "EXITED", None
    return shared


def call(url, method="get", *args, key=KEY, timeout=5.0):
    async def body():
        async with RunPod(url, SecretStr(key), timeout=timeout) as runpod:
            return await getattr(runpod, method)(*args)

    return asyncio.run(body())


def failure(server, fault, timeout=5.0):
    server.faults.append(fault)
    with pytest.raises(PodError) as caught:
        call(server.api_url, "get", POD, timeout=timeout)
    assert KEY not in str(caught.value)
    return caught.value


def test_a_pod_is_read(server):
    server.status = "RUNNING"
    pod = call(server.api_url, "get", POD)
    assert (pod.id, pod.name, pod.status, pod.cost, pod.gpu_count, pod.uptime_s) == (
        POD,
        "stage",
        "RUNNING",
        0.44,
        1,
        10.0,
    )
    assert [pod.id for pod in call(server.api_url, "list")] == [POD]


def test_actions_go_to_the_action_endpoint(server):
    assert call(server.api_url, "act", POD, "start").status == "PROVISIONING"
    with pytest.raises(PodRefused) as caught:
        call(server.api_url, "act", POD, "start")
    assert caught.value.status == 409
    assert "start is not valid while PROVISIONING" in str(caught.value)


def test_a_key_that_the_answer_quotes_is_masked(server):
    fault = Fault(422, f'{{"title":"Unprocessable","detail":"bad\\nkey {KEY}"}}')
    assert "bad key ***" in str(failure(server, fault))


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key(server, status):
    error = failure(server, Fault(status, "not json"))
    assert isinstance(error, PodKeyRefused)
    assert "RUNPOD_API_KEY" in error.hint


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(500), "has trouble (HTTP 500): try later"),
        (Fault(524, "<html>"), "has trouble (HTTP 524)"),
        (Fault(200, "<html>Welcome to the hotel</html>"), "not JSON"),
        (Fault(200, "[" * 100_000), "not JSON"),
        (Fault(200, "{}"), "not RunPod's API"),
        (Fault(200, '{"id": 7, "status": ["RUNNING"]}'), "not RunPod's API"),
        (Fault(200, '"' + "x" * 2_100_000 + '"'), "more than 2000 kB"),
        (Fault(302, "", {"Location": "https://elsewhere.example/"}), "redirects elsewhere"),
        (Fault(200, "{}", seconds=5.0), "no answer within 0.2 s"),
    ],
)
def test_what_is_worth_another_try(server, fault, words):
    error = failure(server, fault, timeout=0.2 if fault.seconds else 5.0)
    assert isinstance(error, PodUnreachable)
    assert words in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "Thu, 01 Jan 2015 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"RateLimit": '"default";r=0;t=30'}, 30.0),
        ({"RateLimit": "limit=100, remaining=0, reset=12"}, 12.0),
        ({"RateLimit-Reset": "9"}, 9.0),
        ({}, None),
    ],
)
def test_a_rate_limit_says_how_long_to_wait(server, headers, seconds):
    error = failure(server, Fault(429, headers=headers))
    assert isinstance(error, PodUnreachable)
    assert error.retry_after == seconds


def test_a_slow_drip_is_cut_off():
    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

    async def body():
        async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with RunPod(url, SecretStr(KEY), timeout=0.2) as runpod:
                with pytest.raises(PodUnreachable, match="no answer within"):
                    await runpod.get(POD)
            dripping = asyncio.all_tasks() - {asyncio.current_task()}
            async with asyncio.timeout(10):
                await asyncio.gather(*dripping)

    asyncio.run(body())


def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(PodUnreachable, match="No connection"):
            call(f"http://127.0.0.1:{taken.getsockname()[1]}", "get", POD)


def test_the_key_is_in_no_log_and_no_repr(server, caplog):
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        try:
            call(server.api_url, "get", POD)
        finally:
            for name in ("httpx", "httpcore"):
                logging.getLogger(name).setLevel(logging.WARNING)
    assert caplog.records
    assert KEY not in caplog.text
    assert KEY not in repr(read_key({"RUNPOD_API_KEY": KEY}))


@pytest.mark.parametrize("key", ["", "  ", "schlüssel", "a\nb"])
def test_a_key_that_no_header_can_carry_is_none(key):
    assert read_key({"RUNPOD_API_KEY": key}) is None


@pytest.mark.parametrize(
    "url", ["http://api.example.org/v2", "https://user:pass@api.example.org", "https://x.org/?a=b", "api.runpod.io"]
)
def test_the_key_travels_only_by_https(url):
    with pytest.raises(ValidationError):
        PodSettings(api_url=url)


def test_addresses():
    assert PodSettings(api_url="http://127.0.0.1:9/v2/").api_url == "http://127.0.0.1:9/v2"
    assert PodSettings(id="k3").url == "https://k3-8000.proxy.runpod.net"
    assert PodSettings(id="k3", port=8001).url == "https://k3-8001.proxy.runpod.net"
    assert PodSettings().url == ""
    for wrong in ("../x", "a/b", "a b", "é"):
        with pytest.raises(ValidationError):
            PodSettings(id=wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["id", "name", "status", "actions", "cost", "gpu", "locked", "runtime", "pods", "uptime", "count"]
)


@settings(max_examples=50)
@given(st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON)) | JSON)
def test_any_answer_is_a_pod_or_one_error(body):
    for parse in (parse_pod, parse_pods):
        try:
            found = parse(body)
        except PodUnreachable:
            continue
        for pod in found if isinstance(found, tuple) else (found,):
            assert pod.cost >= 0
            assert pod.uptime_s is None or pod.uptime_s >= 0
            assert pod.id.isprintable()
