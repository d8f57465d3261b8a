"""The whole chain: real OSC, MIDI and music into ``scope-bridge run``; what comes of it, read as pixels.

One show for all tests of this file, in their order: the rehearsal server, the daemon on the demo track, a JACK server
with a controller on it, and an NDI receiver, each a process of its own. Every statistic of the picture is held
against the same statistic of the same run, taken before or without what the test does.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import pytest
from pythonosc.osc_message import OscMessage

from tests.peers.stage import Daemon, Jack, NdiReceiver, Picture, Rehearsal, Talker, controller, program, until

FOREST, FOUNDRY = "digital-forest", "neon-foundry"
MASTER_FADER, SECOND_MUTE = "b0 3e {:02x}", "90 04 7f"


@dataclass
class Show:
    rehearsal: Rehearsal
    daemon: Daemon
    knobs: Talker
    ndi: NdiReceiver
    beats: list[float] = field(default_factory=list)

    def oscsend(self, address: str, *arguments: str) -> None:
        """One datagram from liblo."""
        command = [program("oscsend"), "127.0.0.1", str(self.daemon.osc_port), address, *arguments]
        subprocess.run(command, check=True, timeout=20)

    def brightness_is(self, level: float) -> None:
        self.daemon.wait(lambda status: abs(status["macros"]["brightness"] - level) < 0.02, 10, f"brightness {level}")

    def theme_is(self, slug: str) -> None:
        self.daemon.wait(lambda status: status["theme"] == slug, 10, f"theme {slug}")


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    folder, name = tmp_path_factory.mktemp("show"), f"Scope Bridge Test {os.getpid()}"
    with ExitStack() as stage:
        jack = Jack()
        stage.callback(jack.end)
        rehearsal = Rehearsal()
        stage.callback(rehearsal.kill)
        knobs = controller(jack, "MIDI Mix", "MIDI Mix MIDI 1")
        stage.callback(knobs.end)
        daemon = Daemon(folder, CONFIG.format(url=rehearsal.url, name=name), **jack.clients)
        stage.callback(daemon.end)
        ndi = NdiReceiver(folder, name)
        stage.callback(ndi.end)
        everyone = Show(rehearsal, daemon, knobs, ndi)
        done = threading.Event()
        listener = threading.Thread(target=_hear_beats, args=(everyone, done))
        listener.start()
        stage.callback(listener.join)
        stage.callback(done.set)
        yield everyone


CONFIG = """
[scope]
urls = ["{url}"]
[audio]
source = "demo"
[midi]
backend = "jack"
[mapping]
files = ["akai_midimix", "touchdesigner"]
[show]
theme = "digital-forest"
[outputs.ndi]
enabled = true
name = "{name}"
"""


def _hear_beats(show: Show, done: threading.Event) -> None:
    """Subscribe like any OSC program, and note when each beat is told."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(0.2)
        subscribed = float("-inf")
        while not done.is_set():
            if time.monotonic() - subscribed > 20:
                show.daemon.osc.send_message("/bridge/subscribe", ear.getsockname()[1])
                subscribed = time.monotonic()
            try:
                datagram = ear.recv(65_536)
            except TimeoutError:
                continue
            if not datagram.startswith(b"#bundle") and OscMessage(datagram).address == "/bridge/state/beat":
                show.beats.append(time.monotonic())


def _colour(pictures: list[Picture]) -> np.ndarray:
    return np.median([picture.colour for picture in pictures], axis=0)


def _light(pictures: list[Picture]) -> float:
    return float(np.median([picture.light for picture in pictures]))


def test_the_picture_arrives_at_both_outputs(show: Show) -> None:
    status = show.daemon.wait(
        lambda s: s if s["scope"]["state"] == "live" and s["program"]["state"] == "live" else None
    )
    assert status["scope"]["pipeline"] == "longlive"
    show.daemon.wait(lambda s: ("ndi", "open", 1) in [(o["name"], o["state"], o["receivers"]) for o in s["outputs"]])
    assert show.daemon.problems() == {}
    sent, began = _ndi_frames(show), time.monotonic()
    arrived = len(show.ndi.watch(3.0))
    assert arrived >= 0.8 * (_ndi_frames(show) - sent) * 3.0 / (time.monotonic() - began)
    received, previewed = show.ndi.latest(), show.daemon.preview()
    assert received.size == (1280, 720)
    assert previewed.size == (512, 288)
    assert previewed.light == pytest.approx(received.light, abs=0.06)
    assert np.hypot(*np.subtract(previewed.colour, received.colour)) < 0.05


