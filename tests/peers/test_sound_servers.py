"""Sources and monitors of PulseAudio and PipeWire by name, and JACK clients, against the real servers.

Needs ``pulseaudio pulseaudio-utils pipewire pipewire-pulse wireplumber dbus jackd2 jack-tools``; fails without them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.inputs.audio import DEMO_BPM, demo_track
from tests.peers.sound import Listener, PipeWire, Pulse
from tests.peers.stage import ROOT, Jack, environment, program, until


@pytest.fixture
def pipewire(tmp_path: Path) -> Iterator[PipeWire]:
    server = PipeWire(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def right_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("right") / "right.wav"
    pcm = np.zeros((len(demo_track()), 2), "<i2")
    pcm[:, 1] = demo_track() * 32767
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(pcm.tobytes())
    return path


def runs(listener: Listener) -> dict[str, Any]:
    return listener.until(lambda line: line.get("state") == "running" and line["rate"] and not line["problems"])


def hears(listener: Listener) -> None:
    listener.until(lambda line: line.get("energy", 0) > 0.3)


def beats(listener: Listener, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += listener.until(lambda line: bool(line.get("beats")), seconds=40)["beats"]
    return found


def ended(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait()


def test_what_an_output_plays_is_heard_by_its_name_and_no_other(
    pulse: Pulse, listening: Callable[..., Listener], wav: Path
) -> None:
    pulse.null_sink("phones", "Headphones")
    booth = listening(pulse.env, device="Monitor of Null Output")
    phones = listening(pulse.env, device="monitor of headphones")
    assert {"Monitor of Null Output", "Monitor of Headphones"} <= set(
        booth.until(lambda line: "devices" in line)["devices"]
    )
    assert (runs(booth)["rate"], runs(phones)["channels"]) == (48000, 2)
    player = pulse.play(wav, "gig")
    try:
        found = beats(booth, 16)
    finally:
        ended(player)
    assert np.median([beat["bpm"] for beat in found]) == pytest.approx(DEMO_BPM, abs=1)
    phones.until(lambda line: line.get("now", 0) > booth.said[-1]["now"])
    assert not any(line.get("beats") or line.get("energy", 0) > 0 for line in phones.said)


def test_an_output_that_is_taken_away_is_never_replaced_and_comes_back(
    pulse: Pulse, listening: Callable[..., Listener], wav: Path
) -> None:
    number = pulse.null_sink("phones", "Headphones")
    listener = listening(pulse.env, device="Monitor of Headphones")
    runs(listener)
    pulse.control("unload-module", number)
    lost = listener.until(lambda line: line.get("state") == "waiting" and bool(line["problems"]))
    assert "Headphones" in lost["problems"][0]
    pulse.null_sink("phones", "Headphones", "rate=44100", "channels=1")
    back = listener.until(lambda line: line.get("state") == "running" and line["rate"] == 44100)
    assert back["channels"] == 1
    player = pulse.play(wav, "phones")
    try:
        hears(listener)
    finally:
        ended(player)


def test_the_server_dies_and_returns(pulse: Pulse, listening: Callable[..., Listener], wav: Path) -> None:
    listener = listening(pulse.env, device="monitor")
    runs(listener)
    pulse.kill()
    lost = listener.until(lambda line: line.get("state") == "waiting" and bool(line["problems"]))
    assert lost["problems"]
    pulse.start()
    runs(listener)
    player = pulse.play(wav)
    try:
        hears(listener)
    finally:
        ended(player)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (192000, 32)])
def test_rates_and_layouts_that_are_rare(
    pulse: Pulse, listening: Callable[..., Listener], wav: Path, rate: int, channels: int
) -> None:
    pulse.null_sink("desk", "Desk", f"rate={rate}", f"channels={channels}")
    listener = listening(pulse.env, device="Monitor of Desk")
    state = runs(listener)
    assert (state["rate"], state["channels"]) == (rate, channels)
    player = pulse.play(wav, "desk")
    try:
        found = beats(listener, 20)[-8:]
    finally:
        ended(player)
    assert np.median([beat["bpm"] for beat in found]) == pytest.approx(DEMO_BPM, abs=1)


def test_one_channel_alone(pulse: Pulse, listening: Callable[..., Listener], right_only: Path) -> None:
    left = listening(pulse.env, device="Monitor of Null Output", channels=[1])
    right = listening(pulse.env, device="Monitor of Null Output", channels=[2])
    runs(left), runs(right)
    player = pulse.play(right_only)
    try:
        hears(right)
    finally:
        ended(player)
    left.until(lambda line: line.get("now", 0) > right.said[-1]["now"])
    assert not any(line.get("energy", 0) > 0 for line in left.said)


def test_pipewire(pipewire: PipeWire, listening: Callable[..., Listener], wav: Path) -> None:
    listener = listening(pipewire.env, device="/Monitor of .*(gig|Booth)/")
    runs(listener)
    player = pipewire.play(wav)
    try:
        found = beats(listener, 12)
    finally:
        ended(player)
    assert np.median([beat["bpm"] for beat in found]) == pytest.approx(DEMO_BPM, abs=1)
    pipewire.kill()
    listener.until(lambda line: line.get("state") == "waiting" and bool(line["problems"]))
    pipewire.start()
    runs(listener)


def test_devices_names_them_for_people_and_scripts(pulse: Pulse) -> None:
    def devices(*more: str) -> str:
        command = [sys.executable, "-m", "bridge", "devices", *more]
        return subprocess.run(command, env=pulse.env, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    entries = json.loads(devices("--json"))["sound inputs"]
    (entry,) = [one for one in entries if one["name"] == "Monitor of Null Output"]
    assert (entry["host_api"], entry["rate"], entry["channels"], entry["plays"]) == ("PulseAudio", 48000, 2, True)
    assert 'Monitor of Null Output  (PulseAudio, 2 channels, 48000 Hz, "monitor")' in devices()


@pytest.fixture
def jack() -> Iterator[Jack]:
    server = Jack()
    yield server
    server.end()


METRO = ("jack_metro", "-b", "120", "-n", "metronome")


def test_a_jack_client_comes_goes_and_its_server_dies(jack: Jack, listening: Callable[..., Listener]) -> None:
    env = environment(**jack.clients)

    def metronome() -> subprocess.Popen[bytes]:
        return subprocess.Popen([program(METRO[0]), *METRO[1:]], env=env, stdout=subprocess.DEVNULL)

    def onset(line: dict[str, Any]) -> bool:
        return line.get("energy", 0) > 0.05

    listener = listening(env, device="metronome")
    waiting = listener.until(lambda line: line.get("state") == "waiting" and bool(line["problems"]))
    assert "metronome" in waiting["problems"][0]
    player = metronome()
    try:
        state = runs(listener)
        assert (state["rate"], state["channels"]) == (48000, 1)
        listener.until(onset)
        ended(player)
        listener.until(lambda line: line.get("state") == "waiting" and bool(line["problems"]))
        player = metronome()
        runs(listener)
        listener.until(onset)
        jack.kill()
        listener.until(lambda line: line.get("state") == "waiting" and bool(line["problems"]))
        ended(player)
        jack.start()
        player = metronome()
        runs(listener)
        listener.until(onset)
    finally:
        ended(player)


def test_a_jack_server_that_dies_leaves_other_devices_alone(jack: Jack, listening: Callable[..., Listener]) -> None:
    """PortAudio would end the process here, had it found the server."""
    listener = listening(environment(**jack.clients), device="Scarlett 2i2")
    listener.until(lambda line: line.get("state") == "waiting" and bool(line["problems"]))
    jack.kill()
    with pytest.raises(pytest.fail.Exception):
        listener.until(lambda line: line.get("state") == "running", seconds=6)
    assert listener.process.poll() is None


def test_our_ports_are_seen_by_others(jack: Jack, listening: Callable[..., Listener]) -> None:
    runs(listening(environment(**jack.clients), device="system", channels=[2]))

    def wired() -> str:
        listed = subprocess.run(
            [program("jack_lsp"), "-c"], env=environment(**jack.clients), capture_output=True, text=True, check=True
        )
        return listed.stdout

    until(lambda: "scope-bridge:in_2\n   system:capture_2" in wired(), what="our second port at the second input")
