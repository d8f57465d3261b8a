"""The program thread: one composed picture per tick, whatever Scope does."""

from __future__ import annotations

__all__ = ["Program", "ProgramStatus"]

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from av import FFmpegError

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import FxState
from bridge.model.facts import ScopeFacts
from bridge.model.frames import Frame, LatestSlot
from bridge.model.meter import Meter
from bridge.program.composer import Composer, ProgramState
from bridge.program.schedule import Schedule
from bridge.program.settings import ProgramSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """The program picture now.

    ``fps`` is measured. ``missed`` ticks were skipped because one before took too long. ``age_ms`` is the time
    since the frame on show arrived (at its composition), None while none is. ``limited`` pictures were held
    back by the flash guard. ``compose_ms`` is what the last picture took.
    """

    state: ProgramState
    width: int
    height: int
    fps: float
    ticks: int
    missed: int
    age_ms: float | None
    limited: int
    compose_ms: float


class Program:
    """Composes onto ``canvas`` from ``frames`` in a thread of its own, named ``program``.

    Args:
        settings: the ``[program]`` section.
        frames: the newest frame returned by Scope.
        canvas: where composed pictures go; all outputs copy from it.
        fx: the newest local effects, blackout and freeze.
        facts: what is known of the server, for the slate's words.
        board: frames that cannot be used are counted there.
        clock: monotonic seconds, the clock of every ``t`` in frames and pulses.
        source_size: (width, height) Scope is asked to make; the canvas preset ``source`` takes it.
    """

    def __init__(
        self,
        settings: ProgramSettings,
        *,
        frames: LatestSlot[Frame],
        canvas: LatestSlot[Frame],
        fx: Cell[FxState],
        facts: Cell[ScopeFacts],
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
        source_size: tuple[int, int] = (576, 320),
    ) -> None:
        self._settings = settings
        self._frames = frames
        self._canvas = canvas
        self._fx = fx
        self._facts = facts
        self._board = board
        self._clock = clock
        self._composer = Composer(settings, source_size=source_size)
        self._good: Frame | None = None
        self._refused: Frame | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._meter = Meter()
        self._ticks = 0
        self._missed = 0
        self._age: float | None = None
        self._took = 0.0
        self.last_tick: float | None = None
        """When the newest picture was composed; None before the first."""

    @property
    def size(self) -> tuple[int, int]:
        """Canvas (width, height): fixed for the life of the program."""
        return self._composer.width, self._composer.height

    @property
    def fps(self) -> float:
        """Pictures per second that the canvas promises."""
        return self._settings.fps

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Put the first slate onto the canvas, then start the thread (again, where it died).

        Outputs may open once this returns.
        """
        if self.alive:
            return
        self._stop.clear()
        self._tick()
        self._thread = threading.Thread(target=self._run, name="program", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the last picture stays in the slot."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def status(self) -> ProgramStatus:
        """The program picture now, from any thread."""
        return ProgramStatus(
            state=self._composer.state,
            width=self._composer.width,
            height=self._composer.height,
            fps=self._meter.rate(self._clock()),
            ticks=self._ticks,
            missed=self._missed,
            age_ms=None if self._age is None else self._age * 1000.0,
            limited=self._composer.limited,
            compose_ms=self._took * 1000.0,
        )

    def _run(self) -> None:
        schedule = Schedule(self._settings.fps, self._clock())
        seen = self._frames.puts
        while not self._stop.is_set():
            if self._settings.low_latency:
                _, puts = self._frames.wait_newer(seen, max(0.0, schedule.due - self._clock()))
                if puts != seen:
                    seen = puts
                    self._tick()
                    schedule.restart(self._clock())
                    continue
            elif self._stop.wait(max(0.0, schedule.due - self._clock())):
                return
            self._missed += schedule.ticked(self._clock())
            self._tick()

    def _tick(self) -> None:
        began = self._clock()
        picture = self._compose(began)
        self._canvas.put(picture)
        self._age = self._composer.age(began)
        self._took = self._clock() - began
        self.last_tick = began
        self._ticks += 1
        self._meter.tick(began)

    def _compose(self, now: float) -> Frame:
        frame = self._frames.get()
        fx, facts = self._fx.value, self._facts.value
        if frame is self._refused:
            frame = self._good
        try:
            picture = self._composer.compose(frame, fx, facts, now)
        except (ValueError, FFmpegError) as error:
            self._board.reject("program", "a frame that cannot be shown", str(error))
            self._refused = frame
            picture = self._composer.compose(self._good, fx, facts, now)
        else:
            self._good = frame
        return picture
