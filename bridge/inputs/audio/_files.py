"""Audio files through FFmpeg (PyAV): decoded piece by piece, so that an hour takes no more memory than a second."""

from __future__ import annotations

__all__ = ["read_blocks", "read_file"]

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from bridge.inputs.audio._blocks import Blocker, Mixer, Resampler
from bridge.model.errors import AudioDeviceError
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

_BAD_PACKETS: Final = 200
_HINT: Final = "Play it in another program to see whether it is whole, or convert it to FLAC or WAV."


def read_file(path: Path, mixer: Mixer) -> Iterator[npt.NDArray[np.float32]]:
    """The file as mono float32 at 44.1 kHz, in pieces of at most a few thousand samples.

    Damaged packets are left out as long as others decode (a scratched MP3 plays on).

    Raises:
        AudioDeviceError: it is not there, holds no sound, or cannot be decoded.
    """
    if not path.is_file():
        raise AudioDeviceError(f"There is no file {path}.", hint="Check [audio] file; it is tried again by itself.")
    decoded = False
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise AudioDeviceError(f"{path.name} holds no sound.", hint="Choose an audio file.")
            for piece in _mono(container, mixer):
                decoded = decoded or len(piece) > 0
                yield piece
    except FFmpegError as error:
        raise AudioDeviceError(f"{path.name} cannot be read: {error.strerror}.", hint=_HINT) from error
    except OSError as error:
        raise AudioDeviceError(f"{path.name} cannot be read: {error.strerror or error}.", hint=_HINT) from error
    if not decoded:
        raise AudioDeviceError(f"{path.name} holds no sound that decodes.", hint=_HINT)


def read_blocks(path: Path, mixer: Mixer) -> Iterator[AudioBlock]:
    """The file as blocks of 512 samples whose ``t`` is the time of their end in the file; silence fills the last one.

    Raises:
        AudioDeviceError: as :func:`read_file` does.
    """
    blocker = Blocker()
    count = 0
    for piece in read_file(path, mixer):
        for block in blocker.push(piece, 0.0):
            count += 1
            yield AudioBlock(count * HOP / SAMPLE_RATE, block.samples)
    last = blocker.flush()
    if last is not None:
        yield AudioBlock((count + 1) * HOP / SAMPLE_RATE, last)


def _mono(container: av.container.InputContainer, mixer: Mixer) -> Iterator[npt.NDArray[np.float32]]:
    resampler: Resampler | None = None
    shape: Sequence[object] = ()
    as_float = av.AudioResampler(format="fltp")
    for frame in _frames(container):
        found = (frame.sample_rate, frame.layout.name, frame.format.name)
        if resampler is None or found != shape:
            # Chained streams may change rate and channels on the way.
            if resampler is not None:
                yield resampler.flush()
            resampler, shape, as_float = Resampler(frame.sample_rate), found, av.AudioResampler(format="fltp")
        for piece in as_float.resample(frame):
            yield resampler.push(mixer.mix(np.asarray(piece.to_ndarray().T, dtype=np.float32)))
    if resampler is not None:
        yield resampler.flush()


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
