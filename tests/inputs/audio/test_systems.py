"""Several sound systems as one, and PortAudio kept away from JACK."""

from __future__ import annotations

import os

import numpy as np
import pytest

from bridge.inputs.audio import InputDevice, _portaudio, _systems
from bridge.inputs.audio._systems import SoundSystems
from bridge.model.errors import DependencyMissing
from tests.inputs.audio.rig import LAPTOP, MIXER, SoundSystem

MONITOR = InputDevice(0, "Monitor of HDA Intel PCH", "PulseAudio", 2, 48000.0, shared=True, plays=True)


@pytest.fixture
def systems(monkeypatch):
    """PortAudio with two devices, a server with one whose index PortAudio uses too, and no JACK."""
    direct, server = SoundSystem(LAPTOP, MIXER), SoundSystem(MONITOR)

    def missing():
        raise DependencyMissing("JACK needs its library.", hint="apt install libjack-jackd2-0")

    monkeypatch.setattr(_systems.sys, "platform", "linux")
    for name, make in (("PortAudio", lambda: direct), ("PulseAudio", lambda: server), ("Jack", missing)):
        monkeypatch.setattr(_systems, name, make)
    return SoundSystems(), direct, server


def test_all_devices_are_listed_and_each_is_opened_where_it_is(systems):
    together, direct, server = systems
    assert together.devices() == (LAPTOP, MIXER, MONITOR)
    for device, where in ((MONITOR, server), (LAPTOP, direct)):
        heard = []
        stream = together.open(
            device, channels=2, latency="low", on_audio=lambda *chunk, heard=heard: heard.append(chunk)
        )
        assert where.streams == [stream]
        stream.play(np.zeros((10, 2)))
        assert len(heard) == 1


def test_what_was_plugged_in_is_seen_in_every_system(systems):
    together, direct, server = systems
    server.plugged.clear()
    direct.plugged.remove(MIXER)
    together.refresh()
    assert together.devices() == (LAPTOP,)


def test_elsewhere_there_is_only_portaudio(systems, monkeypatch):
    monkeypatch.setattr(_systems.sys, "platform", "darwin")
    assert SoundSystems().devices() == (LAPTOP, MIXER)


@pytest.mark.parametrize("named", [None, "studio"])
def test_portaudio_looks_for_a_jack_server_that_is_not_there(monkeypatch, named):
    monkeypatch.delenv("JACK_DEFAULT_SERVER", raising=False)
    if named is not None:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", named)
    with _portaudio._without_jack():
        assert os.environ["JACK_DEFAULT_SERVER"] == _portaudio.NO_SERVER
    assert os.environ.get("JACK_DEFAULT_SERVER") == named
