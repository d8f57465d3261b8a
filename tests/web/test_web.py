"""The HTTP edge over real sockets: shapes, refusals, streams; no bad request changes anything."""

import asyncio
import contextlib
import json
import threading
import time

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge.model.board import ProblemBoard
from bridge.model.errors import Issue, ScopeBridgeError
from bridge.model.eventlog import EventLog
from bridge.model.frames import LatestSlot
from bridge.model.plain import as_plain
from bridge.model.targets import Intent
from bridge.web import WebServer, WebSettings
from bridge.web.api import action_intent, param_intents, target_intents
from bridge.web.metrics import metrics_text

STATUS = {
    "quantize": {
        "mode": "bar",
        "lookahead_ms": 0,
        "lead_ms": 1200.0,
        "lead_from": "chunk model",
        "waiting": [],
        "count": 3,
        "median_ms": 12.5,
        "last": {"what": "prompts", "residual_ms": -25.0, "residual_beats": -0.05, "within_ms": 400.0},
    },
    "version": "9",
    "uptime_s": 1.5,
    "process": {"threads": 9, "media_tasks": 4},
    "state": "running",
    "scope": {
        "state": "live",
        "params": {"sent": 3, "coalesced": 9, "one_shots": 1, "pending": 0},
        "video": {"frames": 12, "fps": 15.0, "age_ms": 40.0},
        "latency_ms": None,
        "video_in": None,
        "latency_sd_ms": None,
        "reconnects": 0,
    },
    "tempo": {"source": "audio", "bpm": 124.0, "confidence": 0.9, "beat": 8, "next_beat_sd_ms": 4.0},
    "audio": {"source": "demo", "level_db": -12.0, "overflows": 0},
    "midi": [{"port": 'a"b', "state": "open", "events": 5}],
    "osc": [{"address": "127.0.0.1:9700", "received": 7, "rejected": 1, "dropped": None}],
    "outputs": [{"name": "NDI", "kind": "ndi", "state": "open", "frames": 4}],
    "problems": [],
}


class FakePreview:
    """A preview that makes a picture only while watched."""

    def __init__(self):
        self.slot = LatestSlot()
        self.watchers = 0

    @contextlib.contextmanager
    def watch(self):
        self.watchers += 1
        done = threading.Event()

        def make():
            while not done.wait(0.01):
                self.slot.put(b"\xff\xd8jpeg\xff\xd9")

        thread = threading.Thread(target=make)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self.watchers -= 1


def refuse_some(intent, taken, refuse):
    if intent.target in refuse:
        return Issue("web", None, intent.target, "is too high.", "At most 1.")
    taken.append(intent)
    return None


@contextlib.asynccontextmanager
async def serving(board=None, complaints=(), refuse=(), **settings):
    board = board or ProblemBoard()
    preview, taken, events = FakePreview(), [], EventLog()
    server = WebServer(
        WebSettings(port=0, **settings),
        status=lambda: STATUS,
        post=lambda intent: refuse_some(intent, taken, refuse),
        preview=preview,
        complaints=lambda: complaints,
        board=board,
        clock=time.monotonic,
        events=events,
    )
    await server.start()
    async with aiohttp.ClientSession(base_url=server.url) as client:
        client.server, client.taken, client.preview, client.board = server, taken, preview, board
        client.events = events
        yield client
    await server.stop()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_page_status_health_and_metrics_answer():
    async def scenario():
        async with serving() as client:
            page = await (await client.get("/")).text()
            assert "<title>Scope Bridge</title>" in page
            for asset in ("/app.js", "/style.css"):
                assert (await client.get(asset)).status == 200
            assert (await (await client.get("/api/v1/status")).json())["tempo"]["bpm"] == 124.0
            assert await (await client.get("/healthz")).json() == {"healthy": True, "complaints": []}
            text = await (await client.get("/metrics")).text()
            assert 'scope_bridge_midi_device_up{name="a\\"b"} 1' in text
            assert "scope_bridge_param_sends_total 3" in text
            assert "dropped" not in text

    run(scenario())


def test_complaints_make_it_unhealthy():
    async def scenario():
        async with serving(complaints=("ears stood still.",)) as client:
            answer = await client.get("/healthz")
            assert answer.status == 503

    run(scenario())


