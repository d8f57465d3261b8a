"""PortAudio through sounddevice, imported late: a machine without the library still starts."""

from __future__ import annotations

__all__ = ["AudioBackend", "CaptureStream", "OnAudio", "PortAudio", "list_devices"]

import logging
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.inputs.audio._devices import InputDevice
from bridge.model.errors import AudioDeviceError, DependencyMissing

logger = logging.getLogger(__name__)

CLOSE_S: Final = 2.0
"""A driver has this long to let a stream go. ALSA's pulse plug-in may never do so once its server has died."""

OnAudio: TypeAlias = Callable[[npt.NDArray[np.float32], float, bool], None]
"""Called in the driver's thread with (samples, channels), the age of the last sample in seconds, and whether
samples were lost before. The array is only valid during the call."""


class CaptureStream(Protocol):
    """An open stream."""

    @property
    def active(self) -> bool:
        """False once the driver has given up."""

    def close(self) -> None:
        """Stop at once and let the device go."""


class AudioBackend(Protocol):
    """What a live source needs of a sound system."""

    def refresh(self) -> None:
        """Look for devices anew; only while no stream is open."""

    def devices(self) -> tuple[InputDevice, ...]:
        """Devices with inputs, as of the last refresh."""

    def open(
        self, device: InputDevice, *, channels: int, latency: Literal["low", "high"], on_audio: OnAudio
    ) -> CaptureStream:
        """Start to capture at the device's own rate. Raises AudioDeviceError when it cannot."""


class _Stream:
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._closer = threading.Thread(target=self._close, name="audio-close", daemon=True)

    @property
    def active(self) -> bool:
        return bool(self._stream.active)

    @property
    def is_stuck(self) -> bool:
        """Whether the driver was asked to let go, and has not."""
        return self._closer.is_alive()

    def close(self) -> None:
        if self._closer.ident is None:
            self._closer.start()
        self._closer.join(CLOSE_S)
        if self.is_stuck:
            logger.warning("the sound driver does not let go of its device; left behind")

    def _close(self) -> None:
        # A device that was pulled out answers its own closing with errors that say nothing new.
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)


class PortAudio:
    """The real backend.

    PortAudio reads the list of devices once, when it is initialised, and never again: ``refresh`` shuts it down
    and starts it anew (``Pa_Terminate``, ``Pa_Initialize``). That would tear down an open stream, so it is done only
    while waiting for a device, and not while a driver still hangs in the closing of one: then the devices known
    are tried again. sounddevice offers the two calls under private names alone.

    Raises:
        DependencyMissing: sounddevice or the PortAudio library is not installed.
    """

    def __init__(self) -> None:
        self._sd = _load()
        self._streams: list[_Stream] = []

    def refresh(self) -> None:
        self._streams = [stream for stream in self._streams if stream.is_stuck]
        if self._streams:
            return
        try:
            self._sd._terminate()
            self._sd._initialize()
        except self._sd.PortAudioError as error:
            raise _device_error("The sound system did not answer", error) from error

    def devices(self) -> tuple[InputDevice, ...]:
        try:
            apis = self._sd.query_hostapis()
            found = list(self._sd.query_devices())
            default = self._sd.default.device[0]
        except self._sd.PortAudioError as error:
            raise _device_error("The sound devices could not be listed", error) from error
        return tuple(
            InputDevice(
                index=index,
                name=str(info["name"]),
                host_api=str(apis[info["hostapi"]]["name"]),
                channels=int(info["max_input_channels"]),
                rate=float(info["default_samplerate"]),
                is_default=index == default,
            )
            for index, info in enumerate(found)
            if info["max_input_channels"] > 0
        )

    def open(
        self, device: InputDevice, *, channels: int, latency: Literal["low", "high"], on_audio: OnAudio
    ) -> CaptureStream:
        def callback(data: npt.NDArray[np.float32], frames: int, time: Any, flags: Any) -> None:
            age = time.currentTime - time.inputBufferAdcTime - frames / device.rate
            # Some host APIs leave these times at zero or on another clock: then the call itself is the best stamp.
            on_audio(data, age if 0.0 <= age <= 0.5 else 0.0, bool(flags.input_overflow))

        stream = None
        try:
            stream = self._sd.InputStream(
                device=device.index,
                channels=channels,
                samplerate=device.rate,
                blocksize=max(64, round(device.rate / 86)),
                dtype="float32",
                latency=latency,
                callback=callback,
            )
            stream.start()
        except (self._sd.PortAudioError, ValueError) as error:
            if stream is not None:
                stream.close(ignore_errors=True)
            raise _device_error(f'"{device.full_name}" could not be opened', error) from error
        opened = _Stream(stream)
        self._streams.append(opened)
        return opened


def list_devices() -> tuple[InputDevice, ...]:
    """The sound devices with inputs, for ``scope-bridge devices``.

    Raises:
        DependencyMissing: sounddevice or the PortAudio library is not installed.
        AudioDeviceError: the sound system does not answer.
    """
    return PortAudio().devices()


def _load() -> ModuleType:
    try:
        import sounddevice
    except ImportError as error:
        raise DependencyMissing("The package sounddevice is missing.", hint="pip install sounddevice") from error
    except OSError as error:
        raise DependencyMissing(
            "Sound devices need the PortAudio library, which is not installed.", hint="apt install libportaudio2"
        ) from error
    module: ModuleType = sounddevice
    return module


def _device_error(what: str, error: Exception) -> AudioDeviceError:
    return AudioDeviceError(
        f"{what}: {str(error).rstrip('.')}.", hint="Is another program using it, or was it unplugged?"
    )
