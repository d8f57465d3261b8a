"""OSC from programs others wrote, into the running daemon: Pure Data, SuperCollider, liblo, and AbletonOSC's manners.

One daemon, without a Scope server: what a message did is read from its status.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import SimpleUDPClient

from tests.peers.stage import ROOT, Daemon, free_port, program, until

CAPTURES = ROOT / "tests" / "fixtures" / "captures"
LIVE_BPM = 126.0
CONFIG = """
[audio]
source = "off"
[midi]
enabled = false
[mapping]
files = ["live", "touchdesigner"]
[outputs.ndi]
enabled = false
[outputs.preview]
enabled = false
"""


class Live:
    """Speaks like AbletonOSC (osc_abletonosc_stub.json): answers whoever asked last, always at one fixed port."""

    def __init__(self) -> None:
        self.listen_port, self.answer_port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        self.heard: list[str] = []
        self._answers = SimpleUDPClient("127.0.0.1", self.answer_port)
        self._asked: set[str] = set()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._listen, self._play)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            ear.bind(("127.0.0.1", self.listen_port))
            ear.settimeout(0.1)
            while not self._done.is_set():
                try:
                    address = OscMessage(ear.recv(65_536)).address
                except TimeoutError:
                    continue
                self.heard.append(address)
                if address == "/live/test":
                    self.say("/live/test", "ok")
                elif address.startswith("/live/song/start_listen/"):
                    what = address.rpartition("/")[2]
                    self._asked.add(what)
                    self.say(f"/live/song/get/{what}", {"tempo": LIVE_BPM, "is_playing": True, "beat": 0}[what])

    def _play(self) -> None:
        beat = 0
        while not self._done.wait(60 / LIVE_BPM):
            if "beat" in self._asked:
                beat += 1
                self.say("/live/song/get/beat", beat)

    def say(self, address: str, *values: object) -> None:
        self._answers.send_message(address, values)

    def restart(self) -> None:
        """As Live does when the set is opened again: nobody is subscribed any more."""
        self._asked.clear()
        self.heard.clear()
        self.say("/live/startup")

    def end(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()
        self._answers._sock.close()


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    peer = Live()
    yield peer
    peer.end()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, live: Live) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("osc")
    own = folder / "config" / "scope-bridge" / "mappings"
    own.mkdir(parents=True)
    shipped = (ROOT / "mappings" / "abletonosc.toml").read_text(encoding="utf-8")
    changed = shipped.replace("listen_port = 11001", f"listen_port = {live.answer_port}")
    (own / "live.toml").write_text(changed.replace("send_port = 11000", f"send_port = {live.listen_port}"))
    running = Daemon(folder, CONFIG)
    yield running
    running.end()


@pytest.fixture
def calm(daemon: Daemon) -> Daemon:
    """The daemon with macros, switches and theme where every test expects them."""
    daemon.post("targets", {"macro/reaction": 0.5, "macro/beat": 0.5, "theme": "cosmic-voyage"})
    for name, on in daemon.status()["switches"].items():
        if on:
            daemon.post(f"actions/{name}")
    daemon.wait(lambda s: s["theme"] == "cosmic-voyage" and not any(s["switches"].values()), 10)
    return daemon


def listener(daemon: Daemon) -> dict[str, Any]:
    """The status of the daemon's own OSC port."""
    (found,) = [entry for entry in daemon.status()["osc"] if entry["address"].endswith(f":{daemon.osc_port}")]
    return dict(found)


def test_liblo_sends_every_type_it_has(calm: Daemon) -> None:
    def oscsend(address: str, *arguments: str) -> None:
        command = [program("oscsend"), "127.0.0.1", str(calm.osc_port), address, *arguments]
        subprocess.run(command, check=True, timeout=20)

    for types, value, macro in (("f", "0.25", 0.25), ("d", "0.75", 0.75), ("i", "1", 1.0), ("h", "0", 0.0)):
        oscsend("/bridge/macro/reaction", types, value)
        calm.wait(lambda s, macro=macro: s["macros"]["reaction"] == pytest.approx(macro), 10, f"{types} {value}")
    oscsend("/bridge/action/freeze", "T")
    calm.wait(lambda s: s["switches"]["freeze"], 10, "freeze by true")
    oscsend("/bridge/action/freeze", "F")  # the end of a short press, which changes nothing
    oscsend("/bridge/action/freeze", "T")
    calm.wait(lambda s: not s["switches"]["freeze"], 10, "freeze undone by a second press")
    for types, value in (("s", "neon-foundry"), ("S", "digital-forest")):
        oscsend("/bridge/theme", types, value)
        calm.wait(lambda s, value=value: s["theme"] == value, 10, f"theme by {types}")
    oscsend("/scope/prompt", "s", "naïve café 東京")
    calm.wait(lambda s: any("naïve café 東京" in p["text"] for p in s["prompts"]), 10, "a prompt in UTF-8")
    oscsend("/bridge/param/prompt_weight", "c", "A")
    oscsend("/bridge/theme", "m", "00b00740")
    oscsend("/bridge/macro/beat", "f", "0.125")
    calm.wait(lambda s: s["macros"]["beat"] == pytest.approx(0.125), 10)