def test_the_demo_track_gives_the_tempo(show: Show) -> None:
    show.daemon.wait(lambda s: s["tempo"]["source"] == "audio" and abs(s["tempo"]["bpm"] - 124) < 1.5, 40)
    count = len(show.beats)
    until(lambda: len(show.beats) >= count + 9, 20, "nine beats")
    gaps = np.diff(show.beats[count : count + 9])
    assert np.median(gaps) == pytest.approx(60 / 124, rel=0.05)


def test_a_theme_over_osc_changes_the_colours(show: Show) -> None:
    """From python-osc. A forest is green, a foundry is not; a theme's own colours wander far less than that."""
    before = show.ndi.watch(3)
    show.daemon.osc.send_message("/bridge/theme", FOUNDRY)
    show.theme_is(FOUNDRY)
    reached = _steady_colour(show)
    previewed = show.daemon.preview().colour
    away = np.hypot(*(reached - _colour(before)))
    wander = np.median([np.hypot(*(np.asarray(p.colour) - _colour(before))) for p in before])
    assert away > 0.06 and away > 3 * wander
    assert np.hypot(*(previewed - _colour(before))) > 0.6 * away


def _steady_colour(show: Show) -> np.ndarray:
    """The colour once the transition is over at the server and the picture moves no further."""
    until(lambda: _arrived(show), 60, "the end of the transition")
    last: list[np.ndarray] = []

    def settled() -> bool:
        last.append(_colour(show.ndi.watch(1.0)))
        return len(last) > 1 and np.hypot(*(last[-1] - last[-2])) < 0.02

    until(settled, 30, "a steady colour")
    return last[-1]


def _arrived(show: Show) -> bool:
    """Whether the server draws the prompts that the show wants, and no others."""
    wanted = {prompt["text"] for prompt in show.daemon.status()["prompts"]}
    return set(show.rehearsal.journal()["conditioning"]) <= wanted


def test_a_parameter_over_osc_reaches_the_server(show: Show) -> None:
    """From liblo's oscsend: the weight of the second prompt."""
    show.oscsend("/bridge/macro/reaction", "f", "0.0")  # the music moves it no more
    show.oscsend("/bridge/param/prompt_weight", "f", "0.9")
    show.daemon.wait(lambda s: s["params"]["desired"]["prompt_weight"] == pytest.approx(0.9, abs=0.01), 10)

    def shares() -> list[float]:
        prompts = show.rehearsal.journal()["state"]["prompts"]
        total = sum(prompt["weight"] for prompt in prompts)
        return [prompt["weight"] / total for prompt in prompts]

    until(lambda: len(shares()) == 2 and max(shares()) == pytest.approx(0.9, abs=0.01), 20, "nine tenths")
    show.oscsend("/bridge/macro/reaction", "f", "0.5")


def test_a_midi_fader_darkens_the_picture_once_it_has_picked_the_value_up(show: Show) -> None:
    show.daemon.wait(lambda s: any("MIDI Mix" in p["port"] and p["state"] == "open" for p in s["midi"]), 15)
    show.brightness_is(1.0)
    before = _light(show.ndi.watch(1.5))
    show.knobs.say(MASTER_FADER.format(20))
    waiting = show.daemon.wait(lambda s: s["takeover"], 10, "a fader that waits")
    assert waiting[0]["target"] == "macro/brightness" and waiting[0]["needs"] > 0.5
    show.brightness_is(1.0)
    for value in range(24, 128, 8):
        show.knobs.say(MASTER_FADER.format(value))
    show.knobs.say(MASTER_FADER.format(127))
    show.daemon.wait(lambda s: not s["takeover"], 10, "the fader to pick up")
    show.knobs.say(MASTER_FADER.format(32))
    show.brightness_is(32 / 127)
    show.ndi.until(lambda picture: picture.light < before * 0.5, 10, "was half as light")
    assert show.daemon.preview().light < before * 0.5
    show.knobs.say(MASTER_FADER.format(127))
    show.brightness_is(1.0)
    show.ndi.until(lambda picture: picture.light > before * 0.6, 10, "was light again")


def test_a_midi_button_chooses_a_theme(show: Show) -> None:
    show.oscsend("/bridge/theme", "s", FOREST)
    show.theme_is(FOREST)
    show.knobs.say(SECOND_MUTE)
    show.theme_is(FOUNDRY)


