"""When the server's next pipeline call starts, learned from the server itself (scope-protocol sections 2 and 6.1).

A message that arrives just before a call starts is taken at once; a little later it waits for a whole call. The frames
do not tell where that is: they leave the server through a queue of unknown length. ``GET /session/metrics`` does:
its ``pipeline_fps`` is the mean over the last ten calls, made anew at the end of each, so between two looks it changed
exactly when a call ended. Two looks a call, one early and one late, hold the border between them.

Times are those at which a look was *sent*, so the way to the server is in them; a message has the same way to go.
"""

from __future__ import annotations

__all__ = ["CallPhase"]

import itertools
import math
import statistics
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

_BINS: Final = 256
_FORGET: Final = 0.005  # what one look may be wrong
_BLUR_S: Final = 0.0015
_LOWER: Final = 0.02
_UPPER: Final = 0.98
_NARROW: Final = 0.3  # of a period: wider, and nothing is known
_MARGIN_S: Final = 0.010
_LATE_S: Final = 0.006  # how late a timer may fire and the message still leaves for the same call
_WITNESS_S: Final = 0.03
_SEARCH_LOOKS: Final = 6.0  # a period while the border is searched
_LEAST_BETWEEN_S: Final = 0.02
_LEAST_ROUND_S: Final = 0.4  # two looks in this time are enough, and gentle to the server
_JITTER_PRIOR: Final = 0.015
_JITTER_LEAST: Final = 0.002
_JITTER_MOST: Final = 0.2
_CALLS_IN_MEAN: Final = 10
_OLD_PERIODS: Final = 4.0
_RUN: Final = 24
_STILL_PERIODS: Final = 4.0
_MUTE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Look:
    sent: float
    fps: float


