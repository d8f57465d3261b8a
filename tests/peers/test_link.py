"""A real Ableton Link session, in a network namespace of its own (Link speaks multicast): the daemon follows its tempo, or leads it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.peers.netns import isolated

MULTICAST = "ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo"
SESSION = """
import asyncio, aalink
async def play():
    link = aalink.Link(131.0)
    link.enabled = True
    while True:
        print(await link.sync(1), flush=True)
asyncio.run(play())
"""
WATCH = """
import json, subprocess, sys, time, urllib.request
# Of two sessions that meet the elder's tempo wins, and within half a second chance: the peer is to be well ahead.
peer = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
for _ in range(4):
    peer.stdout.readline()
daemon = subprocess.Popen([sys.executable, "-m", "bridge", "-q", "-o", "link.enabled=true", "-o", "osc.listen=[]",
    "-o", "midi.enabled=false", "-o", "outputs.ndi.enabled=false", "-o", "mapping.files=[]", "run"])
try:
    deadline, beats = time.monotonic() + 60, set()
    while time.monotonic() < deadline and len(beats) < 4:
        time.sleep(0.1)
        try:
            tempo = json.load(urllib.request.urlopen("http://127.0.0.1:9720/api/v1/status", timeout=5))["tempo"]
        except OSError:
            continue
        if tempo["source"] == "link" and abs(tempo["bpm"] - 131.0) < 0.5:
            beats.add(tempo["beat"])
    print(json.dumps(sorted(beats)))
finally:
    for process in (daemon, peer):
        process.terminate()
        process.wait(20)
"""


def test_the_daemon_follows_a_link_session(tmp_path: Path) -> None:
    done = isolated(sys.executable, "-c", WATCH, SESSION, home=tmp_path, before=MULTICAST)
    assert done.returncode == 0, done.stderr
    beats = [int(text) for text in done.stdout.strip().strip("[]").split(",") if text.strip()]
    assert len(beats) >= 4, done.stderr
    assert beats == sorted(set(beats))


LEAD = """
import asyncio, json, sys, time
from bridge.inputs.link import LinkInput, LinkSettings
from bridge.model.beatgrid import BeatGrid
from bridge.model.board import ProblemBoard

async def main():
    grid = BeatGrid(bpm=126.0, anchor=time.monotonic(), anchor_beat=7, downbeat=2)
    peer = await asyncio.create_subprocess_exec(sys.executable, "-c", sys.argv[1], stdout=asyncio.subprocess.PIPE)
    for _ in range(4):
        await peer.stdout.readline()
    settings = LinkSettings(enabled=True, mode="lead", start_stop=True)
    link = LinkInput(settings, on_event=sys.exit, grid=lambda: grid, board=ProblemBoard())
    leading = asyncio.create_task(link.run())
    said, end = [], time.monotonic() + 60
    try:
        while time.monotonic() < end and not (len(said) > 12 and all(abs(one["off_ms"]) < 10 for one in said[-12:])):
            t, beat, tempo, playing = json.loads(await peer.stdout.readline())
            off = (grid.position_at(t) - grid.downbeat - beat + 2) % 4 - 2
            said.append({"off_ms": off * 60_000 / 126.0, "tempo": tempo, "playing": playing})
    finally:
        print(json.dumps(said[-12:]))
        leading.cancel()
        await asyncio.gather(leading, return_exceptions=True)
        peer.kill()
        await peer.wait()

asyncio.run(main())
"""
FOLLOWER = """
import asyncio, json, time, aalink
async def play():
    link = aalink.Link(90.0)
    link.enabled, link.quantum, link.start_stop_sync_enabled = True, 4.0, True
    while True:
        beat = await link.sync(1)
        print(json.dumps([time.monotonic(), beat, link.tempo, link.playing]), flush=True)
asyncio.run(play())
"""


def test_a_session_with_another_tempo_is_led_into_step(tmp_path: Path) -> None:
    done = isolated(sys.executable, "-c", LEAD, FOLLOWER, home=tmp_path, before=MULTICAST)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert len(said) == 12
    assert [one for one in said if abs(one["off_ms"]) >= 10] == []
    assert abs(said[-1]["tempo"] - 126.0) < 0.5
    assert said[-1]["playing"]


DAEMON_LEADS = """
import json, subprocess, sys, time, urllib.request
from pythonosc.udp_client import SimpleUDPClient
peer = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
for _ in range(4):
    peer.stdout.readline()
daemon = subprocess.Popen([sys.executable, "-m", "bridge", "-q", "-o", "link.enabled=true", "-o", "link.mode=lead",
    "-o", "midi.enabled=false", "-o", "audio.source=off", "-o", "outputs.ndi.enabled=false", "-o", "mapping.files=[]", "run"])
try:
    deadline, osc, tempo = time.monotonic() + 60, SimpleUDPClient("127.0.0.1", 9700), 0.0
    while time.monotonic() < deadline and abs(tempo - 126.0) > 0.1:
        osc.send_message("/bridge/bpm", 126.0)
        tempo = json.loads(peer.stdout.readline())[2]
    status = json.load(urllib.request.urlopen("http://127.0.0.1:9720/api/v1/status", timeout=5))
    print(json.dumps([tempo, status["link"]["mode"], status["link"]["peers"], status["tempo"]["source"]]))
finally:
    for process in (daemon, peer):
        process.terminate()
        process.wait(20)
"""


def test_the_daemon_leads_a_link_session(tmp_path: Path) -> None:
    done = isolated(sys.executable, "-c", DAEMON_LEADS, FOLLOWER, home=tmp_path, before=MULTICAST)
    assert done.returncode == 0, done.stderr
    tempo, *rest = json.loads(done.stdout)
    assert abs(tempo - 126.0) <= 0.1
    assert rest == ["lead", 1, "osc"]
