"""A sound system of our own, whose devices are plugged in, pulled and played by the test."""

from __future__ import annotations

import numpy as np

from bridge.inputs.audio import AudioSettings, InputDevice
from bridge.inputs.audio._live import LiveCapture
from bridge.model.board import ProblemBoard
from bridge.model.errors import AudioDeviceError

MIXER = InputDevice(4, "DJM-900NXS2: USB Audio (hw:2,0)", "ALSA", 10, 48000.0)
LAPTOP = InputDevice(0, "HDA Intel PCH", "ALSA", 2, 44100.0, is_default=True)


class Stream:
    def __init__(self, device, channels, on_audio) -> None:
        self.device, self.channels, self.on_audio = device, channels, on_audio
        self.active = True
        self.closed = False

    def close(self) -> None:
        self.closed = True
        self.active = False

    def play(self, frames: np.ndarray, *, age: float = 0.0, lost: bool = False) -> None:
        """What a driver does: the same buffer is used again for the next call."""
        buffer = np.array(frames, np.float32)
        self.on_audio(buffer, age, lost)
        buffer[:] = np.nan


class SoundSystem:
    """Devices that can be plugged in and out; like PortAudio, it sees that only on refresh."""

    def __init__(self, *devices: InputDevice) -> None:
        self.plugged = list(devices)
        self._seen = tuple(devices)
        self.streams: list[Stream] = []
        self.busy: set[str] = set()
        self.refreshed = 0

    def refresh(self) -> None:
        assert all(stream.closed for stream in self.streams), "a refresh would tear down an open stream"
        self.refreshed += 1
        self._seen = tuple(self.plugged)

    def devices(self) -> tuple[InputDevice, ...]:
        return self._seen

    def open(self, device, *, channels, latency, on_audio) -> Stream:
        if device.name in self.busy:
            raise AudioDeviceError(f'"{device.name}" could not be opened: busy.', hint="Close the other program.")
        self.streams.append(Stream(device, channels, on_audio))
        return self.streams[-1]


class Rig:
    def __init__(self, *devices: InputDevice, **settings) -> None:
        self.now = 1000.0
        self.system = SoundSystem(*devices)
        self.board = ProblemBoard()
        wanted = AudioSettings(**({"source": "live", "device": "djm"} | settings))
        self.live = LiveCapture(wanted, connect=lambda: self.system, board=self.board, clock=lambda: self.now)

    def step(self, seconds: float = 0.0):
        self.now += seconds
        return self.live.step(self.now)

    def music(self, count: int, *, rate: int = 48000, size: int = 557, channels: int = 10):
        """Play ``count`` chunks through the newest stream and step after each."""
        blocks = []
        for _ in range(count):
            self.now += size / rate
            self.system.streams[-1].play(np.full((size, channels), 0.25))
            blocks += self.live.step(self.now)
        return blocks

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.board.problems]
