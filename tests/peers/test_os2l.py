"""A DJ program others wrote (the npm package os2l) plays the daemon: its beat, its buttons, and the way it finds us.

Needs ``tests/peers/install.sh``, which installs that package beside ``os2l/sender.js``.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.netns import isolated
from tests.peers.stage import ROOT, Daemon, Talker, free_port, program

SENDER = ROOT / "tests" / "peers" / "os2l" / "sender.js"
BPM = 126.0
CONFIG = """
[os2l]
enabled = true
port = {port}
[audio]
source = "off"
[midi]
enabled = false
[mapping]
files = ["virtualdj"]
[outputs.ndi]
enabled = false
[outputs.preview]
enabled = false
"""


def sender(port: int) -> Talker:
    assert (SENDER.parent / "node_modules" / "os2l").is_dir(), "run tests/peers/install.sh"
    talker = Talker(program("node"), str(SENDER), str(port), str(BPM))
    assert json.loads(talker.line()) == {"connected": True}
    return talker


@pytest.fixture
def port() -> int:
    return free_port(socket.SOCK_STREAM)


@pytest.fixture
def daemon(tmp_path: Path, port: int) -> Iterator[Daemon]:
    running = Daemon(tmp_path, CONFIG.format(port=port))
    yield running
    running.end()


def test_its_beat_leads_and_its_buttons_play(daemon: Daemon, port: int) -> None:
    dj = sender(port)
    try:
        daemon.wait(lambda now: now["tempo"]["source"] == "os2l", what="OS2L leads")
        before = daemon.status()["tempo"]
        assert before["bpm"] == pytest.approx(BPM, abs=0.01)
        daemon.wait(lambda now: now["tempo"]["beat"] >= before["beat"] + 4, what="four beats")
        dj.say(json.dumps(["buttonOn", "blackout"]))
        daemon.wait(lambda now: now["switches"]["blackout"], what="blackout")
        assert json.loads(dj.line()) == {"feedback": "blackout", "state": "on"}
        dj.say(json.dumps(["buttonOff", "blackout"]))
        dj.say(json.dumps(["command", 1, 40]))
        daemon.wait(lambda now: now["macros"]["reaction"] == pytest.approx(0.4), what="the knob")
        assert daemon.status()["switches"]["blackout"]
        dj.say(json.dumps(["custom", "what is that?{{{"]))
        dj.say(json.dumps(["buttonOn", "blackout"]))
        daemon.wait(lambda now: not now["switches"]["blackout"], what="blackout undone after garbage")
        told = daemon.status()["os2l"]
        assert (told["state"], told["peers"]) == ("listening", 1)
        assert told["rejected"] >= 1
    finally:
        dj.end()
    daemon.wait(lambda now: now["os2l"]["peers"] == 0, what="the peer's end")
    assert not [problem for problem in daemon.problems() if problem.startswith("os2l/")]


FOUND = """
import asyncio, subprocess, sys
from bridge.inputs.os2l import Os2lInput, Os2lSettings
from bridge.model.board import ProblemBoard

async def main():
    board, heard = ProblemBoard(), asyncio.Queue()
    settings = Os2lSettings(enabled=True, port=0, announce=True)
    os2l = Os2lInput(settings, on_beat=heard.put_nowait, on_control=heard.put_nowait, board=board)
    serving = asyncio.create_task(os2l.run())
    dj = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        print((await asyncio.wait_for(heard.get(), 45)).bpm, board.problems)
    finally:
        dj.kill()
        dj.wait()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

asyncio.run(main())
"""
NAMES = 'echo "127.0.0.1 $(hostname -s)-scope-bridge.local localhost" > /run/hosts; mount --bind /run/hosts /etc/hosts'
"""In place of a system that resolves names by mDNS, which a test machine may not have."""


def test_it_finds_the_announced_port_by_itself(tmp_path: Path) -> None:
    multicast = "ip link set lo up multicast on; ip route add 224.0.0.0/4 dev lo"
    command = (sys.executable, "-c", FOUND, program("node"), str(SENDER), "0", str(BPM))
    done = isolated(*command, home=tmp_path, before=f"{multicast}; {NAMES}", seconds=60)
    assert done.stdout.strip() == f"{BPM} ()", done.stderr
