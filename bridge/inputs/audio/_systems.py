"""All sound systems of this machine as one."""

from __future__ import annotations

__all__ = ["SoundSystems", "list_devices"]

import logging
import sys
from collections.abc import Callable, Sequence

from bridge.inputs.audio._backend import AudioBackend, CaptureStream, Latency, OnAudio
from bridge.inputs.audio._devices import InputDevice
from bridge.inputs.audio._jack import Jack
from bridge.inputs.audio._portaudio import PortAudio
from bridge.inputs.audio._pulse import PulseAudio
from bridge.model.errors import DependencyMissing

logger = logging.getLogger(__name__)


class SoundSystems:
    """PortAudio, and on Linux PulseAudio and JACK where their libraries are installed.

    Raises:
        DependencyMissing: PortAudio is not installed.
    """

    def __init__(self) -> None:
        self._systems: list[AudioBackend] = [PortAudio(), *_servers()]

    def refresh(self) -> None:
        """Look for devices anew in each; only while no stream is open."""
        for system in self._systems:
            system.refresh()

    def devices(self) -> tuple[InputDevice, ...]:
        """The devices of all, PortAudio's first."""
        return tuple(device for system in self._systems for device in system.devices())

    def open(self, device: InputDevice, *, channels: int, latency: Latency, on_audio: OnAudio) -> CaptureStream:
        """Open it in the system that listed it."""
        system = next(system for system in self._systems if device in system.devices())
        return system.open(device, channels=channels, latency=latency, on_audio=on_audio)


def list_devices() -> tuple[InputDevice, ...]:
    """The sound devices with inputs, for ``scope-bridge devices``.

    Raises:
        DependencyMissing: sounddevice or the PortAudio library is not installed.
        AudioDeviceError: the sound system does not answer.
    """
    return SoundSystems().devices()


def _servers() -> Sequence[AudioBackend]:
    if sys.platform != "linux":
        return ()
    found: list[AudioBackend] = []
    makers: tuple[Callable[[], AudioBackend], ...] = (PulseAudio, Jack)
    for make in makers:
        try:
            found.append(make())
        except DependencyMissing as error:
            # A machine without them has nothing to list there.
            logger.info("%s", error)
    return found
