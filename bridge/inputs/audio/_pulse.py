"""PulseAudio, and PipeWire in its guise: every source by its name, and what each output plays as a "Monitor of ...".

PortAudio sees no more of the server than its default source. libpulse itself lists the others, never moves a stream to
another source, tells the latency, and lets go at once of a server that died.
"""

from __future__ import annotations

__all__ = ["PulseAudio"]

import ctypes
import logging
import threading
import time
from collections.abc import Callable
from ctypes import byref, c_int, c_size_t, c_uint64, c_void_p
from typing import Any, Final

import numpy as np

from bridge.inputs.audio import _libpulse as lib
from bridge.inputs.audio._backend import Closer, Latency, OnAudio
from bridge.inputs.audio._devices import InputDevice
from bridge.model.errors import AudioDeviceError

logger = logging.getLogger(__name__)

SYSTEM: Final = "PulseAudio"
ANSWER_S: Final = 3.0
FRAGMENT_S: Final = {"low": 0.01, "high": 0.04}
_CLIENT: Final = b"Scope Bridge"
_OLDEST_S: Final = 2.0


class PulseAudio:
    """The sound server of whoever runs this; none is started.

    Raises:
        DependencyMissing: libpulse is not installed.
    """

    def __init__(self) -> None:
        self._pa = lib.library()
        self._names: dict[int, bytes] = {}
        self._found: tuple[InputDevice, ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Ask the server for its sources; there are none where no server runs."""
        self._names, self._found = {}, ()
        server = _Server(self._pa)
        try:
            server.connect(time.monotonic() + ANSWER_S)
            self._names, self._found = _sources(server)
        except AudioDeviceError as error:
            logger.debug("no PulseAudio: %s", error)
        finally:
            server.free()

    def devices(self) -> tuple[InputDevice, ...]:
        """Sources and monitors as of the last refresh."""
        return self._found

    def open(self, device: InputDevice, *, channels: int, latency: Latency, on_audio: OnAudio) -> _Recording:
        """Record from the source at its own rate. Raises AudioDeviceError when the server does not let us."""
        recording = _Recording(_Server(self._pa), device.rate, channels, on_audio)
        try:
            recording.connect(self._names[device.index], FRAGMENT_S[latency])
        except AudioDeviceError as error:
            recording.close()
            raise AudioDeviceError(
                f'"{device.full_name}" could not be opened: {error.message}', hint=error.hint
            ) from error
        return recording


class _Server:
    """A connection with a main loop of its own, turned by whoever waits for something."""

    def __init__(self, pa: Any) -> None:
        self.pa = pa
        self._loop = c_void_p(pa.pa_mainloop_new())
        self.context = c_void_p(pa.pa_context_new(c_void_p(pa.pa_mainloop_get_api(self._loop)), _CLIENT))

    def connect(self, deadline: float) -> None:
        self.pa.pa_context_connect(self.context, None, lib.NO_AUTOSPAWN, None)
        self.wait(lambda: int(self.pa.pa_context_get_state(self.context)), lib.READY_CONTEXT, deadline)

    def wait(self, state: Callable[[], int], wanted: int, deadline: float) -> None:
        """Turn the loop until ``state()`` is as wanted; states only count upwards, to failure after that."""
        while (now := state()) != wanted:
            left = deadline - time.monotonic()
            if now > wanted:
                why = self.pa.pa_strerror(self.pa.pa_context_errno(self.context)).decode()
                raise AudioDeviceError(f"{why}.", hint="Is the sound server running? `pactl info` asks it.")
            if left <= 0 or not self.turn(left):
                raise AudioDeviceError("the sound server does not answer.", hint="`pactl info` asks it too.")

    def turn(self, seconds: float) -> bool:
        """One turn of the loop, which waits so long at most; False when it cannot go on."""
        pa, loop = self.pa, self._loop
        return bool(
            pa.pa_mainloop_prepare(loop, round(seconds * 1e6)) >= 0
            and pa.pa_mainloop_poll(loop) >= 0
            and pa.pa_mainloop_dispatch(loop) >= 0
        )

    def free(self) -> None:
        self.pa.pa_context_disconnect(self.context)
        self.pa.pa_context_unref(self.context)
        self.pa.pa_mainloop_free(self._loop)


def _sources(server: _Server) -> tuple[dict[int, bytes], tuple[InputDevice, ...]]:
    """Names by index, and the devices. What the server hands us is only valid inside the two call-backs."""
    names: dict[int, bytes] = {}
    told: list[tuple[int, str, int, float, bytes | None]] = []
    default: list[bytes | None] = [None]

    def on_source(_context: Any, info: Any, end: int, _data: Any) -> None:
        if end or not info:
            return
        source = info.contents
        names[source.index] = source.name
        spec = source.sample_spec
        description = source.description.decode(errors="replace")
        told.append((source.index, description, spec.channels, float(spec.rate), source.monitor_of_sink_name))

    def on_server(_context: Any, info: Any, _data: Any) -> None:
        default[0] = info.contents.default_sink_name if info else None

    pa, deadline = server.pa, time.monotonic() + ANSWER_S
    calls = lib.OnServer(on_server), lib.OnSource(on_source)
    for ask, call in zip((pa.pa_context_get_server_info, pa.pa_context_get_source_info_list), calls, strict=True):
        operation = c_void_p(ask(server.context, call, None))
        try:
            server.wait(lambda asked=operation: int(pa.pa_operation_get_state(asked)), 1, deadline)  # type: ignore[misc]
        finally:
            pa.pa_operation_unref(operation)
    descriptions = [description for _, description, *_ in told]
    return names, tuple(
        InputDevice(
            index=index,
            name=text if descriptions.count(text) == 1 else f"{text} ({names[index].decode(errors='replace')})",
            host_api=SYSTEM,
            channels=channels,
            rate=rate,
            shared=True,
            plays=sink is not None and sink == default[0],
        )
        for index, text, channels, rate, sink in told
    )


class _Recording:
    """One record stream, read in the thread ``audio-pulse``."""

    def __init__(self, server: _Server, rate: float, channels: int, on_audio: OnAudio) -> None:
        self._server = server
        self._pa = server.pa
        self._rate = round(rate)
        self._channels = channels
        self._on_audio = on_audio
        self._stream = c_void_p()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio-pulse", daemon=True)
        self._closer = Closer(self._end)

    def connect(self, source: bytes, fragment_s: float) -> None:
        """Raises AudioDeviceError when the server does not let us within three seconds."""
        pa, server, deadline = self._pa, self._server, time.monotonic() + ANSWER_S
        server.connect(deadline)
        spec = lib.SampleSpec(lib.FLOAT32, self._rate, self._channels)
        places = lib.ChannelMap()
        pa.pa_channel_map_init_extend(byref(places), self._channels, 1)  # aux, aux, ...: any number has a map
        self._stream = c_void_p(pa.pa_stream_new(server.context, b"ears", byref(spec), byref(places)))
        if not self._stream:
            raise AudioDeviceError(f"{self._channels} channels at {self._rate} Hz are none it knows.")
        fragment = max(64, round(self._rate * fragment_s)) * self._channels * 4
        wanted = lib.BufferAttr(lib.ANY, lib.ANY, lib.ANY, lib.ANY, fragment)
        pa.pa_stream_connect_record(self._stream, source, byref(wanted), lib.RECORD_FLAGS)
        server.wait(lambda: int(pa.pa_stream_get_state(self._stream)), lib.READY_STREAM, deadline)
        self._thread.start()

    @property
    def active(self) -> bool:
        """False once the server ended the stream, or itself."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the stream."""
        self._closer.close()

    def _run(self) -> None:
        while not self._closing.is_set() and self._server.turn(0.1):
            if self._pa.pa_stream_get_state(self._stream) != lib.READY_STREAM:
                return
            while self._take():
                pass

    def _take(self) -> bool:
        """Hand on one fragment; False when none waits."""
        data, size = c_void_p(), c_size_t()
        if self._pa.pa_stream_peek(self._stream, byref(data), byref(size)) < 0 or not size.value:
            return False
        if data.value:  # else a hole, which the clock of the stream finds
            samples = np.ctypeslib.as_array((ctypes.c_float * (size.value // 4)).from_address(data.value))
            frames = samples.reshape(-1, self._channels)
            self._on_audio(frames, self._age(len(frames)), False)
        self._pa.pa_stream_drop(self._stream)
        return True

    def _age(self, frames: int) -> float:
        """Of the last of the ``frames`` that wait to be dropped; the server tells that of the first."""
        latency, negative = c_uint64(), c_int()
        if self._pa.pa_stream_get_latency(self._stream, byref(latency), byref(negative)) < 0:
            return 0.0  # it has told no times yet
        first = -latency.value / 1e6 if negative.value else latency.value / 1e6
        age = first - frames / self._rate
        return age if abs(age) < _OLDEST_S else 0.0

    def _end(self) -> None:
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._stream:
            self._pa.pa_stream_disconnect(self._stream)
            self._pa.pa_stream_unref(self._stream)
        self._server.free()
