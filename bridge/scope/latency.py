"""Control-to-pixel latency, estimated from what was sent and when the picture changed (issue 3 part 2).

A message waits for the next pipeline call (0 to 1 period), the call takes a period, and then the frames take their
*way*: the server's frame queue, encoder, network and decoder, and the message's own way there. Period and wait are
known; the way is not, and a queue of up to 30 frames makes it anything from milliseconds to seconds. So a belief over
the way is kept: each cut seen in the picture says of each message that may have caused it how long the way then was.
Cuts that nobody sent agree on nothing, cuts that were sent agree on one way.
"""

from __future__ import annotations

__all__ = ["LatencyMeter", "is_hard"]

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bridge.scope.phase import CallPhase

_STEP_S: Final = 0.01
_BINS: Final = 600
_STRAY: Final = 0.15  # the share of cuts that nobody sent
_SOFT: Final = 0.3  # how often a parameter's change is a cut, against one that always is
_EDGE_S: Final = 0.012
_EDGE_CALL: Final = 0.03
_DRIFT: Final = 0.03  # seconds a second: Scope's track runs a little slower than its pipeline, and its queue grows
_DRIFT_MOST_S: Final = 0.3
_ENOUGH: Final = 2.0
_MOST_EVIDENCE: Final = 6.0
_AGES: Final = 0.01  # seconds a second by which an old estimate grows less sure
_NARROW_CALL: Final = 0.35
_NARROW_S: Final = 0.05
_ANEW: Final = 0.001  # how much of the belief begins anew with each cut, since a way may also jump
_REMEMBERED: Final = 64
_HARD: Final = frozenset({"reset_cache", "denoising_step_list", "base_seed", "lora_scales", "vace_ref_images"})
_WAYS: Final = (np.arange(_BINS) + 0.5) * _STEP_S


def is_hard(message: Mapping[str, Any]) -> bool:
    """Whether a message makes a cut of itself (scope-protocol sections 6.2, 6.3 and 6.5)."""
    return not _HARD.isdisjoint(message) or ("prompts" in message and "transition" not in message)


@dataclass(frozen=True, slots=True)
class _Sent:
    at: float
    taken: float | None
    weight: float


class LatencyMeter:
    """Feed it with ``sent``, ``settle`` and ``seen``; ask ``estimate``. One for each session.

    The latency is that of a change which leaves at any moment: half a period of waiting, a period of work, the way.
    Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._belief = _prior()
        self._sent: deque[_Sent] = deque(maxlen=_REMEMBERED)
        self._evidence = 0.0
        self._last_seen: float | None = None
        self._known: tuple[float, float] | None = None
        self._period = 0.0
        self.strays = 0
        """Cuts that no message explains."""

    def sent(self, now: float, message: Mapping[str, Any]) -> None:
        """A message left."""
        self._sent.append(_Sent(now, None, 1.0 if is_hard(message) else _SOFT))
        if "reset_cache" in message:
            self._drain()

    def estimate(self, now: float) -> tuple[float, float] | None:
        """Mean and standard deviation of one change's latency, in seconds; None until cuts agree, and when that is old.

        The deviation holds the wait for the next call and how far the way may have drifted since the last cut.
        """
        if self._known is None or self._last_seen is None:
            return None
        way, spread = self._known
        spread = math.hypot(spread, _AGES * (now - self._last_seen))
        if spread > self._period:
            return None
        return way + 1.5 * self._period, math.hypot(spread, self._period / math.sqrt(12.0))

    def settle(self, phase: CallPhase) -> None:
        """The server was looked at: where that says which call took a message, the wait is known, too."""
        for place, one in enumerate(self._sent):
            if one.taken is None and (taken := phase.taken(one.at)) is not None:
                self._sent[place] = replace(one, taken=taken)

    def seen(self, now: float, period: float) -> None:
        """The picture cut at ``now``; a pipeline call takes ``period`` seconds."""
        chances = [(one, self._ways(one, now, period)) for one in self._sent]
        chances = [(one, ways) for one, ways in chances if ways.any()]
        if not chances:
            self.strays += 1
            return
        self._widen(now)
        total = sum(one.weight for one, _ in chances)
        explained = [one.weight * float(self._belief @ ways) for one, ways in chances]
        ours = (1.0 - _STRAY) / total * np.sum([one.weight * ways for one, ways in chances], axis=0)
        stray = _STRAY / (_BINS * _STEP_S)
        chance = float(self._belief @ ours)
        self._belief *= ours + stray
        self._belief /= self._belief.sum()
        if chance > stray:
            self._evidence = min(self._evidence + 1.0, _MOST_EVIDENCE)
            cause = chances[int(np.argmax(explained))][0]
            self._sent.remove(cause)
        else:
            self.strays += 1
            self._evidence = max(0.0, self._evidence - 1.0)
        self._sum_up(period)

    def _sum_up(self, period: float) -> None:
        way = float(self._belief @ _WAYS)
        spread = math.sqrt(max(0.0, float(self._belief @ (_WAYS - way) ** 2)))
        if self._evidence < _ENOUGH or spread > max(_NARROW_CALL * period, _NARROW_S):
            self._known = None
        else:
            self._known = (way, spread)
        self._period = period

    def _ways(self, one: _Sent, now: float, period: float) -> npt.NDArray[np.float64]:
        """How likely a cut at ``now`` is for each way, were this message its cause: a density, per second."""
        edge = _EDGE_S + _EDGE_CALL * period
        since = now - period - (one.at if one.taken is None else one.taken)
        if since < -2 * edge or since > _BINS * _STEP_S + period:
            return np.zeros(_BINS)
        if one.taken is not None:
            return np.asarray(np.exp(-0.5 * ((_WAYS - since) / edge) ** 2) / (edge * math.sqrt(2 * math.pi)))
        longest, shortest = np.tanh((since - _WAYS) / edge), np.tanh((since - period - _WAYS) / edge)
        return np.asarray(0.5 / period * (longest - shortest))

    def _widen(self, now: float) -> None:
        """The way may have changed since the last cut."""
        self._belief = (1.0 - _ANEW) * self._belief + _ANEW * _prior()
        since = 0.0 if self._last_seen is None else now - self._last_seen
        self._last_seen = now
        width = min(_DRIFT * since, _DRIFT_MOST_S) / _STEP_S
        if width < 0.1:
            return
        reach = math.ceil(3 * width)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
        padded = np.pad(self._belief, reach, mode="edge")
        self._belief = np.convolve(padded, kernel, "valid")
        self._belief /= self._belief.sum()

    def _drain(self) -> None:
        """A reset throws away the frames that wait on the server: the way is what it was, or shorter."""
        shorter = np.cumsum((self._belief / (np.arange(_BINS) + 1))[::-1])[::-1]
        self._belief = 0.5 * self._belief + 0.5 * shorter


def _prior() -> npt.NDArray[np.float64]:
    """Most ways are a tenth of a second, some are a full queue."""
    belief: npt.NDArray[np.float64] = np.exp(-_WAYS / 0.15) / 0.15 + 0.5 * np.exp(-_WAYS / 1.5) / 1.5
    belief /= belief.sum()
    return belief
