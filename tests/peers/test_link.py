"""A real Ableton Link session, in a network namespace of its own (Link speaks multicast): the daemon follows its tempo."""

from __future__ import annotations

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
