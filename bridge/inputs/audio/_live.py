"""The live source: one device, by name, taken when it is there and waited for when it is not."""

from __future__ import annotations

__all__ = ["LiveCapture"]

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.inputs.audio._backend import AudioBackend, CaptureStream
from bridge.inputs.audio._blocks import Blocker, Mixer, Resampler
from bridge.inputs.audio._devices import InputDevice, choose_device
from bridge.inputs.audio._times import RateMeter, StreamClock
from bridge.inputs.audio.settings import AudioSettings
from bridge.model.board import ProblemBoard
from bridge.model.errors import AudioDeviceError, DependencyMissing
from bridge.model.features import AudioBlock

RETRY_S: Final = 2.0
INSTALL_RETRY_S: Final = 30.0
SILENT_S: Final = 1.0
# PulseAudio has been seen to take 1.6 s to its first call, behind a player with a long buffer.
FIRST_CALL_S: Final = 5.0
QUEUE_CHUNKS: Final = 64
_ANY_CHANNELS: Final = 32
# Losses are named when they come often, and not while a device that was just opened finds its pace.
OFTEN: Final = 5
OFTEN_S: Final = 10.0
SETTLING_S: Final = 5.0
WELL_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Chunk:
    frames: npt.NDArray[np.float32]
    t: float
    age: float
    lost: bool


class _Open:
    """What belongs to one opening of the device. Raises AudioDeviceError where no sound has its rate."""

    stream: CaptureStream

    def __init__(self, device: InputDevice, mixer: Mixer, now: float) -> None:
        self.device = device
        self.mixer = mixer
        self.silent_at = now + FIRST_CALL_S
        self.settled_at = now + SETTLING_S
        self.meter = RateMeter(device.rate)
        self.begin_anew()

    def begin_anew(self) -> None:
        """At the rate that the meter found."""
        self._resampler = Resampler(round(self.meter.rate))
        self._clock = StreamClock(self.meter.rate)
        self._blocker = Blocker()

    def blocks(self, chunk: _Chunk) -> list[AudioBlock]:
        """The blocks that ``chunk`` completes. Silence stands where samples were lost: the ears count samples."""
        mono = self.mixer.mix(chunk.frames)
        t_end = self._clock.feed(len(mono), chunk.t, lost=chunk.lost)
        if self._clock.missing:
            mono = np.concatenate((np.zeros(self._clock.missing, np.float32), mono))
        samples = self._resampler.push(mono)
        return self._blocker.push(samples, t_end - self._resampler.held_s)


