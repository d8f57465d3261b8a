"""From samples of any rate, shape and quality to blocks of 512 mono samples with times. Pure."""

from __future__ import annotations

__all__ = ["Blocker", "Mixer", "Resampler", "Schedule"]

from collections.abc import Sequence
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from bridge.model.errors import AudioDeviceError
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

Samples = npt.NDArray[np.float32]

_BLOCK_S: Final = HOP / SAMPLE_RATE
_LATE_S: Final = 0.25


class Mixer:
    """Picks channels, mixes them to mono, applies gain and mends what is no number.

    Args:
        picks: channels counted from 1; empty for all.
        gain_db: added to the samples; the result is clipped to -1..1.
    """

    def __init__(self, picks: Sequence[int], gain_db: float = 0.0) -> None:
        self._picks = [pick - 1 for pick in picks]
        self._gain = np.float32(10 ** (gain_db / 20))
        self.mended = 0

    def mix(self, frames: npt.NDArray[np.floating]) -> Samples:
        """Mono float32 in -1..1 from (samples, channels).

        NaN and infinite samples become 0 and are counted in ``mended``.

        Raises:
            AudioDeviceError: a picked channel does not exist, or none at all.
        """
        channels = frames.shape[1]
        if not channels:
            raise AudioDeviceError("The device delivers sound without a channel.", hint="Choose another device.")
        if self._picks and max(self._picks) >= channels:
            raise AudioDeviceError(
                f"Channel {max(self._picks) + 1} was asked for, but there are only {channels}.",
                hint="Change [audio] channels.",
            )
        chosen = frames[:, self._picks] if self._picks else frames
        bad = ~np.isfinite(chosen)
        if bad.any():
            self.mended += int(bad.sum())
            chosen = np.where(bad, 0, chosen)
        # Clipping first keeps huge finite samples from overflowing in the sum.
        mono = np.clip(chosen, -8, 8).mean(axis=1, dtype=np.float32)
        return np.asarray(np.clip(mono * self._gain, -1, 1), dtype=np.float32)


class Resampler:
    """Mono at any rate to mono at 44.1 kHz.

    The work is FFmpeg's libswresample (through PyAV, which is here for video anyway): a windowed-sinc polyphase
    bank whose stop band keeps what lies above 22 kHz out, at a fraction of what NumPy would need. A rate of
    44100 passes through untouched. The output is aligned with the input, but a few samples wait inside for
    their neighbours: ``held_s`` says how much, so that times stay true.
    """

    def __init__(self, rate: int) -> None:
        if not 1000 <= rate <= 1_000_000:
            raise AudioDeviceError(
                f"A sample rate of {rate} Hz is not one that sound has.", hint="Check the device or file."
            )
        self._rate = rate
        self._swr = None if rate == SAMPLE_RATE else av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        self._taken = 0
        self._given = 0

    @property
    def held_s(self) -> float:
        """Seconds of input that have not come out yet."""
        return self._taken / self._rate - self._given / SAMPLE_RATE

    def push(self, samples: Samples) -> Samples:
        """The next samples at 44.1 kHz; may be empty."""
        if self._swr is None:
            return samples
        if not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = self._rate
        self._taken += len(samples)
        return self._collect(self._swr.resample(frame))

    def flush(self) -> Samples:
        """What still waits inside at the end of a file."""
        return np.zeros(0, np.float32) if self._swr is None else self._collect(self._swr.resample(None))

    def _collect(self, frames: Sequence[av.AudioFrame]) -> Samples:
        parts = [np.asarray(frame.to_ndarray(), dtype=np.float32).reshape(-1) for frame in frames]
        out = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        self._given += len(out)
        return out


class Blocker:
    """Cuts a stream of 44.1 kHz samples into blocks of 512."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: Samples, t_end: float) -> list[AudioBlock]:
        """Blocks that are complete now; ``t_end`` is when the last of ``samples`` sounded."""
        whole = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        count = len(whole) // HOP
        blocks = []
        for index in range(count):
            end = (index + 1) * HOP
            blocks.append(AudioBlock(t_end - (len(whole) - end) / SAMPLE_RATE, whole[end - HOP : end]))
        self._rest = whole[count * HOP :].copy()
        return blocks

    def flush(self) -> Samples | None:
        """What is left over at the end, filled up with silence to a block; None when nothing is."""
        if not len(self._rest):
            return None
        last = np.zeros(HOP, np.float32)
        last[: len(self._rest)] = self._rest
        self._rest = self._rest[:0]
        return last


class Schedule:
    """When each block of a recording is due in real time: counted from one start, so it never drifts.

    After a stall of more than a quarter second (a suspended laptop) the start moves instead of the blocks
    rushing out all at once.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._count = 0

    def next_due(self, now: float) -> float:
        """Monotonic time at which the end of the next block sounds."""
        self._count += 1
        due = self._start + self._count * _BLOCK_S
        if now - due > _LATE_S:
            self._start += now - due
            due = now
        return due
