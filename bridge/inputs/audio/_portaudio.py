"""PortAudio through sounddevice, imported late: a machine without the library still starts."""

from __future__ import annotations

__all__ = ["PortAudio"]

import contextlib
import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bridge.inputs.audio._backend import Closer, Latency, OnAudio
from bridge.inputs.audio._devices import InputDevice
from bridge.model.errors import AudioDeviceError, DependencyMissing

OLDEST_S: Final = 0.5
NO_SERVER: Final = "scope-bridge-hides-jack"


class _Stream:
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._closer = Closer(self._close)

    @property
    def active(self) -> bool:
        return bool(self._stream.active)

    @property
    def is_stuck(self) -> bool:
        return self._closer.is_stuck

    def close(self) -> None:
        self._closer.close()

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
            with _without_jack():
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

    def open(self, device: InputDevice, *, channels: int, latency: Latency, on_audio: OnAudio) -> _Stream:
        def callback(data: npt.NDArray[np.float32], frames: int, time: Any, flags: Any) -> None:
            first = time.currentTime - time.inputBufferAdcTime
            # Some host APIs leave these times at zero, or on another clock: then what the stream claims must do.
            if time.inputBufferAdcTime <= 0.0 or not 0.0 <= first <= OLDEST_S:
                first = claimed
            on_audio(data, max(0.0, first - frames / device.rate), bool(flags.input_overflow))

        claimed = 0.0
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
            # From the first sample's arrival to the call-back; host APIs have been seen to claim a day.
            claimed = stream.latency if 0.0 < stream.latency <= OLDEST_S else 0.0
            stream.start()
        except (self._sd.PortAudioError, ValueError) as error:
            if stream is not None:
                stream.close(ignore_errors=True)
            raise _device_error(f'"{device.full_name}" could not be opened', error) from error
        opened = _Stream(stream)
        self._streams.append(opened)
        return opened


@contextlib.contextmanager
def _without_jack() -> Iterator[None]:
    """PortAudio looks for a JACK server while it starts, and must not find one (see :mod:`._jack`).

    It knows no other way to be told than the name of the server to look for.
    """
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = NO_SERVER
    try:
        yield
    finally:
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before


def _load() -> ModuleType:
    try:
        with _without_jack():
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
