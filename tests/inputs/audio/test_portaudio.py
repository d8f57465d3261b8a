"""The edge to PortAudio when the driver hangs, as ALSA's pulse plug-in was seen to do when its server died."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.inputs.audio import _backend, _portaudio
from bridge.inputs.audio._portaudio import PortAudio


class Driver:
    """sounddevice with one device whose streams close when ``lets_go`` is set."""

    PortAudioError = RuntimeError

    def __init__(self) -> None:
        self.lets_go = threading.Event()
        self.initialised = 1
        self.opened = 0
        self.default = SimpleNamespace(device=(0, 0))

    def _terminate(self) -> None:
        self.initialised -= 1

    def _initialize(self) -> None:
        self.initialised += 1

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "ALSA"}]

    def query_devices(self) -> list[dict[str, Any]]:
        return [{"name": "pulse", "hostapi": 0, "max_input_channels": 2, "default_samplerate": 48000.0}]

    def InputStream(self, **_: Any) -> SimpleNamespace:  # noqa: N802 (sounddevice's name)
        self.opened += 1
        return SimpleNamespace(
            active=True,
            latency=0.01,
            start=lambda: None,
            abort=lambda ignore_errors: self.lets_go.wait(30),
            close=lambda ignore_errors: None,
        )


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    made = Driver()
    monkeypatch.setattr(_portaudio, "_load", lambda: made)
    monkeypatch.setattr(_backend, "CLOSE_S", 0.05)
    yield made
    made.lets_go.set()


def opened(backend: PortAudio) -> Any:
    (device,) = backend.devices()
    return backend.open(device, channels=2, latency="low", on_audio=lambda samples, age, lost: None)


def test_a_driver_that_hangs_in_closing_does_not_keep_the_device_from_being_taken_back(driver: Driver) -> None:
    backend = PortAudio()
    terminated: list[int] = []
    driver._terminate = lambda: terminated.append(1)  # type: ignore[method-assign]
    first = opened(backend)
    first.close()
    assert first.is_stuck
    backend.refresh()
    assert terminated == [], "ending PortAudio would hang in the same driver"
    second = opened(backend)
    assert second.active and driver.opened == 2
    driver.lets_go.set()
    second.close()
    first.close()
    assert not first.is_stuck
    backend.refresh()
    assert terminated == [1]


def test_a_driver_that_lets_go_is_asked_anew(driver: Driver) -> None:
    driver.lets_go.set()
    backend = PortAudio()
    opened(backend).close()
    backend.refresh()
    assert driver.initialised == 1