def test_pure_data_plays_the_show(calm: Daemon, tmp_path: Path) -> None:
    objects = [
        "obj 10 10 loadbang",
        "obj 10 40 t b b b b b",
        f"msg 300 70 connect 127.0.0.1 {calm.osc_port}",
        "msg 240 70 list 0.375",
        "obj 240 100 oscformat -f f bridge macro reaction",
        "msg 180 70 list neon-foundry",
        "obj 180 100 oscformat -f s bridge theme",
        "msg 120 70 list 1",
        "obj 120 100 oscformat bridge action freeze",
        "obj 10 70 delay 300",
        "msg 10 100 \\; pd quit",
        "obj 200 140 list prepend send",
        "obj 200 170 list trim",
        "obj 200 200 netsend -u -b",
    ]
    wires = [(0, 0, 1), (1, 4, 2), (2, 0, 13), (1, 3, 3), (3, 0, 4), (1, 2, 5), (5, 0, 6), (1, 1, 7), (7, 0, 8)]
    wires += [(4, 0, 11), (6, 0, 11), (8, 0, 11), (11, 0, 12), (12, 0, 13), (1, 0, 9), (9, 0, 10)]
    lines = ["#N canvas 0 0 600 400 12", *(f"#X {entry}" for entry in objects)]
    lines += [f"#X connect {source} {outlet} {target} 0" for source, outlet, target in wires]
    patch = tmp_path / "show.pd"
    patch.write_text("".join(f"{line};\n" for line in lines))
    command = [program("pd"), "-nogui", "-noaudio", "-nomidi", "-nrt", str(patch)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    calm.wait(
        lambda s: (
            s["macros"]["reaction"] == pytest.approx(0.375) and s["theme"] == "neon-foundry" and s["switches"]["freeze"]
        ),
        10,
        "what Pure Data sent",
    )


SHOW = """
(
var bridge = NetAddr("127.0.0.1", {port});
bridge.sendMsg("/bridge/macro/reaction", $a);
bridge.sendMsg("/bridge/macro/reaction", inf);
bridge.sendMsg("/bridge/macro/reaction", 0.25);
bridge.sendMsg("/bridge/action/blackout", true);
bridge.sendBundle(3600.0, ["/bridge/theme", "crystal-sanctuary"], ["/bridge/macro/beat", 0.625]);
bridge.sendRaw("/bridge".ascii.as(Int8Array));
0.exit;
)
"""


def test_supercollider_plays_the_show(calm: Daemon, tmp_path: Path) -> None:
    """With a Char and an infinity that mean nothing here, and a bundle stamped an hour ahead, which acts at once."""
    script = tmp_path / "show.scd"
    script.write_text(SHOW.format(port=calm.osc_port))
    rejected = listener(calm)["rejected"]
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "QTWEBENGINE_DISABLE_SANDBOX": "1",
        "XDG_RUNTIME_DIR": str(tmp_path),
        "HOME": str(tmp_path),
    }
    environment.pop("DISPLAY", None)
    command = [program("sclang"), "-D", str(script)]
    subprocess.run(command, check=True, timeout=120, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    calm.wait(
        lambda s: (
            s["theme"] == "crystal-sanctuary"
            and s["switches"]["blackout"]
            and s["macros"] == pytest.approx({"reaction": 0.25, "beat": 0.625, "brightness": 1.0})
        ),
        10,
        "what SuperCollider sent",
    )
    assert listener(calm)["rejected"] > rejected


def test_malformed_datagrams_are_counted_and_change_nothing(calm: Daemon) -> None:
    vectors = json.loads((CAPTURES / "osc_malformed_synthetic.json").read_text())["packets"]
    before = calm.status()
    rejected = listener(calm)["rejected"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        for number, vector in enumerate(vectors, start=1):
            mouth.sendto(bytes.fromhex(vector["hex"]), ("127.0.0.1", calm.osc_port))
            level = number / 100
            calm.osc.send_message("/bridge/macro/beat", level)
            calm.wait(lambda s, level=level: s["macros"]["beat"] == pytest.approx(level, abs=1e-4), 5, vector["note"])
    after = calm.status()
    assert listener(calm)["rejected"] >= rejected + 15
    assert after["theme"] == before["theme"] and after["switches"] == before["switches"]
    assert after["macros"] == before["macros"] | {"beat": pytest.approx(len(vectors) / 100, abs=1e-4)}


def test_abletonosc_gives_the_tempo_and_is_greeted_again_when_it_restarts(calm: Daemon, live: Live) -> None:
    until(lambda: "/live/song/start_listen/beat" in live.heard, 20, "our hello")
    calm.wait(lambda s: s["tempo"]["source"] == "osc" and abs(s["tempo"]["bpm"] - LIVE_BPM) < 0.5, 20, "Live's tempo")
    beat = calm.status()["tempo"]["beat"]
    calm.wait(lambda s: s["tempo"]["beat"] >= beat + 4, 20, "Live's beats")
    live.restart()
    began = time.monotonic()
    until(lambda: "/live/song/start_listen/beat" in live.heard, 9, "a hello after the restart")
    assert time.monotonic() - began < 9, "sooner than the regular repetition"
    calm.wait(lambda s: s["tempo"]["source"] == "osc", 20, "Live's tempo again")
