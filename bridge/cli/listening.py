"""The whole ear over a stream of samples, hop by hop, and what may be kept of it."""

from __future__ import annotations

__all__ = ["Keeper", "Listening", "Moment", "beat_document"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bridge.ears import Ears, Track
from bridge.model.events import TrackedBeat
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock, Features


@dataclass(frozen=True, slots=True)
class Moment:
    """One hop: 512 samples, what the ears say of them, and the beats they announce; times count from the first sample."""

    t: float
    samples: npt.NDArray[np.float32]
    features: Features
    track: Track
    beats: tuple[TrackedBeat, ...]


class Keeper(Protocol):
    """Keeps something of what is heard: a click track, a plot."""

    def push(self, moment: Moment) -> None:
        """Take the next hop."""

    def finish(self) -> None:
        """Write what is left."""


class Listening:
    """Runs the ears at the speed that samples come; time is counted in samples.

    Args:
        ears: fresh ones.
        keepers: told of every hop.
    """

    def __init__(self, ears: Ears, keepers: Sequence[Keeper] = ()) -> None:
        self._ears = ears
        self._keepers = keepers
        self._hops = 0

    @property
    def seconds(self) -> float:
        """How much has been heard."""
        return self._hops * HOP / SAMPLE_RATE

    def push(self, samples: npt.NDArray[np.float32]) -> Moment:
        """Listen to the next 512 samples."""
        self._hops += 1
        heard = self._ears.push(AudioBlock(self.seconds, samples))
        moment = Moment(self.seconds, samples, heard.features, self._ears.track, heard.beats)
        for keeper in self._keepers:
            keeper.push(moment)
        return moment

    def finish(self) -> None:
        """Let every keeper write what is left."""
        for keeper in self._keepers:
            keeper.finish()


def beat_document(beat: TrackedBeat, file: str | None = None) -> dict[str, Any]:
    """A beat for scripts: ``time`` when it sounds, ``announced`` when a listener is told, in seconds of the audio."""
    return {
        "type": "beat",
        **({} if file is None else {"file": file}),
        "announced": round(beat.announced, 6),
        "time": round(beat.t, 6),
        "downbeat": beat.downbeat,
        "bpm": round(beat.bpm, 3),
        "confidence": round(beat.confidence, 4),
    }
