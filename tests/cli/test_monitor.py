"""``scope-bridge monitor`` beside a real daemon, and its lines for people."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest
from pythonosc.udp_client import SimpleUDPClient

from bridge.cli import main
from bridge.cli.exits import FINE, NO_DAEMON, RUNTIME
from bridge.cli.monitor_verb import line_of

EVENT = {
    "type": "event",
    "time": 1.25,
    "source": "midi:nanoKONTROL2",
    "sender": "",
    "what": "cc 0 channel 1 = 64",
    "matches": ["korg_nanokontrol2: slider.1 to param/noise_scale"],
    "intents": [{"target": "param/noise_scale", "kind": "set", "value": 0.50394, "normalised": False}],
    "refused": [],
    "taken_by": "",
}


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def daemon(tmp_path):
    """A daemon's URL, its OSC port and its process."""
    web, osc = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    options = [
        'scope.urls=["http://127.0.0.1:9"]',
        "outputs.ndi.enabled=false",
        "outputs.virtual_camera.enabled=false",
        f"web.port={web}",
        f"osc.listen=[{{port={osc}}}]",
        'mapping.files=["auto", "-abletonosc"]',
    ]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    command = [sys.executable, "-m", "bridge", "-q", *(part for one in options for part in ("-o", one)), "run"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        try:
            yield f"http://127.0.0.1:{web}", osc, process
        finally:
            process.terminate()
            process.wait(20)


def watching(url, *arguments):
    """The monitor, once it watches."""
    deadline = time.monotonic() + 30
    command = [sys.executable, "-m", "bridge", "monitor", "--url", url, *arguments]
    while True:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if process.stdout.readline().startswith("Watching"):
            return process
        assert process.wait(20) == NO_DAEMON, process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        assert time.monotonic() < deadline, "the daemon never answered"


def test_messages_come_through_and_the_end_of_the_daemon_is_told(daemon):
    url, port, process = daemon
    with watching(url) as monitor, SimpleUDPClient("127.0.0.1", port) as client:
        client.send_message("/bridge/macro/reaction", 0.25)
        assert "/bridge/macro/reaction 0.25  -> macro/reaction = 0.25" in monitor.stdout.readline()
        client.send_message("/bridge/actoin/tap", [])
        assert "-> refused: " in monitor.stdout.readline()
        client.send_message("/live/nothing", "x")
        assert "/live/nothing 'x'  -> no mapping listens to it" in monitor.stdout.readline()

        assert main(["monitor", "--url", url, "--json", "--seconds", "0.2"]) == FINE

        process.terminate()
        assert monitor.wait(20) == RUNTIME
        assert monitor.stderr.read().startswith(f"scope-bridge: The daemon at {url} ended.")


def test_without_a_daemon_the_exit_code_is_three(capsys):
    assert main(["monitor", "--url", "http://127.0.0.1:9"]) == NO_DAEMON
    assert "scope-bridge run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        ({}, "[korg_nanokontrol2: slider.1 to param/noise_scale] -> param/noise_scale = 0.5039"),
        ({"intents": []}, "[korg_nanokontrol2: slider.1 to param/noise_scale] -> nothing now"),
        ({"intents": [], "matches": []}, "-> no mapping listens to it"),
        ({"intents": [], "matches": [], "taken_by": "tempo"}, "-> tempo"),
        (
            {"matches": [], "intents": [{"target": "action/tap", "kind": "trigger", "value": None}]},
            "-> action/tap trigger",
        ),
        ({"matches": [], "refused": ["no such theme"]}, "-> refused: no such theme"),
    ],
)
def test_a_line_says_what_came_of_it(change, ending):
    line = line_of({**EVENT, **change})
    assert ".250  midi:nanoKONTROL2  cc 0 channel 1 = 64  " in line
    assert line.endswith(ending)


def test_what_the_network_sent_does_not_reach_the_terminal_as_it_is():
    prompt = {"target": "prompt", "kind": "set", "value": "\x1b[2J\nnight é" + "x" * 5000, "normalised": False}
    line = line_of({**EVENT, "what": "/a\x1b]0;b\x07", "intents": [prompt]})
    assert "/a\\x1b]0;b\\x07" in line
    assert "prompt = \\x1b[2J\\nnight é" in line
    assert line.isprintable()
    assert len(line) < 400


def test_what_was_left_out_is_told():
    assert "312 more" in line_of({"type": "left_out", "count": 312})
