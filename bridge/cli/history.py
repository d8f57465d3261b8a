"""The course of what was heard, in so little memory that hours fit."""

from __future__ import annotations

__all__ = ["CHANNELS", "MOST_COLUMNS", "SECTIONS", "History"]

from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.cli.listening import Moment
from bridge.model.features import BANDS, HOP, SAMPLE_RATE, Section

MOST_COLUMNS: Final = 16384
FLOOR_DB: Final = -60.0
SECTIONS: Final[tuple[Section, ...]] = ("none", "steady", "breakdown", "build_up", "drop")
"""What the channel ``section`` counts: where two share a column, the later of this list is shown."""

CHANNELS: Final = (
    *("section", "build_up", "level", "peak", "clipping", "energy", "energy_long"),
    *(f"band_{n}" for n in range(1, BANDS + 1)),
    *(f"onset_{n}" for n in range(1, BANDS + 1)),
    *("kick", "snare", "hat", "harmonic_change", "activation", "bpm", "confidence", "beat"),
)
_BEAT: Final = CHANNELS.index("beat")


class History:
    """The course of all ``CHANNELS`` in at most 16384 columns: when they are full, neighbours merge to their maximum.

    ``level`` and ``peak`` are 0..1 for -60 to 0 dBFS, ``section`` an index of ``SECTIONS``, ``bpm`` 0 where unknown,
    ``beat`` 1 for a beat and 2 for a downbeat; all others 0..1.
    """

    def __init__(self) -> None:
        self.values = np.zeros((len(CHANNELS), MOST_COLUMNS), np.float32)
        self.hops_a_column = 1
        self.hops = 0
        self.beats = 0

    @property
    def column_s(self) -> float:
        """Seconds that a column stands for."""
        return self.hops_a_column * HOP / SAMPLE_RATE

    @property
    def seconds(self) -> float:
        """Seconds of it all."""
        return self.hops * HOP / SAMPLE_RATE

    @property
    def columns(self) -> int:
        """Columns in use."""
        return -(-self.hops // self.hops_a_column)

    def course(self, channel: str) -> npt.NDArray[np.float32]:
        """The columns in use of one channel."""
        return self.values[CHANNELS.index(channel), : self.columns]

    def push(self, moment: Moment) -> None:
        """Take the next hop."""
        if self.hops == MOST_COLUMNS * self.hops_a_column:
            merged = self.values.reshape(len(CHANNELS), -1, 2).max(axis=2)
            self.values[:, : MOST_COLUMNS // 2] = merged
            self.values[:, MOST_COLUMNS // 2 :] = 0
            self.hops_a_column *= 2
        column = self.values[:, self.hops // self.hops_a_column]
        np.maximum(column, np.array(_values(moment), np.float32), out=column)
        self.hops += 1
        for beat in moment.beats:
            self.beats += 1
            at = min(max(int(beat.t / self.column_s), 0), MOST_COLUMNS - 1)
            self.values[_BEAT, at] = max(self.values[_BEAT, at], 2.0 if beat.downbeat else 1.0)


def _values(moment: Moment) -> tuple[float, ...]:
    features, track = moment.features, moment.track
    return (
        SECTIONS.index(features.section),
        features.build_up,
        _share(features.level_db),
        _share(features.peak_db),
        features.clipping,
        features.energy,
        features.energy_long,
        *features.bands,
        *features.onset_bands,
        features.kick,
        features.snare,
        features.hat,
        features.harmonic_change,
        track.activation,
        track.bpm if track.bpm is not None and track.confidence > 0 else 0.0,
        track.confidence,
        0.0,
    )


def _share(level_db: float) -> float:
    return min(max(1 - level_db / FLOOR_DB, 0.0), 1.0)
