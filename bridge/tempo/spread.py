"""How uncertain a filter's time and period are, from what it does with the noise it is fed.

The covariance of a straight line's end and slope, and of the second-order loop ``t += a e, period += b e``, for
noise of one (unit) standard deviation; a follower multiplies it by the noise it measures. Steps are the events
that the filter counts (ticks, beats).
"""

from __future__ import annotations

__all__ = ["Spread"]

import math
from dataclasses import dataclass

from bridge.model.beatgrid import Uncertainty


@dataclass(frozen=True, slots=True)
class Spread:
    """Variance of time (``tt``) and of period (``pp``), and their covariance (``tp``), per variance of the noise."""

    tt: float
    tp: float
    pp: float

    @classmethod
    def of_line(cls, count: int) -> Spread:
        """Least squares through ``count`` events (at least 2), at the last of them."""
        slope = 12.0 / (count * (count * count - 1.0))
        half = (count - 1) / 2
        return cls(1.0 / count + half * half * slope, half * slope, slope)

    def looped(self, steps: float, phase_gain: float, period_gain: float) -> Spread:
        """After the loop took one event, ``steps`` after the one before."""
        tt = self.tt + 2.0 * steps * self.tp + steps * steps * self.pp
        tp = self.tp + steps * self.pp
        a, b, keep = phase_gain, period_gain, 1.0 - phase_gain
        return Spread(
            keep * keep * tt + a * a,
            keep * (tp - b * tt) + a * b,
            self.pp - 2.0 * b * tp + b * b * tt + b * b,
        )

    def ahead(self, steps: float) -> float:
        """Variance of the time predicted ``steps`` ahead."""
        return self.tt + 2.0 * steps * self.tp + steps * steps * self.pp

    def uncertainty(self, t: float, step_s: float, noise_s: float, bias_s: float, bias_drift: float) -> Uncertainty:
        """In seconds: the filter stands at ``t``, its events ``step_s`` apart with ``noise_s`` of noise.

        ``bias_s`` and ``bias_drift`` come on top: what lies beside the truth without showing as noise.
        """
        if self.pp <= 0.0:
            return Uncertainty(t, math.hypot(bias_s, noise_s * math.sqrt(self.tt)), bias_drift)
        pivot = self.tp / self.pp
        sd = noise_s * math.sqrt(max(0.0, self.tt - self.tp * pivot))
        drift = noise_s * math.sqrt(self.pp) / step_s
        return Uncertainty(t - pivot * step_s, math.hypot(bias_s, sd), math.hypot(bias_drift, drift))
