"""The whole ear over a stream of samples, hop by hop, and what may be kept of it."""

from __future__ import annotations

__all__ = ["Keeper", "Listening", "Moment", "Printing", "documents_of"]

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bridge.ears import Ears, Track
from bridge.model.events import SectionEvent, TrackedBeat
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock, Features, signals_of


@dataclass(frozen=True, slots=True)
class Moment:
    """One hop: 512 samples and what the ears say of them: the beats they announce, the parts of the track that begin.

    Times count from the first sample.
    """

    t: float
    samples: npt.NDArray[np.float32]
    features: Features
    track: Track
    beats: tuple[TrackedBeat, ...]
    sections: tuple[SectionEvent, ...] = ()


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
        moment = Moment(self.seconds, samples, heard.features, self._ears.track, heard.beats, heard.sections)
        for keeper in self._keepers:
            keeper.push(moment)
        return moment

    def finish(self) -> None:
        """Let every keeper write what is left, also where another one cannot."""
        with ExitStack() as all_of_them:
            for keeper in self._keepers:
                all_of_them.callback(keeper.finish)


@dataclass(frozen=True, slots=True)
class Printing:
    """What is printed: ``json`` lines, with parts of the track (``events``) and all values (``features``) if wanted."""

    json: bool = False
    events: bool = False
    features: bool = False


def documents_of(moment: Moment, printing: Printing, file: str | None = None) -> Iterator[dict[str, Any]]:
    """What a script is told of one hop.

    A beat has ``time`` when it sounds and ``announced`` when a listener is told, in seconds of the audio; ``downbeat``
    is true where a bar surely begins, false also where the ears cannot tell.
    """
    named = {} if file is None else {"file": file}
    if printing.features:
        yield {"type": "features", **named, **_values(moment)}
    if printing.events:
        for section in moment.sections:
            yield {
                "type": "section",
                **named,
                "time": round(section.t, 6),
                "section": section.section,
                "confidence": round(section.confidence, 4),
            }
    for beat in moment.beats:
        yield {
            "type": "beat",
            **named,
            "announced": round(beat.announced, 6),
            "time": round(beat.t, 6),
            "downbeat": bool(beat.downbeat),
            "bpm": round(beat.bpm, 3),
            "confidence": round(beat.confidence, 4),
        }


def _values(moment: Moment) -> dict[str, Any]:
    """Every value by the name that mappings have for it."""
    features, track = moment.features, moment.track
    return {
        "time": round(moment.t, 6),
        "level_db": round(features.level_db, 2),
        "peak_db": round(features.peak_db, 2),
        "clipping": features.clipping,
        "gated": features.gated,
        "section": features.section,
        "activation": round(track.activation, 4),
        "bpm": None if track.bpm is None else round(track.bpm, 3),
        "confidence": round(track.confidence, 4),
        **{name: round(value, 6) for name, value in signals_of(features).items()},
    }
