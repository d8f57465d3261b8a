"""A click on every beat, over the music: a 16-bit WAV to judge the beats by."""

from __future__ import annotations

__all__ = ["ClickTrack", "ClickTrackOf"]

import contextlib
import struct
from collections import deque
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from bridge.cli.listening import Moment
from bridge.inputs.audio import read_frames
from bridge.model.errors import ScopeBridgeError
from bridge.model.features import HOP, SAMPLE_RATE

Samples = npt.NDArray[np.float32]

# A beat is told after it sounded: so much music waits for its click. Trackers tell within one beat.
_HELD_BLOCKS: Final = round(4.0 * SAMPLE_RATE / HOP)
# Music and click together never pass full scale.
_MUSIC_GAIN: Final = np.float32(0.5)
_CLICK_GAIN: Final = 0.5
_CLICK_S: Final = 0.03
_BEAT_HZ: Final = 1000.0
_DOWNBEAT_HZ: Final = 1600.0
# The sizes in a WAV header have 32 bits: 13 hours of mono at 44.1 kHz.
_MOST_BYTES: Final = 2**32 - 1024


class ClickTrack:
    """Writes what the ears heard (mono, 44.1 kHz): for what sounds only once, an input or a pipe.

    The file appears with the first block; memory holds four seconds.
    """

    def __init__(self, path: Path) -> None:
        self._writer = _Writer(path)
        self._held: deque[Samples] = deque()

    def push(self, moment: Moment) -> None:
        """Take the next hop.

        Raises:
            ScopeBridgeError: the file cannot be written.
        """
        for beat in moment.beats:
            self._writer.mark(beat.t, downbeat=bool(beat.downbeat))
        self._held.append(moment.samples)
        if len(self._held) > _HELD_BLOCKS:
            self._writer.write(SAMPLE_RATE, self._held.popleft()[:, np.newaxis])

    def finish(self) -> None:
        """Write what is held and close the file."""
        while self._held:
            self._writer.write(SAMPLE_RATE, self._held.popleft()[:, np.newaxis])
        self._writer.close()


class ClickTrackOf:
    """Writes a file as it is, rate and channels kept, once all its beats are known: it is read again.

    Args:
        source: the file that is listened to.
        path: where to.
    """

    def __init__(self, source: Path, path: Path) -> None:
        self._source = source
        self._writer = _Writer(path)
        self._heard_s = 0.0

    def push(self, moment: Moment) -> None:
        """Take the next hop."""
        self._heard_s = moment.t
        for beat in moment.beats:
            self._writer.mark(beat.t, downbeat=bool(beat.downbeat))

    def finish(self) -> None:
        """Write as much as was heard.

        Raises:
            ScopeBridgeError: the file cannot be written, or its source no longer be read.
        """
        if not self._heard_s:
            return
        left = self._heard_s
        try:
            for rate, frames in read_frames(self._source):
                piece = frames[: round(left * rate)]
                self._writer.write(rate, piece)
                left -= len(piece) / rate
                if len(piece) < len(frames):
                    break
        finally:
            self._writer.close()


class _Writer:
    """Adds a click to every channel where each beat sounds, a higher one on downbeats."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._out: BinaryIO | None = None
        self._shape = (0, 0)
        self._failed = False
        self._marks: deque[tuple[float, bool]] = deque()
        self._sounding: list[tuple[int, Samples]] = []
        self._written = 0

    def mark(self, t: float, *, downbeat: bool) -> None:
        """A beat at ``t`` seconds from the start."""
        self._marks.append((t, downbeat))

    def write(self, rate: int, frames: Samples) -> None:
        """The next music, of shape (samples, channels).

        Raises:
            ScopeBridgeError: the file cannot be written.
        """
        if self._failed or (self._written + len(frames)) * frames.shape[1] * 2 > _MOST_BYTES:
            return
        begin, end = self._written, self._written + len(frames)
        while self._marks and round(self._marks[0][0] * rate) < end:
            t, downbeat = self._marks.popleft()
            self._sounding.append((round(t * rate), _click(rate, _DOWNBEAT_HZ if downbeat else _BEAT_HZ)))
        mixed = frames * _MUSIC_GAIN
        for start, click in self._sounding:
            first, last = max(start, begin), min(start + len(click), end)
            if first < last:
                mixed[first - begin : last - begin] += click[first - start : last - start, np.newaxis]
        self._sounding = [(start, click) for start, click in self._sounding if start + len(click) > end]
        self._written = end
        pcm = np.round(np.clip(mixed, -1, 1) * 32767).astype("<i2")
        try:
            if self._out is None:
                self._shape = (rate, frames.shape[1])
                self._out = self._path.open("wb")
                self._out.write(_header(*self._shape, frames=0))
            self._out.write(pcm.tobytes())
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Close the file; only now its header learns how long it is.

        Raises:
            ScopeBridgeError: the file cannot be written.
        """
        if self._out is None or self._failed:
            return
        try:
            with self._out as out:
                out.seek(0)
                out.write(_header(*self._shape, frames=self._written))
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> ScopeBridgeError:
        self._failed = True
        if self._out is not None:
            with contextlib.suppress(OSError):  # what waits to be written will not fit either
                self._out.close()
        return ScopeBridgeError(
            f"{self._path} cannot be written: {error.strerror or error}.", hint="Choose another place for --clicks."
        )


def _header(rate: int, channels: int, *, frames: int) -> bytes:
    """A WAV header of 16-bit PCM (RIFF WAVE, format 1).

    By hand, because the standard library's writer cannot be given up when a disk is full.
    """
    size = 2 * channels * frames
    shape = struct.pack("<HHIIHH", 1, channels, rate, 2 * channels * rate, 2 * channels, 16)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt \x10\0\0\0" + shape + b"data" + struct.pack("<I", size)


def _click(rate: int, hertz: float) -> Samples:
    t = np.arange(round(_CLICK_S * rate)) / rate
    return np.asarray(_CLICK_GAIN * np.cos(2 * np.pi * hertz * t) * np.exp(-t / 0.008), dtype=np.float32)