def test_beats_light_the_picture(show: Show) -> None:
    """The rise of light from just before to just after a beat, with beats at full strength and without them."""
    show.oscsend("/bridge/theme/" + FOREST)  # its beats are pulses
    show.theme_is(FOREST)
    show.oscsend("/bridge/macro/beat", "f", "0.0")
    show.daemon.wait(lambda s: s["macros"]["beat"] == 0.0, 10)
    _steady_colour(show)
    without = _rises(show, 14)
    show.oscsend("/bridge/macro/beat", "f", "1.0")
    show.daemon.wait(lambda s: s["macros"]["beat"] == 1.0, 10)
    on_beat = _rises(show, 14)
    show.oscsend("/bridge/macro/beat", "f", "0.5")
    assert np.median(on_beat) > 0.01
    assert np.median(on_beat) > 4 * abs(np.median(without))
    assert np.mean(np.asarray(on_beat) > np.median(without)) > 0.8


def _rises(show: Show, wanted: int) -> list[float]:
    """Relative to the light before: how much lighter the picture is in the quarter beat after a beat."""
    first = len(show.beats)
    pictures: list[Picture] = []
    deadline = time.monotonic() + 60
    while len(show.beats) < first + wanted + 1:
        assert time.monotonic() < deadline, "there are no beats"
        pictures += show.ndi.watch(0.5)
    rises = []
    for beat in show.beats[first : first + wanted]:
        before = [p.light for p in pictures if -0.13 < p.t - beat <= 0.0]
        after = [p.light for p in pictures if 0.03 < p.t - beat <= 0.16]
        if before and after:
            rises.append((np.max(after) - np.mean(before)) / np.mean(before))
    assert len(rises) >= wanted * 0.6
    return rises


def test_blackout_and_back(show: Show) -> None:
    light = _light(show.ndi.watch(1.0))
    show.oscsend("/bridge/action/blackout")
    show.ndi.until(lambda picture: picture.peak < 0.02, 10, "was black")
    until(lambda: show.daemon.preview().peak < 0.04, 10, "a black preview")
    assert all(picture.peak < 0.02 for picture in show.ndi.watch(1.0))
    show.daemon.osc.send_message("/bridge/action/blackout", True)
    show.ndi.until(lambda picture: picture.light > light * 0.6, 10, "was light again")
    until(lambda: show.daemon.preview().light > light * 0.6, 10, "a light preview")


def test_outputs_go_on_without_the_server_and_the_show_is_back_with_it(show: Show) -> None:
    show.daemon.osc.send_message(f"/bridge/theme/{FOUNDRY}", [])
    show.theme_is(FOUNDRY)
    colour = _steady_colour(show)
    frames = _ndi_frames(show)
    show.rehearsal.kill()
    lost = show.ndi.watch(0.8)
    assert np.hypot(*(_colour(lost) - colour)) < 0.05, "the last picture is held"
    show.daemon.wait(lambda s: s["program"]["state"] == "slate", 20, "the slate")
    show.ndi.watch(1.0)
    slate = show.ndi.watch(2.0)
    assert len(slate) >= 4
    assert np.ptp([p.light for p in slate]) < 0.01 and np.median([p.peak for p in slate]) > 0.5, "a still with words"
    assert max(np.diff([p.t for p in show.ndi.seen])[-20:]) < 2.0
    address = f"127.0.0.1:{show.rehearsal.port}"
    problem = show.daemon.wait(
        lambda s: [p for p in s["problems"] if p["part"] == "scope" and address in p["message"]], 30, "the problem"
    )[0]
    assert problem["hint"]
    show.rehearsal.start()
    show.daemon.wait(lambda s: s["scope"]["state"] == "live" and s["program"]["state"] == "live", 60, "live again")
    show.daemon.wait(lambda s: not s["problems"], 20, "a healed board")
    sent = show.rehearsal.journal()["state"]["prompts"]
    known = show.daemon.status()
    assert known["theme"] == FOUNDRY and known["scope"]["reconnects"] >= 1
    assert {prompt["text"][:40] for prompt in sent} & {prompt["text"][:40] for prompt in known["prompts"]}
    show.ndi.until(lambda p: np.hypot(*(np.asarray(p.colour) - colour)) < 0.06, 30, "had the theme's colour again")
    assert _ndi_frames(show) > frames, "the NDI stream was never closed"


def _ndi_frames(show: Show) -> int:
    (frames,) = [output["frames"] for output in show.daemon.status()["outputs"] if output["name"] == "ndi"]
    return int(frames)


def test_sigterm_ends_it_cleanly(show: Show) -> None:
    assert show.rehearsal.get("/api/v1/session/metrics")["sessions"]
    code, seconds = show.daemon.stop()
    assert code == 0
    assert seconds < 8
    until(lambda: not show.rehearsal.get("/api/v1/session/metrics")["sessions"], 5, "an ended session")