def test_actions_params_and_targets_become_intents():
    async def scenario():
        async with serving() as client:
            assert (await client.post("/api/v1/actions/theme_next")).status == 202
            assert (await client.post("/api/v1/actions/blackout", json={"value": False})).status == 202
            assert (await client.post("/api/v1/params", json={"noise_scale": 0.5})).status == 202
            assert (await client.post("/api/v1/targets", json={"theme": "x", "macro/reaction": 0.7})).status == 202
            assert [(i.target, i.kind, i.value) for i in client.taken] == [
                ("action/theme_next", "trigger", None),
                ("action/blackout", "release", None),
                ("param/noise_scale", "set", 0.5),
                ("theme", "set", "x"),
                ("macro/reaction", "set", 0.7),
            ]

    run(scenario())


def test_what_the_show_refuses_is_answered():
    async def scenario():
        async with serving(refuse=("param/width",)) as client:
            answer = await client.post("/api/v1/params", json={"width": 99, "noise_scale": 0.5})
            assert answer.status == 202
            told = await answer.json()
            assert told["taken"] == ["param/noise_scale"]
            assert told["refused"] == [{"target": "param/width", "error": "is too high.", "hint": "At most 1."}]
            answer = await client.post("/api/v1/params", json={"width": 99})
            assert answer.status == 422
            assert (await answer.json())["error"] == "is too high."

    run(scenario())


@pytest.mark.parametrize(
    ("path", "body", "part_of_answer"),
    [
        ("actions/theme_nxt", b"", 'Did you mean \\"theme_next\\"'),
        ("actions/tap", b"3", "takes no value"),
        ("params", b"[1]", "JSON object"),
        ("params", b"{", "not JSON"),
        ("params", b'{"noise_scale": NaN}', "finite"),
        ("params", b'{"noise_scale": {}}', "must be"),
        ("targets", b'{"macro/reacton": 1}', 'Did you mean \\"reaction\\"'),
        ("targets", b'{"nothing": 1}', "no target"),
        ("params", b"[" * 60000, "not JSON"),
        ("params", b'{"a":"' + b"x" * 70000 + b'"}', "Send at most 64 KiB"),
        ("params", b'{"noise_scale": ' + b"9" * 400 + b"}", "finite"),
        ("targets", b'{"tempo/bpm": ' + b"9" * 400 + b"}", "from 20 to 999"),
        ("targets", b'{"tempo/bpm": NaN}', "from 20 to 999"),
        ("targets", b'{"tempo/bpm": "fast"}', "from 20 to 999"),
        ("targets", b'{"tempo/beat": 1e300}', "from 0 to"),
        ("targets", b'{"server": true}', "a number or a name"),
        ("targets", b'{"server": [1]}', "a number or a name"),
        ("targets", b'{"tempo/bmp": 120}', 'Did you mean \\"tempo/bpm\\"'),
        ("targets", rb'{"prompt": "\ud800"}', "half a character"),
        ("actions/zzz", b"", "GET /api/v1/targets"),
    ],
)
def test_a_bad_body_is_one_clear_sentence_and_changes_nothing(path, body, part_of_answer):
    async def scenario():
        async with serving() as client:
            answer = await client.post(f"/api/v1/{path}", data=body)
            assert answer.status in (400, 413)
            assert part_of_answer in await answer.text()
            assert client.taken == []
            assert sum(client.board.rejected.values()) == 1

    run(scenario())


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/params"])
def test_wrong_paths_and_methods_answer_json(path):
    async def scenario():
        async with serving() as client:
            answer = await client.get(path)
            assert answer.status in (404, 405)
            assert "error" in await answer.json()

    run(scenario())


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "127.0.0.1.evil.example"},
    ],
)
def test_foreign_hosts_and_origins_are_refused_even_on_loopback(headers):
    async def scenario():
        async with serving() as client:
            answer = await client.post("/api/v1/actions/panic", headers=headers)
            assert answer.status == 403
            assert client.taken == []
            assert client.board.rejected

    run(scenario())


def test_our_own_origin_and_named_hosts_pass():
    async def scenario():
        async with serving(allowed_hosts=("stage.local",)) as client:
            for headers in ({"Origin": str(client.server.url)}, {"Host": "stage.local:9720"}):
                assert (await client.post("/api/v1/actions/tap", headers=headers)).status == 202

    run(scenario())


def test_beyond_loopback_a_token_is_needed():
    async def scenario():
        board = ProblemBoard()
        for token in (None, SecretStr("short")):
            server = WebServer(
                WebSettings(address="0.0.0.0", port=0, token=token),
                status=dict,
                post=print,
                preview=None,
                complaints=tuple,
                board=board,
                clock=time.monotonic,
            )
            await server.start()
            assert server.url is None
            await server.stop()
        assert [problem.code for problem in board.problems] == ["no-token"]

    run(scenario())


