"""The video input: one source in a thread of its own, cropped and scaled for Scope, mended by itself."""

from __future__ import annotations

__all__ = ["THREAD", "VideoInput"]

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Final

from av.error import FFmpegError

from bridge.inputs.video.camera import CameraSource
from bridge.inputs.video.drawn import GuideSource, Music, TestSource
from bridge.inputs.video.file import FileSource
from bridge.inputs.video.fit import Fitter
from bridge.inputs.video.ndi import NdiSource, search_at
from bridge.inputs.video.pace import Thinner
from bridge.inputs.video.settings import VideoSettings
from bridge.inputs.video.source import I420, Drawn, Source
from bridge.model.beatgrid import BeatGrid
from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.errors import DependencyMissing, VideoSourceError
from bridge.model.facts import ScopeFacts
from bridge.model.features import Features
from bridge.model.frames import Frame, LatestSlot
from bridge.model.guide import GuideWish
from bridge.model.meter import Meter
from bridge.model.status import VideoInStatus

logger = logging.getLogger(__name__)

THREAD: Final = "video-in"
PART: Final = "video"
BACK_OFF_S: Final = 0.5
BACK_OFF_MAX_S: Final = 5.0
SILENT_S: Final = 1.5
FIRST_S: Final = 5.0
"""A source may take so long to its first picture before that is a problem."""

_READ_S: Final = 0.1
_JOIN_S: Final = 5.0
_MEANWHILE: Final = "Scope gets the last picture, then black."


class VideoInput:
    """Fills ``frames`` with pictures of the size that the facts ask for; does nothing while they ask for none.

    The source's rate is the rate of the frames, thinned to ``fps``. What a source loses is on the board, and tried
    again for ever; no other source stands in for it.

    Args:
        features, grid, wish: what the guide is drawn from, read for every frame.
        make: gives the source; the settings' own unless a test has another.
    """

    def __init__(
        self,
        settings: VideoSettings,
        *,
        frames: LatestSlot[Frame],
        facts: Cell[ScopeFacts],
        features: Callable[[], Features],
        grid: Callable[[], BeatGrid],
        wish: Callable[[], GuideWish],
        board: ProblemBoard,
        clock: Callable[[], float] = time.monotonic,
        make: Callable[[], Source] | None = None,
    ) -> None:
        self._settings = settings
        self._frames = frames
        self._facts = facts
        self._music = Music(features, grid, wish)
        self._board = board
        self._clock = clock
        self._make = make or self._source
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._ndi: tempfile.TemporaryDirectory[str] | None = None
        self._meter = Meter()
        self._state = "waiting"
        self._detail = ""
        self._newest: Frame | None = None
        self._count = 0
        self._thinned = 0

    def start(self) -> None:
        """Start the thread (again, where it died). Call it before the outputs start: libndi reads its settings once."""
        if self._thread is not None and self._thread.is_alive():
            return
        if self._settings.source == "ndi" and self._ndi is None:
            self._ndi = search_at(self._settings.ndi_extra_ips)
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and let the device go; a driver that hangs is left behind."""
        self._stop.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                logger.warning("the video source does not let go of its device; left behind")
        if self._ndi is not None:
            self._ndi.cleanup()
            self._ndi = None

    def status(self) -> VideoInStatus | None:
        """The source as status shows it; None while Scope wants no video."""
        if self._facts.value.input_size is None:
            return None
        frame, now = self._newest, self._clock()
        return VideoInStatus(
            source=self._settings.source,
            detail=self._detail,
            state=self._state,
            width=frame.width if frame is not None else 0,
            height=frame.height if frame is not None else 0,
            fps=round(self._meter.rate(now), 2),
            frames=self._count,
            dropped=self._thinned + self._frames.replaced,
            age_ms=(now - frame.t) * 1000.0 if frame is not None else None,
        )

    def _run(self) -> None:
        leave = self._facts.subscribe(lambda _: self._wanted.set())
        pause = BACK_OFF_S
        try:
            while not self._stop.is_set():
                self._wanted.clear()
                size = self._facts.value.input_size
                if size is None:
                    self._board.clear(PART, "source")
                    self._wanted.wait()
                    continue
                began = self._clock()
                self._play(size)
                steady = self._clock() - began > BACK_OFF_MAX_S
                pause = BACK_OFF_S if steady else min(pause * 2, BACK_OFF_MAX_S)
                if self._state == "lost":
                    self._stop.wait(pause)
        finally:
            leave()
            self._board.clear(PART, "source")

    def _play(self, size: tuple[int, int]) -> None:
        """One opening of the source: until it is lost, another size is wanted, or the end."""
        source = self._make()
        try:
            self._detail = source.open(*size)
            logger.info("video in: %s (%s) for %dx%d", self._settings.source, self._detail, *size)
            self._carry(source, size)
        except (VideoSourceError, DependencyMissing) as error:
            self._lose(error.message, error.hint)
        except FFmpegError as error:
            self._lose(
                f"The video source gave a picture that cannot be used: {error.strerror}.", "Tried again by itself."
            )
        finally:
            source.close()

    def _carry(self, source: Source, size: tuple[int, int]) -> None:
        fit, thin = Fitter(self._settings, *size), Thinner(self._settings.fps)
        patience, last = FIRST_S, self._clock()
        while not self._stop.is_set() and self._facts.value.input_size == size:
            picture = source.read(_READ_S)
            now = self._clock()
            if picture is None:
                if now - last > patience and self._state != "lost":
                    self._lose(
                        f"The {self._settings.source} gives no pictures.", "Is it switched on? It goes on by itself."
                    )
                continue
            last, patience = now, SILENT_S
            if isinstance(picture, Drawn) or thin.passes(now):
                self._hand_on(fit(picture), size, now)
            else:
                self._thinned += 1

    def _hand_on(self, data: I420, size: tuple[int, int], now: float) -> None:
        self._count += 1
        self._newest = Frame(data, *size, t=now, seq=self._count)
        self._frames.put(self._newest)
        self._meter.tick(now)
        if self._state != "running":
            self._state = "running"
            self._board.clear(PART, "source")

    def _lose(self, message: str, hint: str) -> None:
        self._state = "lost"
        self._board.pin(PART, "source", f"{message} {_MEANWHILE}", hint)

    def _source(self) -> Source:
        settings = self._settings
        if settings.source == "camera":
            return CameraSource(settings)
        if settings.source == "ndi":
            return NdiSource(settings.ndi_name, clock=self._clock, wait=self._stop.wait)
        if settings.source == "test":
            return TestSource(settings, clock=self._clock, wait=self._stop.wait)
        if settings.source == "file" and settings.file is not None:
            return FileSource(settings.file, settings.fps, clock=self._clock, wait=self._stop.wait)
        return GuideSource(settings, self._music, clock=self._clock, wait=self._stop.wait)
