"""A click on every beat, over the music: 16-bit mono WAV, written as it is heard."""

from __future__ import annotations

__all__ = ["ClickTrack"]

import wave
from collections import deque
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from bridge.cli.listening import Moment
from bridge.model.errors import ScopeBridgeError
from bridge.model.features import HOP, SAMPLE_RATE

# A beat is told after it sounded: so much music waits for its click. Trackers tell within one beat.
_HELD_BLOCKS: Final = round(4.0 * SAMPLE_RATE / HOP)
_MUSIC_GAIN: Final = np.float32(0.7)
_CLICK_S: Final = 0.03
# The sizes in a WAV header have 32 bits: some 13 hours.
_MOST_BLOCKS: Final = (2**32 - 1024) // (2 * HOP)


class ClickTrack:
    """Writes what the ears heard (mono, 44.1 kHz) with a click where each beat sounds, a higher one on downbeats.

    The file appears with the first block; memory holds four seconds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._out: BinaryIO | None = None
        self._file: wave.Wave_write | None = None
        self._held: deque[npt.NDArray[np.float32]] = deque()
        self._clicks: list[tuple[int, npt.NDArray[np.float32]]] = []
        self._blocks = 0
        self._beat, self._downbeat = _click(1000.0), _click(1600.0)

    def push(self, moment: Moment) -> None:
        """Take the next hop.

        Raises:
            ScopeBridgeError: the file cannot be written.
        """
        for beat in moment.beats:
            self._clicks.append((round(beat.t * SAMPLE_RATE), self._downbeat if beat.downbeat else self._beat))
        self._held.append(moment.samples)
        if len(self._held) > _HELD_BLOCKS:
            self._write(self._held.popleft())

    def finish(self) -> None:
        """Write what is held and close the file."""
        while self._held:
            self._write(self._held.popleft())
        if self._file is not None and self._out is not None:
            try:
                # The header learns its sizes only now.
                self._file.close()
                self._out.close()
            except OSError as error:
                raise self._unwritable(error) from error

    def _write(self, samples: npt.NDArray[np.float32]) -> None:
        if self._blocks >= _MOST_BLOCKS:
            return
        mixed = samples * _MUSIC_GAIN
        begin, end = self._blocks * HOP, (self._blocks + 1) * HOP
        for start, click in self._clicks:
            first, last = max(start, begin), min(start + len(click), end)
            if first < last:
                mixed[first - begin : last - begin] += click[first - start : last - start]
        self._clicks = [(start, click) for start, click in self._clicks if start + len(click) > end]
        self._blocks += 1
        pcm = np.round(np.clip(mixed, -1, 1) * 32767).astype("<i2")
        try:
            self._file = self._file or self._open()
            self._file.writeframesraw(pcm.tobytes())
        except OSError as error:
            raise self._unwritable(error) from error

    def _open(self) -> wave.Wave_write:
        self._out = self._path.open("wb")
        file = wave.open(self._out, "wb")  # noqa: SIM115 - open as long as there is music
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        return file

    def _unwritable(self, error: OSError) -> ScopeBridgeError:
        return ScopeBridgeError(
            f"{self._path} cannot be written: {error.strerror or error}.", hint="Choose another place for --clicks."
        )


def _click(hertz: float) -> npt.NDArray[np.float32]:
    t = np.arange(round(_CLICK_S * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(0.6 * np.sin(2 * np.pi * hertz * t) * np.exp(-t / 0.008), dtype=np.float32)
