"""The sources that are drawn here: the guide and the test picture, a frame at every tick."""

from __future__ import annotations

__all__ = ["GuideSource", "Music", "TestSource"]

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.inputs.video.pace import Pace
from bridge.inputs.video.settings import VideoSettings
from bridge.inputs.video.source import Drawn
from bridge.model.beatgrid import BeatGrid
from bridge.model.features import Features
from bridge.model.guide import GuideWish
from bridge.render import TestCard
from bridge.render.guides import Cue, GuidePainter

_FALL_S: Final = 0.16
_LEVELS: Final = ("energy", "low", "mid", "high", "brightness")


@dataclass(frozen=True, slots=True)
class Music:
    """Where the guide reads, frame by frame and from its own thread: features, the beat grid and the theme's wish."""

    features: Callable[[], Features]
    grid: Callable[[], BeatGrid]
    wish: Callable[[], GuideWish]


class _Ticking:
    """Waits for its tick. ``wait`` sleeps so many seconds and says whether it is time to stop."""

    def __init__(self, fps: float, clock: Callable[[], float], wait: Callable[[float], bool]) -> None:
        self._fps = fps
        self._clock = clock
        self._wait = wait
        self._pace = Pace(fps, 0.0)

    def begin(self) -> None:
        self._pace = Pace(self._fps, self._clock())

    def tick(self) -> float | None:
        """Sleep until the next tick; its time, None when it is time to stop."""
        due = self._pace.next(self._clock())
        return None if self._wait(max(0.0, due - self._clock())) else due


class GuideSource:
    """The guide: in video mode each of a chunk's frames carries its own beat.

    Levels jump up with the sound and fall slowly, or a hard hat would make the picture flicker.
    """

    def __init__(
        self,
        settings: VideoSettings,
        music: Music,
        *,
        clock: Callable[[], float],
        wait: Callable[[float], bool],
    ) -> None:
        self._settings = settings
        self._music = music
        self._clock = clock
        self._ticking = _Ticking(settings.fps, clock, wait)
        self._painter: GuidePainter | None = None
        self._cue = Cue()
        self._began = 0.0

    def open(self, width: int, height: int) -> str:
        """See :class:`bridge.inputs.video.source.Source`."""
        self._painter = GuidePainter(width, height)
        self._began = self._clock()
        self._ticking.begin()
        return "theme" if self._settings.guide == "theme" else self._settings.guide

    def read(self, timeout: float) -> Drawn | None:
        """The next frame, at its tick."""
        due = self._ticking.tick()
        if due is None or self._painter is None:
            return None
        self._cue = self._follow(due)
        return Drawn(self._painter.paint(self._cue))

    def close(self) -> None:
        """Forget the painter."""
        self._painter = None

    def _follow(self, t: float) -> Cue:
        features, grid, wish = self._music.features(), self._music.grid(), self._music.wish()
        since = t - self._began
        fall = math.exp(-max(since - self._cue.t, 0.0) / _FALL_S)
        levels = {name: max(getattr(features, name), getattr(self._cue, name) * fall) for name in _LEVELS}
        lead = self._settings.guide_lead_ms / 1000.0
        return dataclasses.replace(
            self._cue,
            guide=wish.name if self._settings.guide == "theme" else self._settings.guide,
            words=wish.words,
            t=since,
            beat=grid.position_at(t + lead) if grid.bpm is not None else None,
            intensity=self._settings.guide_intensity,
            **levels,
        )


class TestSource:
    """The test picture: bars, a sweep and a running number, so that a standstill can be seen."""

    __test__ = False

    def __init__(self, settings: VideoSettings, *, clock: Callable[[], float], wait: Callable[[float], bool]) -> None:
        self._ticking = _Ticking(settings.fps, clock, wait)
        self._card: TestCard | None = None
        self._count = 0

    def open(self, width: int, height: int) -> str:
        """See :class:`bridge.inputs.video.source.Source`."""
        self._card = TestCard(width, height)
        self._ticking.begin()
        return "bars"

    def read(self, timeout: float) -> Drawn | None:
        """The next frame, at its tick."""
        due = self._ticking.tick()
        if due is None or self._card is None:
            return None
        self._count += 1
        return Drawn(self._card.paint(self._count, due))

    def close(self) -> None:
        """Forget the picture."""
        self._card = None