def test_the_token_opens_by_bearer_query_and_cookie_and_stays_out_of_the_address():
    async def scenario():
        async with serving(token=SecretStr("correct horse")) as client:
            assert (await client.get("/api/v1/status")).status == 401
            assert (await client.get("/api/v1/status?token=wrong")).status == 401
            bearer = {"Authorization": "Bearer correct horse"}
            assert (await client.get("/api/v1/status", headers=bearer)).status == 200
            first = await client.get("/?token=correct horse", allow_redirects=False)
            assert first.status == 303
            assert first.headers["Location"] == "/"
            cookie = first.cookies["scope_bridge_token"]
            assert cookie["httponly"]
            assert (await client.get("/", cookies={"scope_bridge_token": cookie.value})).status == 200
            assert all("correct" not in reason for _, reason in client.board.rejected)

    run(scenario())


def test_events_and_pictures_stream_and_encoding_stops_with_the_last_viewer():
    async def scenario():
        async with serving(events_hz=30.0) as client:
            async with client.get("/api/v1/events") as events:
                assert (await events.content.readline()) == b"event: status\n"
                assert json.loads((await events.content.readline())[6:])["version"] == "9"
            async with client.get("/api/v1/preview.mjpeg") as pictures:
                assert (await pictures.content.readuntil(b"\xff\xd9")).startswith(b"--frame")
                assert client.preview.watchers == 1
            assert (await (await client.get("/api/v1/preview.jpg")).read()) == b"\xff\xd8jpeg\xff\xd9"
            while client.preview.watchers:
                await asyncio.sleep(0.01)

    run(scenario())


def test_the_monitor_tells_what_arrives_and_ends_with_its_reader():
    async def scenario():
        async with serving() as client:
            async with client.get("/api/v1/monitor") as stream:
                assert await stream.content.readline() == b": watching\n"
                now = time.monotonic()  # one moment for all: a slow machine must not earn a larger allowance
                for number in range(300):
                    if client.events.begin(now):
                        intent = Intent(now, "param/noise_scale", value=float("nan"))
                        client.events.add(now, "midi:x", str(number), matches=("a: b to c",), intents=(intent,))
                messages = []
                while not messages or messages[-1]["type"] != "left_out":
                    line = await stream.content.readline()
                    if line.startswith(b"data:"):
                        messages.append(json.loads(line[5:]))
                assert [message["what"] for message in messages[:-1]] == [str(n) for n in range(200)]
                assert messages[-1]["count"] == 100
                first = messages[0]
                assert abs(first["time"] - time.time()) < 10
                assert first["matches"] == ["a: b to c"]
                assert first["intents"] == [
                    {"target": "param/noise_scale", "kind": "set", "value": None, "normalised": False}
                ]
                assert client.events.watchers == 1
            while client.events.watchers:
                await asyncio.sleep(0.01)

    run(scenario())


def test_a_viewer_that_leaves_is_no_error(caplog):
    async def scenario():
        async with serving(events_hz=30.0) as client:
            for path in ("/api/v1/events", "/api/v1/preview.mjpeg", "/api/v1/monitor"):
                viewer = await client.get(path)
                await viewer.content.readany()
                viewer.close()
            while client.preview.watchers or client.server.watchers:
                await asyncio.sleep(0.01)

    run(scenario())
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_port_in_use_is_pinned_and_healed():
    async def scenario():
        async with serving() as client:
            port = int(str(client.server.url).rsplit(":", 1)[1].strip("/"))
            board = ProblemBoard()
            second = WebServer(
                WebSettings(port=port),
                status=dict,
                post=print,
                preview=None,
                complaints=tuple,
                board=board,
                clock=time.monotonic,
            )
            await second.start()
            assert [problem.code for problem in board.problems] == ["bind"]
            await second.stop()

    run(scenario())


@given(st.binary(max_size=200), st.text(max_size=20))
def test_arbitrary_bodies_give_intents_or_our_error(body, name):
    for parse in (
        lambda: action_intent(name, body, 0.0),
        lambda: param_intents(body, 0.0),
        lambda: target_intents(body, 0.0),
    ):
        with contextlib.suppress(ScopeBridgeError):
            parse()


@given(
    st.recursive(
        st.none() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_status_is_valid_json(value):
    json.loads(json.dumps(as_plain(value), allow_nan=False))


def test_rejections_are_counted_by_reason():
    text = metrics_text(STATUS, {("osc", "bad\nthing"): 2})
    assert "scope_bridge_quantize_residual_seconds -0.025" in text
    assert 'scope_bridge_events_rejected_total{source="osc",reason="bad\\nthing"} 2' in text
