"""When the samples of a live stream sounded, how many were lost, and how many a second really come. Pure."""

from __future__ import annotations

__all__ = ["RateMeter", "StreamClock"]

import math
from typing import Final

import numpy as np

_BANDWIDTH_HZ: Final = 0.2
_DRIFT: Final = 0.006
"""No crystal is off by more; what is counts as another rate."""
_STEP_S: Final = 0.015
_TOLD_STEP_S: Final = 0.003
_PATIENCE_S: Final = 0.25
_TOLD_PATIENCE_S: Final = 0.05
_ANEW_S: Final = 1.0
_SETTLING_S: Final = 5.0
"""PulseAudio's latency has been seen to wander by half a second in the first two: that is no loss."""


class StreamClock:
    """A smooth time for each chunk of a live stream, from call-back times that jitter.

    A delay-locked loop of second order over the count of frames (bandwidth 0.2 Hz after a quick start): it learns the
    device's true rate against our clock. A call that comes late is not believed; where all calls of a quarter second
    are late by more than 15 ms, samples were lost, and ``missing`` says how many (sooner where the driver told of a
    loss; not in the first five seconds). Chunks that are off by more than a second start the clock anew.
    """

    def __init__(self, rate: float) -> None:
        self._nominal = 1.0 / rate
        self._seconds_per_frame = self._nominal
        self._t: float | None = None
        self._age = 0.0
        self._off_since: float | None = None
        self._off = 0.0
        self._told = False
        self.missing = 0

    def feed(self, frames: int, t: float, *, lost: bool = False) -> float:
        """The time at which the last of ``frames`` sounded, given that the call-back said ``t``.

        ``missing`` is then how many frames should stand before these, so that counting samples is counting time.
        """
        self.missing = 0
        self._told = self._told or lost
        length = frames * self._seconds_per_frame
        if self._t is None or abs(t - (self._t + length)) > _ANEW_S:
            self._t, self._age, self._seconds_per_frame = t, 0.0, self._nominal
            self._off_since, self._told = None, False
            return t
        expected = self._t + length
        error = t - expected
        self._age += length
        if abs(error) > (_TOLD_STEP_S if self._told else _STEP_S):
            self._t = expected + self._step(error, t)
            return self._t
        self._off_since, self._told = None, False
        omega = 2 * math.pi * max(_BANDWIDTH_HZ, 1.0 / (1.0 + self._age)) * length
        self._t = expected + min(math.sqrt(2) * omega, 0.5) * error
        slope = self._seconds_per_frame + min(omega * omega, 0.1) * error / max(frames, 1)
        drift = _DRIFT * self._nominal
        self._seconds_per_frame = float(np.clip(slope, self._nominal - drift, self._nominal + drift))
        return self._t

    def _step(self, error: float, t: float) -> float:
        """0 while it may be a call that came late; then the least that all calls were off."""
        if self._off_since is None or error * self._off < 0:
            self._off_since, self._off = t, error
        self._off = min(self._off, error, key=abs)
        if t - self._off_since < (_TOLD_PATIENCE_S if self._told else _PATIENCE_S):
            return 0.0
        self._off_since, self._told = None, False
        if self._age > _SETTLING_S:
            self.missing = max(0, round(self._off / self._seconds_per_frame))
        return self._off


_SLOT_S: Final = 0.5
_SLOTS: Final = 6
_AGREE: Final = 0.003
_STRAIGHT_S: Final = 0.012
_RATES: Final = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 176400, 192000)


class RateMeter:
    """Finds a device that delivers another rate than it says, or changes its rate while it runs.

    Every half second the call that came least late is remembered: it is the one that tells the time best. Two stretches
    of three seconds, each without a jump, that agree within 0.3 %, and differ from the rate in use by more than a
    crystal does, are believed.

    Args:
        rate: what the device says, in Hz.
    """

    def __init__(self, rate: float) -> None:
        self._said = rate
        self.rate = rate
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._points: list[tuple[int, float]] = []
        self._slot_end = -math.inf
        self._least = math.inf
        self._before: float | None = None

    def feed(self, frames: int, t: float, *, lost: bool = False) -> bool:
        """True when ``rate`` has changed. ``t`` is when the last of ``frames`` sounded, as the call-back said."""
        if lost:
            self._begin()
        self._count += frames
        if t >= self._slot_end:
            changed = len(self._points) > _SLOTS and self._judge()
            self._slot_end, self._least = t + _SLOT_S, math.inf
            self._points.append((self._count, t))
            if changed:
                return True
        late = t - self._count / self._said
        if late < self._least:
            self._least = late
            self._points[-1] = (self._count, t)
        return False

    def _judge(self) -> bool:
        counts, times = np.array(self._points).T
        before, self._before = self._before, None
        self._points = []
        if times[-1] <= times[0]:
            return False
        measured = float((counts[-1] - counts[0]) / (times[-1] - times[0]))
        if np.abs(counts[0] + measured * (times - times[0]) - counts).max() > _STRAIGHT_S * measured:
            return False  # samples were lost somewhere
        if abs(measured / self.rate - 1) <= _DRIFT or not 1000 <= measured <= 400_000:
            return False
        self._before = measured
        if before is None or abs(measured / before - 1) > _AGREE:
            return False
        self.rate = self._likely((measured + before) / 2)
        self._before = None
        return True

    def _likely(self, measured: float) -> float:
        """What the device says, or a usual rate, where that is as near as a crystal gets."""
        for rate in (self._said, *_RATES):
            if abs(measured / rate - 1) <= _DRIFT:
                return float(rate)
        return float(round(measured))
