"""The audio input: one thread that turns a source into blocks of 512 mono samples at 44.1 kHz."""

from __future__ import annotations

__all__ = ["AudioInput"]

import threading
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.inputs.audio._backend import AudioBackend
from bridge.inputs.audio._blocks import Blocker, Mixer, Schedule
from bridge.inputs.audio._files import read_file
from bridge.inputs.audio._live import RETRY_S, LiveCapture
from bridge.inputs.audio._systems import SoundSystems
from bridge.inputs.audio.demo import demo_track
from bridge.inputs.audio.settings import AudioSettings
from bridge.model.board import ProblemBoard
from bridge.model.errors import AudioDeviceError
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock
from bridge.model.status import AudioStatus

_QUIET: Final = np.zeros(HOP, np.float32)
_TAIL_S: Final = 4.0
_JOIN_S: Final = 5.0


class AudioInput:
    """Delivers blocks in real time, from the demo track, a file or a sound device.

    ``on_block`` is called in the thread ``audio`` and must only hand over. When a source falls away or ends, four
    seconds of silence follow, so that whoever listens comes to rest instead of holding the last sound.

    Args:
        settings: the ``[audio]`` section.
        on_block: takes each block, whose ``t`` is when its end sounds.
        board: told of missing devices and broken files, and of their healing.
        clock: monotonic seconds.
        connect: makes the sound system of a live source.
    """

    def __init__(
        self,
        settings: AudioSettings,
        *,
        on_block: Callable[[AudioBlock], None],
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
        connect: Callable[[], AudioBackend] = SoundSystems,
    ) -> None:
        self._settings = settings
        self._on_block = on_block
        self._board = board
        self._clock = clock
        self._live = LiveCapture(settings, connect=connect, board=board, clock=clock)
        self._mixer = Mixer(settings.channels, settings.gain_db)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._state = "off"
        self._tail_s = 0.0

    def start(self) -> None:
        """Start the thread; does nothing when the source is ``off`` or it runs already."""
        if self._settings.source == "off" or self.alive:
            return
        self._stop.clear()
        self._state = "waiting"
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and let the device go; a driver that hangs is left behind after five seconds."""
        if self._thread is None:
            return
        self._stop.set()
        self._live.wake()
        self._thread.join(_JOIN_S)
        if self.alive:
            self._board.pin(
                "audio", "audio_stuck", "The sound driver does not let go of its device.", "Unplug the device."
            )
            return
        self._board.clear("audio", "audio_stuck")
        self._thread = None
        self._state = "off"

    @property
    def alive(self) -> bool:
        """True while the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def status(self) -> AudioStatus:
        """Source, state, overflows and the device's facts; the ears know the rest."""
        latency_ms, rate, channels = self._live.facts()
        return AudioStatus(
            source=self._settings.source,
            state=self._state,
            overflows=self._live.overflows,
            latency_ms=latency_ms,
            rate=rate,
            channels=channels,
        )

    def _run(self) -> None:
        if self._settings.source == "live":
            self._run_live()
        else:
            self._run_recording()

    def _run_live(self) -> None:
        mended = 0
        while not self._stop.is_set():
            for block in self._live.step(self._clock()):
                self._deliver(block)
            mended = self._report_mended(self._live.mended, mended)
            if self._live.running:
                self._state = "running"
                self._live.wait(0.1)
            else:
                self._state = "waiting"
                self._idle(self._live.retry_at - self._clock())
        self._live.close()

    def _run_recording(self) -> None:
        while not self._stop.is_set():
            try:
                self._play(self._pieces())
            except AudioDeviceError as error:
                self._board.pin("audio", "audio_file", error.message, error.hint)
                self._state = "waiting"
                self._idle(RETRY_S)
                continue
            if not self._stop.is_set():
                self._state = "ended"
                self._idle(_TAIL_S)
                self._stop.wait()

    def _pieces(self) -> Iterator[npt.NDArray[np.float32]]:
        if self._settings.source == "demo":
            yield from repeat(self._mixer.mix(demo_track().reshape(-1, 1)) if self._settings.gain_db else demo_track())
        path = self._settings.file
        while path is not None:
            yield from read_file(path, self._mixer)
            if not self._settings.loop:
                return

    def _play(self, pieces: Iterator[npt.NDArray[np.float32]]) -> None:
        """Deliver ``pieces`` at the speed they sound."""
        blocker = Blocker()
        schedule: Schedule | None = None
        mended = 0
        for piece in pieces:
            # The clock starts with the first sound: rendering or opening takes its time.
            schedule = schedule or Schedule(self._clock())
            mended = self._report_mended(self._mixer.mended, mended)
            for block in blocker.push(piece, 0.0):
                if not self._deliver_on_time(block.samples, schedule):
                    return
        last = blocker.flush()
        if last is not None and schedule is not None:
            self._deliver_on_time(last, schedule)

    def _deliver_on_time(self, samples: npt.NDArray[np.float32], schedule: Schedule) -> bool:
        due = schedule.next_due(self._clock())
        if not self._sleep_until(due):
            return False
        if self._state != "running":
            self._state = "running"
            self._board.clear("audio", "audio_file")
        self._deliver(AudioBlock(due, samples))
        return True

    def _deliver(self, block: AudioBlock) -> None:
        self._tail_s = _TAIL_S
        self._on_block(block)

    def _idle(self, seconds: float) -> None:
        """Wait, with what is left of the silence that follows a sound."""
        now = self._clock()
        end = now + seconds
        schedule = Schedule(now)
        while self._tail_s > 0 and now < end:
            due = schedule.next_due(now)
            if not self._sleep_until(due):
                return
            self._tail_s -= HOP / SAMPLE_RATE
            self._on_block(AudioBlock(due, _QUIET))
            now = self._clock()
        self._sleep_until(end)

    def _sleep_until(self, t: float) -> bool:
        """False when it is time to stop."""
        return not self._stop.wait(max(0.0, t - self._clock()))

    def _report_mended(self, total: int, before: int) -> int:
        if total > before:
            self._board.reject("audio", "samples that are no numbers", f"{total - before} of them, played as silence")
        return total
