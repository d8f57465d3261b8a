"""The daemon as a process, against the rehearsal server: OSC in, state on the server, picture out, and back after faults."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import SimpleUDPClient

from tests.scope.pods.runpod_server import KEY, POD, runpod_server

T = TypeVar("T")
PATIENCE_S = 40.0


def until(condition: Callable[[], T], what: str) -> T:
    """The first true value of ``condition``."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.03)
    raise AssertionError(f"never came: {what}")


class Web:
    """A JSON API on loopback."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def get(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return json.load(answer)
        except (urllib.error.URLError, ConnectionError):
            return None

    def post(self, path: str, body: Any = None) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data), timeout=5) as answer:
            return json.load(answer)


class Daemon:
    """A running ``scope-bridge run``."""

    def __init__(self, scope_url: str, home: str, *more: str, **variables: str) -> None:
        self.web = Web(f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}")
        self.osc_port = free_port(socket.SOCK_DGRAM)
        options = [
            f'scope.urls=["{scope_url}"]',
            *more,
            "scope.pipeline=streamdiffusionv2",
            "audio.source=demo",
            "outputs.ndi.enabled=false",
            f"web.port={self.web.url.rsplit(':', 1)[1]}",
            f"osc.listen=[{{port={self.osc_port}}}]",
            'mapping.files=["-abletonosc", "auto"]',
        ]
        command = [sys.executable, "-m", "bridge", *(part for option in options for part in ("-o", option)), "run"]
        homes = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), home)
        environment = {**os.environ, **homes, **variables}
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        self.osc = SimpleUDPClient("127.0.0.1", self.osc_port)

    def tell_beats(self) -> Iterator[tuple[int, int, int]]:
        """Beat, beat in the bar and bar of every beat from now on, as the daemon tells its OSC subscribers."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            ear.bind(("127.0.0.1", 0))
            ear.settimeout(PATIENCE_S)
            self.osc.send_message("/bridge/subscribe", ear.getsockname()[1])
            while True:
                message = OscMessage(ear.recv(8192))
                if message.address == "/bridge/state/beat":
                    beat, in_bar, bar = message.params
                    yield beat, in_bar, bar

    @property
    def status(self) -> Any:
        return self.web.get("/api/v1/status")

    def live(self) -> Any:
        return until(
            lambda: (s := self.status) and s["scope"]["state"] == "live" and s["scope"]["video"]["frames"] and s, "live"
        )

    def stop(self) -> str:
        self.osc.close()
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, log
        return log


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Web]:
    command = [
        sys.executable,
        "-m",
        "bridge.rehearsal",
        "--port",
        "0",
        "--json",
        "--fps",
        "24",
        "--load-seconds",
        "0.2",
    ]
    process = subprocess.Popen([*command, "--parent-pid", str(os.getpid())], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield Web(json.loads(process.stdout.readline())["url"])
    process.terminate()
    process.communicate(timeout=15)


@pytest.fixture(scope="module")
def daemon(rehearsal: Web, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    running = Daemon(rehearsal.url, str(tmp_path_factory.mktemp("home")))
    try:
        running.live()
        yield running
        log = running.stop()
        assert "Traceback" not in log, log
    finally:
        running.process.kill()
        running.process.wait()


def server_state(rehearsal: Web) -> Any:
    return rehearsal.get("/rehearsal/journal")["state"]


def test_the_status_has_the_whole_shape(daemon: Daemon) -> None:
    status = daemon.live()
    assert {
        "version", "uptime_s", "state", "scope", "tempo", "audio", "midi", "osc", "os2l", "link", "midi_clock_out", "theme",
        "params", "takeover", "outputs", "pod", "problems",
    } <= set(status)  # fmt: skip
    assert {"state", "url", "servers", "version", "pipeline", "mode", "chunk", "latency_ms", "params", "video"} <= set(
        status["scope"]
    )
    assert status["state"] == "running", status["problems"]
    assert status["audio"]["source"] == "demo"


def test_an_osc_theme_reaches_the_server_as_the_atomic_pair(daemon: Daemon, rehearsal: Web) -> None:
    daemon.osc.send_message("/bridge/theme/neon-foundry", [])
    until(lambda: daemon.status["theme"] == "neon-foundry", "the theme")
    base = daemon.status["prompts"][0]["text"][:30]

    def arrived() -> bool:
        applied = rehearsal.get("/rehearsal/journal")["applied"]
        pairs = [entry["message"] for entry in applied if "transition" in entry["message"]]
        return any(pair["prompts"] == pair["transition"]["target_prompts"] for pair in pairs) and base in json.dumps(
            pairs
        )

    until(arrived, "the pair on the server")
    assert rehearsal.get("/rehearsal/journal")["dropped"] == 0


def test_an_osc_parameter_reaches_the_server_or_is_said_to_do_nothing(daemon: Daemon, rehearsal: Web) -> None:
    daemon.osc.send_message("/scope/base_seed", 77)
    daemon.osc.send_message("/bridge/param/noise_scale", 0.9)
    until(lambda: "noise_scale" in daemon.status["params"]["ineffective"], "the sentence about noise_scale")
    assert server_state(rehearsal).get("noise_scale") is None
    daemon.osc.send_message("/bridge/action/reset_cache", [])
    until(
        lambda: any("reset_cache" in entry["message"] for entry in rehearsal.get("/rehearsal/journal")["applied"]),
        "the reset",
    )


def test_rubbish_changes_nothing_and_is_counted(daemon: Daemon) -> None:
    before = daemon.status["theme"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
        for junk in (b"", b"#bundle\0" + b"\0" * 7 + b"\x01" + b"\xff\xff\xff\xfc", b"/x\0\0,Q\0\0", b"\xff" * 40):
            raw.sendto(junk, ("127.0.0.1", daemon.osc_port))
    daemon.osc.send_message("/bridge/theme", "no-such-theme")
    daemon.osc.send_message("/bridge/macro/reaction", "loud")
    until(lambda: daemon.status["osc"][0]["rejected"] >= 3, "the count")
    assert daemon.status["theme"] == before
    assert any("no-such-theme" in bad["reason"] or "theme" in bad["reason"] for bad in daemon.status["rejected"])
    daemon.osc.send_message("/bridge/macro/reaction", 0.75)
    until(lambda: daemon.status["macros"]["reaction"] == 0.75, "a good message after the bad ones")


def test_the_page_acts_like_a_controller(daemon: Daemon) -> None:
    daemon.web.post("/api/v1/targets", {"theme": "digital-forest"})
    until(lambda: daemon.status["theme"] == "digital-forest", "the theme")
    daemon.web.post("/api/v1/actions/blackout")
    until(lambda: daemon.status["switches"]["blackout"], "blackout")
    daemon.web.post("/api/v1/actions/blackout")
    until(lambda: not daemon.status["switches"]["blackout"], "no blackout")


def test_the_demo_track_gives_the_tempo(daemon: Daemon) -> None:
    tempo = until(lambda: (s := daemon.status) and s["tempo"]["source"] == "audio" and s["tempo"], "a tempo")
    assert abs(tempo["bpm"] - 124) < 3


def test_octave_nudge_and_resync_act_over_osc_and_http(daemon: Daemon) -> None:
    def audio() -> Any:
        return daemon.status["tempo"]["sources"]["audio"]

    until(lambda: audio()["state"] == "leads", "the heard tempo")
    daemon.osc.send_message("/bridge/action/nudge_forward", [])
    until(lambda: audio().get("nudge_ms") == -10.0, "beats 10 ms sooner, over OSC")
    daemon.web.post("/api/v1/actions/nudge_back")
    until(lambda: audio().get("nudge_ms") == 0.0, "the way back, over HTTP")
    daemon.web.post("/api/v1/actions/tempo_halve")
    until(lambda: audio().get("octave") == -1 and daemon.status["tempo"]["bpm"] < 70, "half the tempo, over HTTP")
    daemon.osc.send_message("/bridge/action/tempo_double", [])
    until(lambda: audio().get("octave") == 0 and daemon.status["tempo"]["bpm"] > 110, "twice the tempo, over OSC")
    daemon.osc.send_message("/bridge/action/resync", [])
    until(lambda: audio().get("nudge_ms") != 0.0, "the beat where the hand was")
    assert daemon.status["tempo"]["next_beat_sd_ms"] > 0


def test_an_osc_resync_moves_the_bar_and_it_stays_there(daemon: Daemon) -> None:
    until(lambda: daemon.status["tempo"]["bpm"], "tempo")
    told = daemon.tell_beats()
    beat = next(beat for beat, in_bar, _ in told if in_bar == 2)
    daemon.osc.send_message("/bridge/action/resync", [])
    after = list(itertools.islice(told, 8))
    assert {(now - in_bar - beat) % 4 for now, in_bar, _ in after} == {0}
    assert [bar for _, _, bar in after] == sorted(bar for _, _, bar in after)
    assert daemon.status["tempo"]["bar_confidence"] == 1.0


def test_a_restarted_server_gets_the_whole_state_again(daemon: Daemon, rehearsal: Web) -> None:
    theme = daemon.live()["theme"]
    reconnects = daemon.status["scope"]["reconnects"]
    rehearsal.post("/rehearsal/fault", {"kind": "restart"})
    until(lambda: daemon.status["scope"]["reconnects"] > reconnects, "another session")
    status = daemon.live()
    assert status["theme"] == theme
    first = status["prompts"][0]["text"]
    until(lambda: first in json.dumps(server_state(rehearsal).get("prompts", "")), "the theme's prompt on the server")


def test_mappings_and_themes_reload_while_playing(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> None:
    status = daemon.status
    assert "mine" not in [theme["slug"] for theme in status["themes"]]
    home = next(path for path in tmp_path_factory.getbasetemp().glob("home*") if path.is_dir())
    themes = home / "scope-bridge" / "themes"
    themes.mkdir(parents=True)
    (themes / "mine.toml").write_text('version = 1\nname = "Mine"\n[prompt]\nbase = "A quiet sea at night"\n')
    until(lambda: "mine" in [theme["slug"] for theme in daemon.status["themes"]], "the new theme")
    (themes / "broken.toml").write_text('version = 1\nname = "x"\n[prompt]\nbase = "A sea"\nmodfiers = []\n')
    problem = until(lambda: [p for p in daemon.status["problems"] if p["part"] == "show"], "the problem")[0]
    assert "broken.toml:5" in problem["message"]
    assert "modifiers" in problem["message"]
    (themes / "broken.toml").unlink()
    until(lambda: not daemon.status["problems"], "healed")


def test_a_stopped_pod_is_named_started_on_demand_and_left_running_at_the_end(rehearsal: Web, tmp_path: Path) -> None:
    """The keeper in the daemon: RunPod's API is a simulation, Scope on the pod the rehearsal server."""
    with runpod_server() as runpod:
        options = {"id": POD, "api_url": runpod.api_url, "scope_url": rehearsal.url}
        more = [f'pod.{key}="{value}"' for key, value in options.items()]
        quick = ["pod.quick_poll_s=0.05", "pod.poll_s=0.2"]
        running = Daemon("pod", str(tmp_path), *more, *quick, RUNPOD_API_KEY=KEY)
        try:
            mend = "scope-bridge pod start"
            stopped = until(
                lambda: (s := running.status) and any(mend in p["hint"] for p in s["problems"]) and s, "stopped"
            )
            assert stopped["pod"]["phase"] == "stopped"
            assert [(p["part"], p["code"]) for p in stopped["problems"]] == [("scope", "pod")]
            running.web.post("/api/v1/actions/pod_start")
            live = running.live()
            assert (live["pod"]["id"], live["pod"]["status"], live["pod"]["cost_per_hour"]) == (POD, "RUNNING", 0.44)
            with urllib.request.urlopen(running.web.url + "/metrics", timeout=5) as answer:
                assert f'scope_bridge_pod_cost_usd_per_hour{{id="{POD}"}} 0.44' in answer.read().decode()
            log = running.stop()
            assert KEY not in log
        finally:
            running.process.kill()
            running.process.wait()
        assert (runpod.status, runpod.asked("start"), runpod.asked("stop")) == ("RUNNING", 1, 0)
