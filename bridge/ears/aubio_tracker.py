"""aubio's beat tracker, with what it is known to get wrong mended around it.

==========================================================  =================================================
what aubio does                                             what is done about it
==========================================================  =================================================
beats in silence, hum and noise (about 100 a minute)        nothing while gated; confidence from how clearly
                                                            the music pulses at the claimed tempo
285 to 305 BPM at confidence 0 in its first seconds         no confidence before five intervals agree
drops beats that fall into digital silence                  a constant of 1e-9 keeps its silence test open
locks onto the off-beat of four-to-the-floor                the half of the beat with more (low) flux wins
half or double tempo                                        folded into the range; beats halved or filled in
its own confidence is unbounded and may be negative         not used
stale tempo after a pause                                   starts anew after a second of silence
==========================================================  =================================================

It still takes 8 to 10 s to follow a new tempo. Figures: ``benchmarks/ears.py``.
"""

from __future__ import annotations

__all__ = ["AubioTracker", "fold_period"]

from collections import deque
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bridge.ears._dynamics import HOP_S
from bridge.ears._pulse import Pulse
from bridge.ears.tracker import NO_TRACK, Beat, Pause, Track
from bridge.model.errors import DependencyMissing
from bridge.model.features import HOP, SAMPLE_RATE

_WINDOW: Final = 2048
_WARM_HOPS: Final = round(3.0 / HOP_S)
_INTERVALS: Final = 8
_AGREES: Final = 0.07
_SWITCH: Final = 1.15
# Clarity up to here is what noise has; from there up nobody would miss the beat.
_NOISE_CLARITY: Final = 0.12
_FULL_CLARITY: Final = 0.35


class AubioTracker:
    """Beats by aubio's ``tempo`` object (method ``default``, window 2048: the best of ten tried with what is around it).

    Args:
        min_bpm, max_bpm: range that tempo is folded into; at least an octave.

    Raises:
        DependencyMissing: aubio cannot be imported.
    """

    name: Final = "aubio"

    def __init__(self, min_bpm: float = 80.0, max_bpm: float = 180.0) -> None:
        self._aubio = _load()
        self._shortest, self._longest = 60.0 / max_bpm, 60.0 / min_bpm
        self._pause = Pause()
        self._begin_anew()

    def push(
        self, samples: npt.NDArray[np.float32], *, gated: bool, amplitudes: npt.NDArray[np.float32] | None = None
    ) -> Track:
        """Listen to 512 samples; times in the result count from their end. aubio makes spectra of its own."""
        del amplitudes
        if self._pause.step(gated=gated):
            self._begin_anew()
        if self._pause.long:
            return NO_TRACK
        return self._listen(samples)

    def _begin_anew(self) -> None:
        self._tempo: Any = self._aubio.tempo("default", _WINDOW, HOP, SAMPLE_RATE)
        self._tempo.set_silence(-300.0)
        self._pulse = Pulse()
        self._now = 0.0
        self._heard: deque[float] = deque(maxlen=_INTERVALS + 1)
        self._due: deque[float] = deque()
        self._last: float | None = None
        self._bpm: float | None = None
        self._confidence = 0.0

    def _listen(self, samples: npt.NDArray[np.float32]) -> Track:
        self._now += HOP_S
        self._pulse.push(samples)
        found = self._tempo(samples + np.float32(1e-9))
        if found[0] > 0:
            self._take(float(self._tempo.get_last_s()), float(self._tempo.get_bpm()))
        beats: list[Beat] = []
        while self._due and self._due[0] <= self._now:
            self._last = self._due.popleft()
            beats.append(Beat(self._last - self._now))
        return Track(tuple(beats), self._bpm, self._confidence, self._pulse.activation)

    def _take(self, heard: float, bpm: float) -> None:
        """aubio says that there was a beat at ``heard`` (seconds of its own stream)."""
        self._heard.append(heard)
        if bpm <= 0:
            return
        own = 60.0 / bpm
        period = fold_period(own, self._shortest, self._longest)
        age = self._now - heard
        clarity = self._pulse.clarity(period, age) if self._pulse.filled >= _WARM_HOPS else 0.0
        clear = min(max((clarity - _NOISE_CLARITY) / (_FULL_CLARITY - _NOISE_CLARITY), 0.0), 1.0)
        self._bpm = 60.0 / period
        self._confidence = clear * self._regularity(own)
        self._schedule(heard, own, period)

    def _regularity(self, own: float) -> float:
        """Share of the recent intervals that agree with the tempo aubio claims."""
        times = np.array(self._heard)
        if len(times) < 6:
            return 0.0
        # A beat left out is no irregularity: whole multiples count.
        beats = np.diff(times) / own
        return float((np.abs(beats - np.maximum(np.round(beats), 1)) < _AGREES).mean())

    def _schedule(self, heard: float, own: float, period: float) -> None:
        """Put the beats up to aubio's next one into ``_due``, on the half of the period that pulses more."""
        self._due.clear()
        start = heard
        if period >= own * 0.99:
            on, off = self._pulse.on_and_off(period, self._now - heard)
            # The half told so far keeps a margin, so that even music does not flip between the two.
            stays_off = self._is_off_grid(heard, period)
            if off * _SWITCH >= on if stays_off else off > on * _SWITCH:
                start += period / 2
        while start < heard + 0.9 * own:
            if self._last is None or start - self._last > 0.6 * period:
                self._due.append(start)
            start += period

    def _is_off_grid(self, heard: float, period: float) -> bool:
        """True when this beat of aubio's lies between the beats told so far."""
        if self._last is None or heard - self._last > 8 * period:
            return False
        return 0.25 < ((heard - self._last) / period) % 1.0 < 0.75


def fold_period(period: float, shortest: float, longest: float) -> float:
    """The period halved or doubled until it lies in the range (seconds; the range spans an octave)."""
    while period > longest * 1.005:
        period /= 2
    while period < shortest * 0.995:
        period *= 2
    return period


def _load() -> ModuleType:
    try:
        import aubio
    except (ImportError, OSError) as error:
        raise DependencyMissing("Beats need the package aubio-ledfx.", hint="pip install aubio-ledfx") from error
    module: ModuleType = aubio
    return module
