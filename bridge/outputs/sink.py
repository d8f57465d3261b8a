"""One sink and the thread that feeds it: opened once, never closed while running, mended by itself."""

from __future__ import annotations

__all__ = ["Absent", "Sink", "SinkThread"]

import logging
import threading
from collections.abc import Callable
from typing import Final, Protocol

from bridge.model.board import ProblemBoard
from bridge.model.errors import DependencyMissing, OutputError
from bridge.model.frames import Frame, LatestSlot
from bridge.model.meter import Meter
from bridge.model.status import OutputStatus

logger = logging.getLogger(__name__)

REPEAT_S: Final = 0.25
"""If the canvas stands still this long (it should not), the last picture goes out again: readers never starve."""

BACK_OFF_S: Final = 0.5
BACK_OFF_MAX_S: Final = 5.0


class Absent(OutputError):
    """Raised when the device a sink needs is not there at all (as against: there and unusable)."""


class Sink(Protocol):
    """Where pictures go. Called from one thread alone, except ``receivers``."""

    @property
    def name(self) -> str:
        """Short and unique, such as ``ndi``."""

    @property
    def kind(self) -> str:
        """``ndi``, ``virtual_camera`` or ``preview``."""

    @property
    def optional(self) -> bool:
        """True when nobody asked for it by name: then its absence is no problem."""

    def open(self, width: int, height: int, fps: float) -> str:
        """Open with this size and rate, for good; returns one line for the log: where to find it.

        Raises:
            Absent, OutputError, DependencyMissing: it cannot be opened now; tried again later.
        """

    def write(self, frame: Frame, now: float) -> bool:
        """Send one picture; False when the sink had no use for it (nobody looks, or its buffers are full).

        Raises:
            OutputError: the sink is lost; it is closed and opened again.
        """

    def close(self) -> None:
        """Let go of everything; fine when not open."""

    def receivers(self) -> int | None:
        """How many look at it, None where that cannot be known."""


class SinkThread:
    """Feeds one sink from the canvas in a thread named ``out-<name>``.

    A sink that fails is on the board with a hint, and opened again after 0.5 s, then 1, 2, 4 and every 5 s.
    Nothing it does reaches the other sinks: each waits on the canvas by itself, and misses what it is too
    slow for.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        canvas: LatestSlot[Frame],
        fps: float,
        board: ProblemBoard,
        clock: Callable[[], float],
    ) -> None:
        self._sink = sink
        self._canvas = canvas
        self._fps = fps
        self._board = board
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"out-{sink.name}", daemon=True)
        self._meter = Meter()
        self._is_open = False
        self._size = (0, 0)
        self._state = "waiting"
        self._frames = 0
        self._retry_at = 0.0
        self._pause = BACK_OFF_S

    def start(self) -> None:
        """Start the thread; the sink opens with the first picture on the canvas."""
        self._thread.start()

    def request_stop(self) -> None:
        """Ask the thread to end after the picture it is at."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        """Wait for the thread; one that hangs in a driver is left behind and said so."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            logger.warning("output %s hangs in its driver; left behind", self._sink.name)

    def status(self) -> OutputStatus:
        """From any thread."""
        died = self._thread.ident is not None and not self._thread.is_alive() and not self._stop.is_set()
        return OutputStatus(
            self._sink.name,
            self._sink.kind,
            "failed" if died else self._state,
            fps=round(self._meter.rate(self._clock()), 2),
            frames=self._frames,
            receivers=self._sink.receivers() if self._is_open else None,
        )

    def _run(self) -> None:
        seen = 0
        while not self._stop.is_set():
            frame, seen = self._canvas.wait_newer(seen, REPEAT_S)
            now = self._clock()
            if frame is None or self._stop.is_set():
                continue
            if (frame.width, frame.height) != self._size:
                self._resize(frame)
            if self._is_open or (now >= self._retry_at and self._open(frame, now)):
                self._write(frame, now)
        self._sink.close()

    def _resize(self, frame: Frame) -> None:
        if self._is_open:
            logger.warning("output %s: the canvas changed its size; opened again", self._sink.name)
            self._close()
            self._retry_at = 0.0
        self._size = (frame.width, frame.height)

    def _open(self, frame: Frame, now: float) -> bool:
        try:
            where = self._sink.open(frame.width, frame.height, self._fps)
        except (OutputError, DependencyMissing) as error:
            quiet = self._sink.optional and isinstance(error, (Absent, DependencyMissing))
            self._failed(error, now, quiet=quiet)
            return False
        self._is_open, self._state = True, "open"
        logger.info("output %s: %dx%d at %g fps. %s", self._sink.name, frame.width, frame.height, self._fps, where)
        return True

    def _write(self, frame: Frame, now: float) -> None:
        try:
            sent = self._sink.write(frame, now)
        except OutputError as error:
            self._failed(error, now, quiet=False)
            return
        self._pause = BACK_OFF_S
        self._board.clear("outputs", self._sink.name)
        if sent:
            self._frames += 1
            self._meter.tick(now)

    def _failed(self, error: OutputError | DependencyMissing, now: float, *, quiet: bool) -> None:
        self._close()
        self._retry_at = now + self._pause
        self._pause = min(self._pause * 2, BACK_OFF_MAX_S)
        if quiet:
            self._state = "waiting"
            self._board.clear("outputs", self._sink.name)
        else:
            self._state = "failed"
            self._board.pin("outputs", self._sink.name, error.message, error.hint)

    def _close(self) -> None:
        self._sink.close()
        self._is_open = False