class CallPhase:
    """A belief about the phase of the call starts, as weights over one period. Pure; times are monotonic seconds.

    Feed it with ``look`` and ``sent``; ask ``send_at`` when the next message of a stream should leave, and
    ``look_at`` when to look next. Unknown (None, ``is_known`` False) until looks agree, and again when they grow old.
    """

    def __init__(self) -> None:
        self._period = 0.0
        self.restart()

    def restart(self) -> None:
        """Another session or pipeline: nothing is known."""
        self._belief = np.full(_BINS, 1.0 / _BINS)
        self._anchor = 0.0
        self._last: _Look | None = None
        self._sums: deque[float] = deque(maxlen=16)
        self._round_trip = math.inf
        self._still = 0.0  # seconds looked at without a change
        self._mute_until = -math.inf
        self._lower = self._median = self._upper = 0.0  # seconds after the anchor
        self._wide = True
        self._served: float | None = None
        self._sent: float | None = None
        self._run = 0
        self.misses = 0
        """Messages that came too late for their call."""

    @property
    def jitter(self) -> float:
        """How much one call's length differs from the mean, as a share of it (one standard deviation)."""
        if len(self._sums) < 5 or self._period <= 0:
            return _JITTER_PRIOR
        sums = list(self._sums)
        steps = [abs(later - earlier) for earlier, later in itertools.pairwise(sums)]
        # Each step is a new call's length minus that of the call which left the mean.
        share = statistics.median(steps) / (0.6745 * math.sqrt(2.0)) / self._period
        return min(max(share, _JITTER_LEAST), _JITTER_MOST)

    @property
    def period(self) -> float:
        """Seconds of one call, the mean of the last ten; 0.0 before the first look."""
        return self._period

    def is_mute(self, now: float) -> bool:
        """Whether the server's figures stand still: at their cap, or a pipeline with a frame rate of its own."""
        return now < self._mute_until

    def is_known(self, now: float) -> bool:
        """Whether a message can be aimed now."""
        fresh = self._last is not None and now - self._last.sent < max(
            _OLD_PERIODS * self._period, 1.5 * _LEAST_ROUND_S
        )
        return fresh and not self._wide and not self.is_mute(now)

    def sent(self, now: float) -> None:
        """A message with changes left; it is remembered which call will take it."""
        border = self._border_for(now) if self.is_known(now) else None
        self._run = self._run + 1 if border is not None else 0
        if border is not None and self._run >= _RUN:
            self._run = 0
            border += self._period  # a call without a message now and then drains what may have queued up unnoticed
        self._sent, self._served = now, border

    def send_at(self, now: float) -> float | None:
        """When the next message of a stream should leave, not before ``now`` (a little late counts as now)."""
        if not self.is_known(now) or self._sent is None:
            return None
        if self._served is None:
            self._served = self._border_for(self._sent)
        cut = self._near(self._served) + self._period - self._lead
        if cut < now - _LATE_S:
            cut += math.ceil((now - _LATE_S - cut) / self._period) * self._period
        return cut

    def taken(self, sent: float) -> float | None:
        """When the call began that took a message, in sending time; None until that is past, or where it is unsure."""
        if self._last is None or not self.is_known(self._last.sent):
            return None
        border = self._border_after(sent)
        unsure = 0.5 * (self._upper - self._lower)
        near = min(border - sent, sent - (border - self._period)) < unsure
        return None if near or border + unsure > self._last.sent else border

    def look_at(self, now: float) -> float:
        """When the next look is worth most."""
        if self._period <= 0 or self._last is None:
            return now
        if not self.is_known(now):
            return max(now, self._last.sent + max(self._period / _SEARCH_LOOKS, _LEAST_BETWEEN_S))
        since = self._last.sent + _LEAST_BETWEEN_S
        early, late = -self._lead + _LATE_S, self._upper - self._median + _MARGIN_S
        border = self._border_after(since - late)
        if border + early > since:
            rounds = math.ceil(max(0.0, _LEAST_ROUND_S - self._period) / self._period)
            return max(now, border + rounds * self._period + early)
        return max(now, border + late)

    def look(self, sent: float, answered: float, fps: float, frames: int) -> None:
        """The server said ``fps`` (frames per second, mean of ten calls of ``frames``) to a question of that time."""
        if fps <= 0:
            return
        last, self._last = self._last, _Look(sent, fps)
        took = answered - sent
        self._round_trip = min(self._round_trip, took)
        period = frames / fps
        if last is None or self._period <= 0:
            self._anchor, self._period = sent, period
            return
        changed = fps != last.fps
        if changed:
            self._sums.append(_CALLS_IN_MEAN * period)
        gap = sent - last.sent
        self._still = 0.0 if changed or gap > _OLD_PERIODS * self._period else self._still + gap
        if self._still > _STILL_PERIODS * self._period:
            self._mute_until, self._still = sent + _MUTE_S, 0.0
        self._move(sent, period)
        if gap < self._period:
            self._weigh(last.sent, gap, changed=changed, blur=_BLUR_S + took - self._round_trip)
            self._witness(sent, changed=changed)
        self._sum_up()

    def _move(self, now: float, period: float) -> None:
        """Anchor the belief at ``now``; it widens by what the calls since then may have differed."""
        calls = max(0.0, (now - self._anchor) / self._period)
        shift = (self._anchor - now) % self._period / self._period * _BINS
        width = self.jitter * math.sqrt(calls) * _BINS
        waves = np.fft.rfftfreq(_BINS)
        kernel = np.exp(-2.0 * (math.pi * waves * width) ** 2 - 2j * math.pi * waves * shift)
        belief = np.fft.irfft(np.fft.rfft(self._belief) * kernel, _BINS)
        self._belief = np.maximum(belief, 1e-9)
        self._anchor, self._period = now, period

    def _weigh(self, since: float, gap: float, *, changed: bool, blur: float) -> None:
        """A call ended, or did not, in the ``gap`` seconds after ``since``."""
        after = (np.arange(_BINS) / _BINS * self._period + self._anchor - since) % self._period
        inside = sum(_within(after + wrap, gap, blur) for wrap in (-self._period, 0.0, self._period))
        likely = inside if changed else 1.0 - inside
        self._belief *= _FORGET + (1.0 - _FORGET) * np.clip(likely, 0.0, 1.0)
        self._belief /= self._belief.sum()

    def _witness(self, sent: float, *, changed: bool) -> None:
        """A look right after a message: had the call begun already, then the message was late and waits."""
        if self._sent is None or self._served is None or not changed:
            return
        if 0.0 <= sent - self._sent < _WITNESS_S and self._served > sent:
            self.misses += 1
            self._served += self._period

    def _sum_up(self) -> None:
        """The belief's middle and edges, unrolled around its peak."""
        spread = self._belief + np.roll(self._belief, 1) + np.roll(self._belief, -1)
        start = (int(np.argmax(spread)) - _BINS // 2) % _BINS
        share = np.cumsum(np.roll(self._belief, -start)) / self._belief.sum()
        at = [start + float(np.searchsorted(share, level)) for level in (_LOWER, 0.5, _UPPER)]
        self._lower, self._median, self._upper = (place / _BINS * self._period for place in at)
        self._wide = self._upper - self._lower > _NARROW * self._period

    @property
    def _lead(self) -> float:
        """How long before the expected border a message leaves, seconds."""
        known = self._median - self._lower
        ahead = 2.0 * self.jitter * self._period
        return math.hypot(known, ahead) + _MARGIN_S

    def _border_after(self, time: float) -> float:
        first = self._anchor + self._median
        return first + math.ceil((time - first) / self._period) * self._period

    def _border_for(self, sent: float) -> float:
        """The border at which a message of that time is surely taken."""
        return self._border_after(sent + self._lead - _LATE_S)

    def _near(self, border: float) -> float:
        """The border as it is known now that was expected at ``border``."""
        first = self._anchor + self._median
        return first + round((border - first) / self._period) * self._period


def _within(after: npt.NDArray[np.float64], gap: float, blur: float) -> npt.NDArray[np.float64]:
    """How surely each time ``after`` lies in 0 to ``gap``, edges blurred."""
    inside: npt.NDArray[np.float64] = 0.5 * (np.tanh((gap - after) / blur) - np.tanh(-after / blur))
    return inside
