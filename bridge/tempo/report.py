"""Tempo and beats told by another program: Ableton over OSC, Link, OS2L, or a typed number."""

from __future__ import annotations

__all__ = ["ReportFollower"]

import math
from collections import deque
from typing import Final

from bridge.model.beatgrid import Uncertainty
from bridge.model.events import BpmReport
from bridge.tempo.reading import MAX_BPM, MIN_BPM, Reading, typed

_KEEP_BEATS: Final = 16
_FALLS_SILENT_BEATS: Final = 4.0
_USUALLY_LATE_S: Final = 0.05
_BIAS_S: Final = 0.0005
_TOLD_DRIFT: Final = 5e-5
_NEEDS_BEATS: Final = 4
"""Beats needed to derive a tempo that was not told."""


class ReportFollower:
    """A program's own words: a tempo, beat numbers as they sound, and whether it plays.

    Beat messages come late by a varying amount, never early (AbletonOSC serves its socket every 100 ms,
    inputs section 3), so the phase is that of the earliest of the last 16. A tempo told without any beat is
    taken as typed by hand and outranks audio for ``hold_s``.
    """

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._bpm: float | None = None
        self._told_at = 0.0
        self._beat_time = 0.0
        self._let_go = False
        self._beats: deque[tuple[float, int]] = deque(maxlen=_KEEP_BEATS)
        self._playing: bool | None = None
        self._jumps = 0

    def feed(self, report: BpmReport, beat_time: float) -> bool:
        """Take a report; a tempo outside 20..400 BPM is left out.

        ``beat_time`` is where the clock has a beat now: a tempo told without beats keeps it. Returns whether
        the told tempo is another than before (some programs tell the same one 60 times a second).
        """
        changed = False
        if report.playing is not None:
            if self._playing is False and report.playing:
                self._beats.clear()
            self._playing = report.playing
        if report.bpm is not None and MIN_BPM <= report.bpm <= MAX_BPM:
            if self._bpm is None or abs(report.bpm - self._bpm) > 0.01:
                self._keep_last_beat()
                self._jumps += 1
                self._beat_time = beat_time
                self._let_go = False
                changed = True
            self._bpm = report.bpm
            self._told_at = report.t
        if report.beat is not None:
            self._feed_beat(report.t, report.beat)
        return changed

    def _feed_beat(self, t: float, beat: int) -> None:
        if self._beats:
            before, last = self._beats[-1]
            if t <= before or beat == last:
                return
            period = self._period()
            late = 0.0 if period is None else (t - before) / period - (beat - last)
            if beat < last or beat - last > _KEEP_BEATS or abs(late) > 1.0:
                self._beats.clear()
                self._jumps += 1
        self._beats.append((t, beat))
        self._let_go = False

    def _keep_last_beat(self) -> None:
        while len(self._beats) > 1:
            self._beats.popleft()

    def _period(self) -> float | None:
        if self._bpm is not None:
            return 60.0 / self._bpm
        if len(self._beats) < _NEEDS_BEATS:
            return None
        (first_t, first), (last_t, last) = self._beats[0], self._beats[-1]
        period = (last_t - first_t) / (last - first)
        return period if MIN_BPM <= 60.0 / period <= MAX_BPM else None

    def let_go(self) -> None:
        """Set a tempo aside that was told without beats, until another is told or a beat comes."""
        self._let_go = not self._beats

    def reading(self, now: float) -> Reading | None:
        """The program's grid; None when it stopped or its beats fell silent."""
        period = self._period()
        if period is None or self._playing is False or self._let_go:
            return None
        if not self._beats:
            return Reading(
                period=period,
                beat_time=self._beat_time,
                confidence=0.7,
                steady=True,
                by_hand=True,
                weak=now - self._told_at > self._hold_s,
                jumped=self._jumps,
                uncertainty=typed(self._told_at),
            )
        newest_t, number = self._beats[-1]
        if now - newest_t > _FALLS_SILENT_BEATS * period:
            return None
        folded = [t - (beat - number) * period for t, beat in self._beats]
        earliest = min(folded)
        return Reading(
            period=period,
            beat_time=earliest,
            number=number,
            confidence=min(0.95, 0.6 + 0.05 * len(self._beats)),
            has_bars=True,
            steady=len(self._beats) >= 2,
            jumped=self._jumps,
            uncertainty=self._uncertainty(earliest, max(folded) - earliest),
        )

    def _uncertainty(self, earliest: float, range_s: float) -> Uncertainty:
        """Messages late by anything up to some limit: how far the earliest may still be from the beat.

        Of n numbers even in 0..L the smallest is sqrt(2 / ((n + 1) (n + 2))) L from 0 (root mean square), and their
        range is (n - 1) / (n + 1) L on average.
        """
        count = len(self._beats)
        late = _USUALLY_LATE_S if count < 2 else range_s * (count + 1) / (count - 1)
        sd = late * math.sqrt(2.0 / ((count + 1) * (count + 2)))
        span = self._beats[-1][0] - self._beats[0][0]
        drift = _TOLD_DRIFT if self._bpm is not None else late / math.sqrt(6.0) / span
        return Uncertainty(earliest, math.hypot(_BIAS_S, sd), drift)

    def stopped(self) -> bool:
        """Whether the program said that it stopped, or its typed tempo was let go."""
        return self._playing is False or self._let_go
