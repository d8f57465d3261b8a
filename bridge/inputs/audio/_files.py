"""Audio files through FFmpeg (PyAV): decoded piece by piece, so that an hour takes no more memory than a second."""

from __future__ import annotations

__all__ = ["duration_s", "read_blocks", "read_file", "read_frames"]

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from bridge.inputs.audio._blocks import Blocker, Mixer, Resampler
from bridge.model.errors import AudioDeviceError
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

_BAD_PACKETS: Final = 200
_HINT: Final = "Play it in another program to see whether it is whole, or convert it to FLAC or WAV."


def read_file(source: Path | BinaryIO, mixer: Mixer) -> Iterator[npt.NDArray[np.float32]]:
    """A file, or a stream such as standard input, as mono float32 at 44.1 kHz, in pieces of at most a few thousand samples.

    Damaged packets are left out as long as others decode (a scratched MP3 plays on).

    Raises:
        AudioDeviceError: it is not there, holds no sound, or cannot be decoded.
    """
    decoded = False
    with _opened(source) as container:
        for piece in _mono(container, mixer):
            decoded = decoded or len(piece) > 0
            yield piece
    if not decoded:
        raise AudioDeviceError(f"{_name(source)} holds no sound that decodes.", hint=_HINT)


def read_blocks(source: Path | BinaryIO, mixer: Mixer) -> Iterator[AudioBlock]:
    """The same as blocks of 512 samples whose ``t`` is the time of their end in the file; silence fills the last one.

    Raises:
        AudioDeviceError: as :func:`read_file` does.
    """
    blocker = Blocker()
    count = 0
    for piece in read_file(source, mixer):
        for block in blocker.push(piece, 0.0):
            count += 1
            yield AudioBlock(count * HOP / SAMPLE_RATE, block.samples)
    last = blocker.flush()
    if last is not None:
        yield AudioBlock((count + 1) * HOP / SAMPLE_RATE, last)


def read_frames(path: Path) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """The file as it is: its sample rate, and pieces of shape (samples, channels), which stay those of its first frame.

    Raises:
        AudioDeviceError: as :func:`read_file` does.
    """
    with _opened(path) as container:
        as_first: av.AudioResampler | None = None
        shape: Sequence[object] = ()
        rate, layout = 0, ""
        for frame in _frames(container):
            rate, layout = rate or frame.sample_rate, layout or frame.layout.name
            found = (frame.sample_rate, frame.layout.name, frame.format.name)
            if as_first is None or found != shape:
                as_first, shape = av.AudioResampler(format="flt", layout=layout, rate=rate), found
            for piece in as_first.resample(frame):
                yield rate, _samples(piece)


def duration_s(path: Path) -> float | None:
    """How long the file says it is; None where it does not.

    Raises:
        AudioDeviceError: it is not there or holds no sound.
    """
    with _opened(path) as container:
        return None if container.duration is None else container.duration / av.time_base


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[av.container.InputContainer]:
    """The open file, and FFmpeg's errors in our words."""
    name = _name(source)
    if isinstance(source, Path) and source.is_dir():
        raise AudioDeviceError(f"{source} is a folder.", hint="Give the audio files in it, such as FOLDER/*.flac.")
    if isinstance(source, Path) and not source.exists():
        raise AudioDeviceError(f"There is no file {source}.", hint="Check its name and that its disk is there.")
    try:
        with av.open(str(source) if isinstance(source, Path) else source, "r") as container:
            if not container.streams.audio:
                raise AudioDeviceError(f"{name} holds no sound.", hint="Choose an audio file.")
            yield container
    except FFmpegError as error:
        raise AudioDeviceError(f"{name} cannot be read: {error.strerror}.", hint=_HINT) from error
    except OSError as error:
        raise AudioDeviceError(f"{name} cannot be read: {error.strerror or error}.", hint=_HINT) from error


def _name(source: Path | BinaryIO) -> str:
    return source.name if isinstance(source, Path) else "Standard input"


def _mono(container: av.container.InputContainer, mixer: Mixer) -> Iterator[npt.NDArray[np.float32]]:
    resampler: Resampler | None = None
    shape: Sequence[object] = ()
    as_float = av.AudioResampler(format="flt")
    for frame in _frames(container):
        found = (frame.sample_rate, frame.layout.name, frame.format.name)
        if resampler is None or found != shape:
            # Chained streams may change rate and channels on the way.
            if resampler is not None:
                yield resampler.flush()
            resampler, shape, as_float = Resampler(frame.sample_rate), found, av.AudioResampler(format="flt")
        for piece in as_float.resample(frame):
            yield resampler.push(mixer.mix(_samples(piece)))
    if resampler is not None:
        yield resampler.flush()


def _samples(piece: av.AudioFrame) -> npt.NDArray[np.float32]:
    """(samples, channels). Interleaved, since PyAV reads beyond the frame where more than 8 channels lie in planes."""
    return np.asarray(piece.to_ndarray(), dtype=np.float32).reshape(-1, piece.layout.nb_channels)


def _frames(container: av.container.InputContainer) -> Iterator[av.AudioFrame]:
    bad = 0
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except FFmpegError:
            bad += 1
            if bad > _BAD_PACKETS:
                raise
            continue
        for frame in frames:
            bad = 0
            if isinstance(frame, av.AudioFrame):
                yield frame
