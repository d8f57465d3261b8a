"""Gate, gain, smoothing: what keeps features comparable between a whisper and a club. Pure, one step per hop."""

from __future__ import annotations

__all__ = ["AutoGain", "BandLevels", "Ceiling", "ClipLamp", "DcBlock", "Gate", "Reference", "Smoother"]

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.model.features import HOP, SAMPLE_RATE

HOP_S: Final = HOP / SAMPLE_RATE
_GATE_HOPS: Final = round(1.5 / HOP_S)
_LAMP_HOPS: Final = round(0.5 / HOP_S)
_FULL_SCALE: Final = 0.999


def per_hop(seconds: float) -> float:
    """What is left of something after one hop when it falls to 37 % in ``seconds``; 0 for no time at all."""
    return math.exp(-HOP_S / seconds) if seconds > 0 else 0.0


class Reference:
    """The recent loudest, that a net's input counts against: rises at once, sinks 3 dB a second, and not below the
    noise of a line-in."""

    SINK: Final = 10 ** (-3.0 * HOP_S / 20)
    FLOOR: Final = 1e-3

    def __init__(self) -> None:
        self._value = self.FLOOR

    def step(self, loudness: float) -> float:
        """The reference for this hop."""
        self._value = max(loudness, self._value * self.SINK, self.FLOOR)
        return self._value


class DcBlock:
    """Learns the input's constant offset over half a second."""

    def __init__(self) -> None:
        self._keep = per_hop(0.5)
        self.offset = 0.0

    def step(self, mean: float) -> float:
        """The offset to take away, given this hop's mean."""
        self.offset = self._keep * self.offset + (1 - self._keep) * mean
        return self.offset


class Gate:
    """Opens at ``open_db``, closes after 1.5 s below ``open_db - hysteresis_db``: no slow beat falls into that.

    ``resting`` is true at once below the lower level, while the gate may still be open.
    """

    def __init__(self, open_db: float, hysteresis_db: float) -> None:
        self._open_db = open_db
        self._close_db = open_db - hysteresis_db
        self._quiet = 0
        self.closed = True

    @property
    def resting(self) -> bool:
        """True when this hop is no music."""
        return self.closed or self._quiet > 0

    def step(self, level_db: float) -> bool:
        """True while closed."""
        if level_db >= self._open_db:
            self.closed, self._quiet = False, 0
        elif level_db >= self._close_db:
            self._quiet = 0
        else:
            self._quiet += 1
            self.closed = self.closed or self._quiet >= _GATE_HOPS
        return self.closed


class AutoGain:
    """A gain of at least 1 that brings the long-term peak loudness to ``target``, at most ``max_gain_db``.

    It falls at once when the music gets louder and rises over ten seconds (over one when it has heard little yet);
    the caller leaves ``step`` out while gated, which freezes it: the noise of a pause is never lifted.
    """

    def __init__(self, target: float, max_gain_db: float) -> None:
        self._target = target
        self._most = 10 ** (max_gain_db / 20)
        self._heard_s = 0.0
        self._peak = target
        self.gain = 1.0

    def step(self, rms: float) -> float:
        """The gain for this hop."""
        self._heard_s += HOP_S
        keep = per_hop(min(1.0 + self._heard_s / 3, 10.0))
        self._peak = max(rms, keep * self._peak + (1 - keep) * rms)
        self.gain = min(max(self._target / max(self._peak, 1e-9), 1.0), self._most)
        return self.gain


class Ceiling:
    """What counts as full energy: rises at once to 1.12 of the loudest, sinks by 0.3 % a hop (soundscape section 3)."""

    def __init__(self, floor: float) -> None:
        self._floor = floor
        self.value = floor

    def step(self, rms: float) -> float:
        """The ceiling for this hop."""
        self.value = max(self._floor, self.value * 0.997, 1.12 * rms)
        return self.value


class BandLevels:
    """Each band against its own long-term peak: a hi-hat fills its meter as a kick does.

    The peak falls over ten seconds, and no band is lifted beyond ``max_gain_db`` above full energy.

    Args:
        size: number of bands.
        reference: loudness (RMS) that counts as full energy.
    """

    def __init__(self, size: int, reference: float, max_gain_db: float) -> None:
        self._floor = reference / 10 ** (max_gain_db / 20)
        self._keep = per_hop(10.0)
        self._peaks = np.full(size, self._floor)

    def step(self, levels: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """The levels (RMS) as 0..1; not called while the gate rests, so the peaks freeze."""
        self._peaks = np.maximum(np.maximum(self._peaks * self._keep, levels), self._floor)
        return np.asarray(levels / self._peaks)


class Smoother:
    """Rises with ``attack_s`` and falls with ``release_s``, for several values at once."""

    def __init__(self, size: int, attack_s: float, release_s: float) -> None:
        self._rise = 1 - per_hop(attack_s)
        self._fall = 1 - per_hop(release_s)
        self.values = [0.0] * size

    def step(self, wanted: list[float]) -> list[float]:
        """One hop towards ``wanted``."""
        self.values = [
            now + (self._rise if goal > now else self._fall) * (goal - now)
            for now, goal in zip(self.values, wanted, strict=True)
        ]
        return self.values


class ClipLamp:
    """Lit for half a second after three samples in a row at full scale, which no unclipped recording holds often."""

    def __init__(self) -> None:
        self._left = 0

    def step(self, samples: npt.NDArray[np.float32], peak: float) -> bool:
        """True while lit. ``peak`` is the largest absolute sample."""
        self._left = max(0, self._left - 1)
        if peak >= _FULL_SCALE:
            full = np.abs(samples) >= _FULL_SCALE
            if bool((full[2:] & full[1:-1] & full[:-2]).any()):
                self._left = _LAMP_HOPS
        return self._left > 0
