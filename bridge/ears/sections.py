"""Parts of a track as they come: build-up, drop and breakdown, from how the bands move over bars. Pure and causal."""

from __future__ import annotations

__all__ = ["SectionFinder"]

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from bridge.ears._dynamics import HOP_S
from bridge.model.events import SectionEvent
from bridge.model.features import Section

_TICK_HOPS: Final = 10
_TICK_S: Final = _TICK_HOPS * HOP_S
_KEPT: Final = 128
# Low, presence and high, as parts of the eight bands: up to 150, 2500 and 16000 Hz.
_PARTS: Final = (slice(0, 2), slice(2, 5), slice(5, 8))
_SILENT: Final = 1e-12
# Beats are taken as long as the tempo says, within these; unknown tempo counts as 120.
_BEAT_S: Final = (0.33, 0.75)
_USUAL_BEAT_S: Final = 0.5

_LISTEN_BEATS: Final = 8.0
"""Music is heard this long before anything is said of it."""
_LEARN_S: Final = 8.0
_RELEARN_S: Final = 60.0
# The low band is gone this far below its usual level (dB), and below its usual share of the music.
_GONE_DB: Final = 9.0
_GONE_SHARE_DB: Final = 6.0
_SPREADS: Final = 3.0
_BASSLESS_DB: Final = -6.0
_BREAKDOWN_BEATS: Final = 6.0
_STEADY_BEATS: Final = 4.0
# A drop: the low band is back near its usual level, this much above what it was, within a beat.
_BACK_DB: Final = 4.0
_JUMP_DB: Final = 6.0
_DROP_WINDOW_BEATS: Final = 0.7
_DROP_LASTS_BEATS: Final = 32.0
# A build-up: how far each part has to rise over four bars to count in full.
_RISES: Final = np.array([8.0, 8.0, 3.0])
_RISING_BEATS: Final = (8.0, 16.0)
_EVEN: Final = 9.0
_FALLS: Final = 0.15
_FULL_COUNTS: Final = 0.6
_RISE_BEATS: Final = 2.0
_FALL_BEATS: Final = 4.0
_BUILDING: Final = 0.5
_BUILDING_BEATS: Final = 2.0
_OVER: Final = 0.2
_OVER_BEATS: Final = 8.0
_THIN_DB: Final = 3.0