class LiveCapture:
    """Steps through waiting, running and lost; the caller's thread opens, closes and converts.

    Args:
        settings: the device, channels, gain and latency.
        connect: makes the backend; may raise DependencyMissing.
        board: told what is wrong, and when it is right again.
        clock: monotonic seconds, read in the driver's call-back.
    """

    def __init__(
        self,
        settings: AudioSettings,
        *,
        connect: Callable[[], AudioBackend],
        board: ProblemBoard,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._board = board
        self._clock = clock
        self._backend: AudioBackend | None = None
        self._open: _Open | None = None
        self._queue: deque[_Chunk] = deque()
        self._arrived = threading.Event()
        self._losses: deque[float] = deque(maxlen=OFTEN)
        self._counted = 0
        self._age = 0.0
        self.retry_at = float("-inf")
        self.overflows = 0
        self.mended = 0

    @property
    def running(self) -> bool:
        """True while a device is open."""
        return self._open is not None

    def facts(self) -> tuple[float | None, float | None, int | None]:
        """Latency in ms (all that times are corrected by), rate in Hz and channels; None while no device is open."""
        opened = self._open
        if opened is None:
            return None, None, None
        return self._age * 1000 + self._settings.offset_ms, opened.meter.rate, opened.device.channels

    def wait(self, timeout: float) -> None:
        """Sleep until the device has delivered something, at most ``timeout`` seconds."""
        self._arrived.wait(timeout)
        self._arrived.clear()

    def wake(self) -> None:
        """End a wait at once."""
        self._arrived.set()

    def step(self, now: float) -> list[AudioBlock]:
        """Do what is due at ``now``; returns the blocks that are complete."""
        self._watch_losses(now)
        if self._open is None:
            if now >= self.retry_at:
                self._try_to_open(now)
            return []
        try:
            blocks = self._take(self._open, now)
        except AudioDeviceError as error:
            self._lose(now, error)
            return []
        if not self._open.stream.active or now > self._open.silent_at:
            self._lose(
                now,
                AudioDeviceError(
                    f'The sound device "{self._settings.device}" went away.',
                    hint="Plug it in again: it is taken back by itself.",
                ),
            )
        return blocks

    def close(self) -> None:
        """Let the device go."""
        if self._open is not None:
            self._open.stream.close()
            self._open = None
            self._board.clear("audio", "audio_rate")
        self._queue.clear()

    def _try_to_open(self, now: float) -> None:
        self.retry_at = now + RETRY_S
        try:
            self._open_wanted(now)
        except DependencyMissing as error:
            # Looking for a library starts processes (ldconfig): no hurry, somebody has to install it first.
            self.retry_at = now + INSTALL_RETRY_S
            self._board.pin("audio", "audio_library_missing", error.message, error.hint)
        except AudioDeviceError as error:
            self._board.pin("audio", "audio_device", error.message, error.hint)
        else:
            self._board.clear("audio", "audio_library_missing")
            self._board.clear("audio", "audio_device")

    def _open_wanted(self, now: float) -> None:
        if self._backend is None:
            self._backend = self._connect()
        else:
            self._backend.refresh()
        settings = self._settings
        picks = settings.channels
        device = choose_device(self._backend.devices(), settings.device, picks)
        # Plug-ins (pulse, pipewire) claim as many channels as anybody might ask for and leave the rest silent.
        every = 2 if device.channels >= _ANY_CHANNELS else device.channels
        self._queue.clear()
        self._age = 0.0
        opened = _Open(device, Mixer(picks, settings.gain_db), now)
        opened.stream = self._backend.open(
            device, channels=max(picks) if picks else every, latency=settings.latency, on_audio=self._on_audio
        )
        self._open = opened

    def _on_audio(self, frames: npt.NDArray[np.float32], age: float, lost: bool) -> None:
        """In the driver's thread: stamp, copy, enqueue; the oldest chunk gives way."""
        if len(self._queue) >= QUEUE_CHUNKS:
            self._queue.popleft()
            lost = True
        if lost:
            self.overflows += 1
        self._queue.append(_Chunk(frames.copy(), self._clock() - age, age, lost))
        self._arrived.set()

    def _take(self, opened: _Open, now: float) -> list[AudioBlock]:
        blocks: list[AudioBlock] = []
        while self._queue:
            chunk = self._queue.popleft()
            opened.silent_at = now + SILENT_S
            before = opened.mixer.mended
            blocks += opened.blocks(chunk)
            self.mended += opened.mixer.mended - before
            self._age += 0.05 * (chunk.age - self._age)
            if opened.meter.feed(len(chunk.frames), chunk.t, lost=chunk.lost):
                opened.begin_anew()
                self._tell_rate(opened)
        offset = self._settings.offset_ms / 1000
        return [replace(block, t=block.t - offset) for block in blocks] if offset else blocks

    def _tell_rate(self, opened: _Open) -> None:
        device, rate = opened.device, opened.meter.rate
        if rate == device.rate:
            self._board.clear("audio", "audio_rate")
            return
        self._board.pin(
            "audio",
            "audio_rate",
            f'"{device.full_name}" says {device.rate:g} Hz, but delivers {rate:g} a second; it is heard at {rate:g} Hz.',
            "Set the rate in the device's own panel or the sound server; if it drops samples, "
            'set [audio] latency = "high".',
        )

    def _watch_losses(self, now: float) -> None:
        lost, self._counted = self.overflows > self._counted, self.overflows
        if self._open is not None and now < self._open.settled_at:
            return
        if lost:
            # Once a step: one long stall of this computer is many chunks, but not many losses.
            self._losses.append(now)
        if lost and len(self._losses) == OFTEN and now - self._losses[0] <= OFTEN_S:
            self._board.pin(
                "audio",
                "audio_overflow",
                "Sound is lost again and again before it can be heard.",
                'Set [audio] latency = "high" (JACK: a longer period), or close what else keeps this computer busy.',
            )
        elif self._losses and now - self._losses[-1] > WELL_S:
            self._losses.clear()
            self._board.clear("audio", "audio_overflow")

    def _lose(self, now: float, error: AudioDeviceError) -> None:
        self._board.pin("audio", "audio_device", error.message, error.hint)
        self.close()
        self.retry_at = now + RETRY_S
