"""JACK: each client that plays is a device with as many channels as it has output ports; ``system`` is the sound card.

PortAudio has JACK too, but hangs in the closing of a stream whose server died, and ends the whole process when it is
shut down after that (an assertion in 19.6). The package JACK-Client is told, and lets go.
"""

from __future__ import annotations

__all__ = ["Jack"]

import ctypes
import logging
from types import ModuleType
from typing import Any, Final

import numpy as np

from bridge.inputs.audio._backend import Closer, Latency, OnAudio
from bridge.inputs.audio._devices import InputDevice
from bridge.model.errors import AudioDeviceError, DependencyMissing

logger = logging.getLogger(__name__)

SYSTEM: Final = "JACK Audio Connection Kit"  # as PortAudio names it where it offers JACK
_CLIENT: Final = "scope-bridge"
_CHUNK_S: Final = 0.01
_CAPTURE: Final = 0


class Jack:
    """The JACK server that is running; none is started.

    Raises:
        DependencyMissing: JACK-Client or the JACK library is not installed.
    """

    def __init__(self) -> None:
        self._jack = _load()
        self._ports: dict[str, list[str]] = {}
        self._rate = 0.0
        self.refresh()

    def refresh(self) -> None:
        """Look for clients that play; there are none where no server runs."""
        self._ports = {}
        try:
            client = self._client()
        except self._jack.JackError as error:
            logger.debug("no JACK: %s", error)
            return
        try:
            self._rate = float(client.samplerate)
            for port in client.get_ports(is_audio=True, is_output=True):
                self._ports.setdefault(port.name.partition(":")[0], []).append(port.name)
        finally:
            client.close()

    def devices(self) -> tuple[InputDevice, ...]:
        """Clients as of the last refresh."""
        return tuple(
            InputDevice(index, name, SYSTEM, len(ports), self._rate, shared=True)
            for index, (name, ports) in enumerate(self._ports.items())
        )

    def open(self, device: InputDevice, *, channels: int, latency: Latency, on_audio: OnAudio) -> _Ports:
        """Connect to the client's ports. The server decides on ``latency``. Raises AudioDeviceError where it cannot."""
        del latency
        try:
            client = self._client()
        except self._jack.JackError as error:
            raise _no_connection(device, error) from error
        ports = _Ports(client, on_audio)
        try:
            ports.connect(self._ports[device.name][:channels])
        except self._jack.JackError as error:
            ports.close()
            raise _no_connection(device, error) from error
        return ports

    def _client(self) -> Any:
        return self._jack.Client(_CLIENT, no_start_server=True)


class _Ports:
    """Our client, with one input port for each of the other's outputs."""

    def __init__(self, client: Any, on_audio: OnAudio) -> None:
        self._client = client
        self._on_audio = on_audio
        self._rate = float(client.samplerate)
        self._sources: list[str] = []
        self._inputs: list[Any] = []
        self._gone = False
        self._lost = False
        self._fill = 0
        self._late = 0
        self._buffer = np.zeros((0, 0), np.float32)
        self._closer = Closer(self._end)

    def connect(self, sources: list[str]) -> None:
        """Raises JackError when the server does not let us."""
        client, self._sources = self._client, sources
        self._inputs = [client.inports.register(f"in_{number}") for number, _ in enumerate(sources, 1)]
        # As many cycles as make about ten milliseconds are handed on together.
        cycle = int(client.blocksize)
        together = max(1, round(_CHUNK_S * self._rate / cycle))
        self._buffer = np.zeros((together * cycle, len(sources)), np.float32)
        client.set_process_callback(self._process)
        client.set_blocksize_callback(self._resize)
        client.set_shutdown_callback(self._shut_down)
        client.set_xrun_callback(self._xrun)
        client.set_port_registration_callback(self._registered, only_available=False)
        client.activate()
        for source, own in zip(sources, self._inputs, strict=True):
            client.connect(source, own)
        self._late = _latency_of(self._inputs[0])

    @property
    def active(self) -> bool:
        """False once the server is gone, or the client that we listen to."""
        return not self._gone

    def close(self) -> None:
        """Leave the server."""
        self._closer.close()

    def _process(self, frames: int) -> None:
        """In JACK's own thread: copy, and hand on when enough is there."""
        start = self._fill
        for channel, port in enumerate(self._inputs):
            self._buffer[start : start + frames, channel] = port.get_array()
        self._fill += frames
        if self._fill + frames <= len(self._buffer):
            return
        # A sound card's driver declares how long its samples were under way: one cycle or more. What another program
        # makes in this cycle sounds during it, and is known a cycle before.
        age = (self._client.frames_since_cycle_start + self._late - frames) / self._rate
        lost, self._lost = self._lost, False
        taken, self._fill = self._fill, 0
        self._on_audio(self._buffer[:taken], age, lost)

    def _resize(self, frames: int) -> None:
        """While nothing is processed: another cycle may not fit what is there."""
        self._fill = 0
        self._buffer = np.zeros((max(frames, len(self._buffer) // frames * frames), len(self._inputs)), np.float32)
        self._late = _latency_of(self._inputs[0])

    def _shut_down(self, status: Any, reason: str) -> None:
        self._gone = True
        logger.debug("JACK ended: %s %s", status, reason)

    def _xrun(self, _seconds: float) -> None:
        self._lost = True

    def _registered(self, port: Any, register: bool) -> None:
        if not register and port is not None and port.name in self._sources:
            self._gone = True

    def _end(self) -> None:
        self._client.deactivate(ignore_errors=True)
        self._client.close(ignore_errors=True)


class _Range(ctypes.Structure):
    _fields_ = (("least", ctypes.c_uint32), ("most", ctypes.c_uint32))


def _latency_of(port: Any) -> int:
    """Frames from the sound card's input to this port, which JACK-Client has no call for."""
    import _jack

    call = ctypes.CDLL("libjack.so.0").jack_port_get_latency_range
    call.restype, call.argtypes = None, (ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Range))
    found = _Range()
    call(int(_jack.ffi.cast("uintptr_t", port._ptr)), _CAPTURE, ctypes.byref(found))
    return int(found.most)


def _load() -> ModuleType:
    try:
        import jack
    except ImportError as error:
        raise DependencyMissing("The package JACK-Client is missing.", hint="pip install JACK-Client") from error
    except OSError as error:
        raise DependencyMissing(
            "JACK needs its library, which is not installed.", hint="apt install libjack-jackd2-0"
        ) from error
    # It says on standard error, at each look, that no server runs.
    jack.set_error_function(lambda text: logger.debug("%s", text))
    jack.set_info_function(lambda text: logger.debug("%s", text))
    module: ModuleType = jack
    return module


def _no_connection(device: InputDevice, error: Exception) -> AudioDeviceError:
    return AudioDeviceError(
        f'"{device.full_name}" could not be opened: {error}.', hint="Is the JACK server running? `jack_lsp` asks it."
    )