class SectionFinder:
    """Told the eight bands of every hop; says when a part begins.

    A **breakdown** is six beats without the low band in music that has one. A **build-up** is high bands or onsets that
    rise from bar to bar over four bars, the more so while the low band is thinned out. A **drop** is the low band coming
    back within a beat after either. Levels count against what this music has been like, so the input's level does not
    matter. ``section`` is the part that plays, ``build_up`` 0..1 how far a build-up seems under way.
    """

    def __init__(self) -> None:
        self._hops = 0
        self._sum = [0.0] * len(_PARTS)
        self._onsets = 0
        self._begin()

    def _begin(self) -> None:
        self.section: Section = "none"
        self.build_up = 0.0
        self._ticks = 0
        # Low, presence and high power and onsets a second, newest last.
        self._past = np.zeros((4, _KEPT))
        self._usual_db = self._usual_share = self._spread = 0.0
        self._gone = self._back = self._building = self._over = 0.0
        self._since = 0.0

    def step(
        self, bands: Sequence[float], t: float, *, onset: bool, gated: bool, bpm: float | None
    ) -> tuple[SectionEvent, ...]:
        """A hop: RMS of the eight bands, its end, whether a sound started, the tempo where known."""
        if gated:
            return self._silence(t)
        for row, part in enumerate(_PARTS):
            self._sum[row] += sum(level * level for level in bands[part])
        self._onsets += onset
        self._hops += 1
        if self._hops < _TICK_HOPS:
            return ()
        self._past[:, :-1] = self._past[:, 1:]
        self._past[:3, -1] = np.divide(self._sum, _TICK_HOPS)
        self._past[3, -1] = self._onsets / _TICK_S
        self._sum, self._hops, self._onsets = [0.0] * len(_PARTS), 0, 0
        beat_s = min(max(60.0 / bpm, _BEAT_S[0]), _BEAT_S[1]) if bpm else _USUAL_BEAT_S
        return self._tick(beat_s / _TICK_S, t)

    def _silence(self, t: float) -> tuple[SectionEvent, ...]:
        before = self.section
        if self._ticks:
            self._begin()
        return (SectionEvent(t, "none", 1.0),) if before != "none" else ()

    def _tick(self, beat: float, t: float) -> tuple[SectionEvent, ...]:
        """``beat`` is its length in ticks."""
        self._ticks += 1
        low = _decibels(self._mean(0, beat))
        share = low - _decibels(self._mean(1, beat) + self._mean(2, beat))
        if self._ticks < _LISTEN_BEATS * beat:
            self._usual_db, self._usual_share = low, share
            return ()
        step = 1.0 / beat
        self._since += step
        gone = self._is_gone(low, share)
        self._gone = self._gone + step if gone else 0.0
        self._back = self._back + step if low > self._usual_db - _BACK_DB else 0.0
        self._learn(low, share, gone)
        rising = self._rising(beat, low)
        beats = _RISE_BEATS if rising > self.build_up else _FALL_BEATS
        self.build_up += (rising - self.build_up) * min(1.0, step / beats)
        self._building = self._building + step if self.build_up >= _BUILDING else 0.0
        self._over = self._over + step if self.build_up <= _OVER else 0.0
        return self._follow(beat, t, low)

    def _mean(self, row: int, ticks: float, ago: float = 0.0) -> float:
        """Mean over the last ``ticks``, or over those that ended ``ago`` ticks back."""
        end = _KEPT - round(ago)
        return float(self._past[row, max(end - max(round(ticks), 1), 0) : end].mean())

    def _is_gone(self, low: float, share: float) -> bool:
        if self._usual_share < _BASSLESS_DB:
            return False
        # Where the low band comes and goes anyway, more has to be missing.
        wide = max(1.0, _SPREADS * self._spread / _GONE_DB)
        return low < self._usual_db - wide * _GONE_DB and share < self._usual_share - wide * _GONE_SHARE_DB

    def _learn(self, low: float, share: float, gone: bool) -> None:
        keep = math.exp(-_TICK_S / (_RELEARN_S if gone else _LEARN_S))
        if not gone:
            self._spread = keep * self._spread + (1 - keep) * abs(low - self._usual_db)
        self._usual_db = keep * self._usual_db + (1 - keep) * low
        self._usual_share = keep * self._usual_share + (1 - keep) * share

    def _rising(self, beat: float, low: float) -> float:
        """How much presence, high band and onsets rise over the last four bars, 0..1."""
        rising = max(self._climb(beats / 4 * beat) for beats in _RISING_BEATS)
        thin = min(max((self._usual_db - low) / _THIN_DB, 0.0), 1.0)
        return rising * (_FULL_COUNTS + (1 - _FULL_COUNTS) * thin)

    def _climb(self, part: float) -> float:
        """The same over four parts of so many ticks, whatever the low band does."""
        ticks = round(part)
        if self._ticks < 4 * ticks:
            return 0.0
        parts = self._past[1:, -4 * ticks :].reshape(3, 4, ticks).mean(axis=2)
        parts[:2] = 10 * np.log10(parts[:2] + _SILENT)
        steps = np.diff(parts, axis=1)
        whole = parts[:, 3] - parts[:, 0]
        # A riser rises in every part; a new part of the track, once.
        even = np.clip(_EVEN * np.sort(steps, axis=1)[:, 1] / np.maximum(whole, 1e-9), 0, 1)
        falls = steps.min(axis=1) < -_FALLS * _RISES
        most, more = np.sort(np.clip(whole / _RISES, 0, 1) * even * ~falls)[:0:-1]
        return min(float(0.7 * most + 0.5 * more), 1.0)

    def _follow(self, beat: float, t: float, low: float) -> tuple[SectionEvent, ...]:
        """Hysteresis: which part begins now, if one does."""
        if self.section in ("breakdown", "build_up") and (event := self._drop(beat, t)):
            return event
        if self.section == "none":
            return self._enter("steady", t, 0.5)
        if self._building >= _BUILDING_BEATS and self.section != "build_up":
            return self._enter("build_up", t, self.build_up)
        if self._gone >= _BREAKDOWN_BEATS and (self.section in ("steady", "drop") or self._is_over("build_up")):
            return self._enter("breakdown", t, min((self._usual_db - low) / (2 * _GONE_DB), 1.0))
        if self._back >= _STEADY_BEATS and (self.section == "breakdown" or self._is_over("build_up")):
            return self._enter("steady", t, 0.5)
        if self.section == "drop" and self._since >= _DROP_LASTS_BEATS:
            return self._enter("steady", t, 0.5)
        return ()

    def _is_over(self, section: Section) -> bool:
        return self.section == section and self._over >= _OVER_BEATS

    def _drop(self, beat: float, t: float) -> tuple[SectionEvent, ...]:
        now = _decibels(self._mean(0, _DROP_WINDOW_BEATS * beat))
        before = _decibels(self._mean(0, 2 * beat, beat))
        if now < self._usual_db - _BACK_DB or now - before < _JUMP_DB:
            return ()
        self.build_up = 0.0
        return self._enter("drop", t, min((now - before) / (2 * _JUMP_DB), 1.0))

    def _enter(self, section: Section, t: float, confidence: float) -> tuple[SectionEvent, ...]:
        self.section, self._since, self._gone, self._over = section, 0.0, 0.0, 0.0
        return (SectionEvent(t, section, confidence),)


def _decibels(power: float) -> float:
    return 10 * math.log10(power + _SILENT)
