"""How long a pipeline call takes, read from the frames that come back (scope-protocol section 6.1)."""

from __future__ import annotations

__all__ = ["ChunkMeter"]

import math
import operator
import statistics
from collections import deque
from typing import Final

from bridge.model.facts import ChunkFacts

_CHUNKS_SEEN: Final = 4
_GAP_CHUNKS: Final = 3.0
_SPAN_FRAMES: Final = 8
_SHORTEST_GAP_S: Final = 0.25
_SLOW_FPS: Final = 15.0
_FAST_FPS: Final = 25.0
_LARGE_CHUNK: Final = 8


class ChunkMeter:
    """Measures the chunk period over the newest frames of four chunks.

    Frames come in bursts at the borders of chunks, so only spans of whole chunks are looked at, and of small chunks
    spans of several: the network bunches single frames, too. The median of the spans is taken: a cache reset throws
    away the frames that wait on the server, and that gap says nothing about the pipeline's pace. A silence of more
    than three chunks starts the measurement anew.
    """

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._times: deque[float] = deque(maxlen=_CHUNKS_SEEN * self._span + 1)
        self._facts = ChunkFacts(frames, self._prior(frames), measured=False)

    @property
    def _span(self) -> int:
        """Frames of the shortest run of whole chunks that is long enough to measure."""
        return self._frames * max(1, math.ceil(_SPAN_FRAMES / self._frames))

    @property
    def facts(self) -> ChunkFacts:
        """Frames and seconds of one call; a prior until two chunks were seen."""
        return self._facts

    @property
    def fps(self) -> float:
        """Frames per second over the measured span; 0.0 before there is one."""
        return self._facts.frames / self._facts.period_s if self._facts.measured else 0.0

    def set_frames(self, frames: int) -> None:
        """Another chunk size: the pace is measured anew, the frame rate so far is the prior."""
        if frames == self._frames:
            return
        period = frames / self.fps if self._facts.measured else self._prior(frames)
        self._frames = frames
        self._times = deque(self._times, maxlen=_CHUNKS_SEEN * self._span + 1)
        self._facts = ChunkFacts(frames, period, self._facts.measured)

    def restart(self) -> None:
        """Forget the arrival times, such as after a pause; the last period stays as the prior."""
        self._times.clear()

    def add(self, count: int, now: float) -> None:
        """``count`` frames arrived at ``now`` (monotonic seconds)."""
        if self._times and now - self._times[-1] > max(_SHORTEST_GAP_S, _GAP_CHUNKS * self._facts.period_s):
            self._times.clear()
        self._times.extend([now] * min(count, self._times.maxlen or count))
        span = self._span
        if len(self._times) > 2 * span:
            times = list(self._times)
            seconds = statistics.median(map(operator.sub, times[span:], times))
            if seconds > 0:
                self._facts = ChunkFacts(self._frames, seconds * self._frames / span, measured=True)

    @staticmethod
    def _prior(frames: int) -> float:
        return frames / (_SLOW_FPS if frames >= _LARGE_CHUNK else _FAST_FPS)
