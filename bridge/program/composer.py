"""The program's pure middle: from the newest frame and what is asked to one canvas picture."""

from __future__ import annotations

__all__ = ["Composer", "ProgramState"]

from typing import Final, Literal

from bridge.model.desired import FxState
from bridge.model.facts import ScopeFacts
from bridge.model.frames import Frame
from bridge.program.convert import ColourFix, Placer
from bridge.program.effects import Envelopes, Looks
from bridge.program.flashguard import FlashGuard
from bridge.program.picture import Mixer, Picture, black_picture, to_weight
from bridge.program.settings import ProgramSettings
from bridge.program.slate import Slate, slate_text

ProgramState = Literal["slate", "live", "held", "frozen", "black"]

CHUNKS_WAITED: Final = 1.25
"""Pictures come in bursts, one per chunk: only a gap longer than this many chunks is a loss."""


class Composer:
    """Composes the program picture. Has no clock and no thread; ``now`` never runs backwards.

    Slate, held picture, blackout and freeze are levels that move by themselves, so a picture that never comes
    back, or comes back after an hour, needs no special case. Every stage gives the same array again while
    nothing changed, so an idle tick costs next to nothing.

    Args:
        settings: the ``[program]`` section.
        source_size: (width, height) that the canvas preset ``source`` stands for.
    """

    def __init__(self, settings: ProgramSettings, *, source_size: tuple[int, int] = (576, 320)) -> None:
        self.width, self.height = settings.size(source_size)
        self._settings = settings
        self._colour = ColourFix()
        self._envelopes = Envelopes(settings)
        self._looks = Looks(settings)
        self._placer = Placer(self.width, self.height, settings.fit)
        self._slate = Slate(self.width, self.height, settings.slate_title, talkative=settings.slate_text)
        self._black = black_picture(self.width, self.height)
        self._to_slate, self._to_black = Mixer(), Mixer()
        self._guard = FlashGuard(self.width, self.height) if settings.flash_guard else None
        self._now: float | None = None
        self._frame: Frame | None = None
        self._arrived = 0.0
        self._slate_level = 1.0
        self._black_level = 0.0
        self._scene: Picture | None = None
        self._seq = 0
        self.state: ProgramState = "slate"

    @property
    def limited(self) -> int:
        """Pictures the flash guard held back."""
        return self._guard.limited if self._guard else 0

    def age(self, now: float) -> float | None:
        """Seconds since the frame on show arrived, or None while none is."""
        return None if self._frame is None or self._slate_level >= 1.0 else max(0.0, now - self._frame.t)

    def compose(self, frame: Frame | None, fx: FxState, facts: ScopeFacts, now: float) -> Frame:
        """One canvas picture in BT.709.

        ``frame`` is the newest returned frame, the same object as before while no newer one came.

        Raises:
            ValueError: the frame's array does not fit its size; nothing has changed then, so compose again
                with the frame before.
        """
        if frame is not None and frame is not self._frame:
            self._colour(frame)
            self._frame, self._arrived = frame, now
        dt = 0.0 if self._now is None else max(0.0, now - self._now)
        self._now = now
        live = self._is_live(fx, facts, now)
        self._slate_level = _towards(self._slate_level, 0.0 if live else 1.0, dt, self._settings.fade_s)
        self._black_level = _towards(self._black_level, float(fx.blackout), dt, self._settings.blackout_s)
        if not fx.freeze or self._scene is None:
            self._scene = self._compose_scene(fx, facts, now, dt)
        light = min(max(fx.brightness, 0.0), 1.0) * (1.0 - self._black_level)
        picture = self._to_black(self._scene, self._black, to_weight(1.0 - light))
        if self._guard is not None:
            picture = self._guard(picture, now)
        self.state = self._named_state(fx, live)
        self._seq += 1
        return Frame(picture, self.width, self.height, now, self._seq, "bt709")

    def _is_live(self, fx: FxState, facts: ScopeFacts, now: float) -> bool:
        if self._frame is None:
            return False
        patience = max(self._settings.lost_after_s, CHUNKS_WAITED * facts.chunk.period_s)
        return now - self._arrived <= patience or (fx.paused and self._slate_level < 1.0)

    def _compose_scene(self, fx: FxState, facts: ScopeFacts, now: float, dt: float) -> Picture:
        words = slate_text(facts, self._frame is not None)
        if self._frame is None or (self._slate_level >= 1.0 and self._settings.lost == "slate"):
            return self._slate.picture(words)
        live = self._live_picture(self._frame, fx, now, dt)
        if self._slate_level <= 0.0:
            return live
        if self._settings.lost == "hold":
            under = self._slate.caption(live, words, self._black)
        else:
            under = self._slate.picture(words)
        return self._to_slate(live, under, to_weight(self._slate_level))

    def _live_picture(self, frame: Frame, fx: FxState, now: float, dt: float) -> Picture:
        # A picture is on show until the next tick, so it stands for the middle of that time: pulses come on the beat
        # on average, not half a picture late.
        look = self._envelopes.at(fx, now + 0.5 / self._settings.fps)
        picture = self._looks(self._colour(frame), look, dt)
        return self._placer(picture, 1.0 + look.zoom * self._settings.zoom_amount)

    def _named_state(self, fx: FxState, live: bool) -> ProgramState:
        if self._black_level >= 1.0:
            return "black"
        if fx.freeze:
            return "frozen"
        if live:
            return "live"
        return "slate" if self._frame is None or self._settings.lost == "slate" else "held"


def _towards(level: float, goal: float, dt: float, seconds: float) -> float:
    step = 1.0 if seconds <= 0.0 else dt / seconds
    return min(level + step, goal) if level < goal else max(level - step, goal)
