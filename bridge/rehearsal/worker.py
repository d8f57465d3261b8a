"""The imaginary GPU of one session: a thread that calls the pipeline chunk after chunk."""

from __future__ import annotations

__all__ = ["ERROR_PAUSE", "VideoInput", "Worker"]

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from bridge.rehearsal.catalogue import Mode
from bridge.rehearsal.faults import Faults
from bridge.rehearsal.journal import Journal
from bridge.rehearsal.output import FrameQueue, ProductionRate
from bridge.rehearsal.pipeline import ChunkError, Pipeline, Shot
from bridge.rehearsal.stage import Call, Stage
from bridge.render import Painter

logger = logging.getLogger(__name__)

ERROR_PAUSE: Final = 0.1
"""Seconds between calls that throw."""

_INPUT_POLL: Final = 0.02
_IDLE_POLL: Final = 0.05


class VideoInput:
    """Frames the client sends; the oldest fall out when the worker is slower."""

    def __init__(self, limit: int) -> None:
        self._frames: deque[av.VideoFrame] = deque(maxlen=limit)
        self._arrived = threading.Condition()
        self.count = 0

    def put(self, frame: av.VideoFrame) -> None:
        """One more frame, from the loop."""
        with self._arrived:
            self._frames.append(frame)
            self.count += 1
            self._arrived.notify_all()

    def take(self, count: int, timeout: float) -> list[av.VideoFrame]:
        """The oldest ``count`` frames once there are so many, or none after ``timeout`` seconds."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._frames) >= count, timeout):
                return []
            return [self._frames.popleft() for _ in range(count)]


class Worker(threading.Thread):
    """Calls the pipeline until it is stopped or runs out of memory.

    Args:
        session: names the session in the journal and the log.
        frame_seconds: how long the imaginary GPU takes for one frame.
    """

    def __init__(
        self,
        session: str,
        pipeline: Pipeline,
        stage: Stage,
        mode: Mode,
        output: FrameQueue,
        video: VideoInput | None,
        rate: ProductionRate,
        journal: Journal,
        faults: Faults,
        frame_seconds: float,
        *,
        via_vace: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name=f"rehearsal-{session[:8]}", daemon=True)
        self.running = threading.Event()
        self.running.set()
        self._stop_asked = threading.Event()
        self._session = session
        self._pipeline = pipeline
        self._stage = stage
        self._mode = mode
        self._output = output
        self._video = video
        self._rate = rate
        self._journal = journal
        self._faults = faults
        self._frame_seconds = frame_seconds
        self._via_vace = via_vace
        self._clock = clock
        self._finished: float | None = None
        self._painter: Painter | None = None

    def stop(self) -> None:
        """Ask the thread to end; it does within one frame."""
        self._stop_asked.set()
        self.running.set()
        self._pipeline.wake()

    def run(self) -> None:
        """The chunks, one after the other."""
        while not self._stop_asked.is_set():
            if self._pipeline.out_of_memory:
                logger.error("Non-recoverable error in session %s: CUDA out of memory", self._session)
                return
            if not self.running.wait(_IDLE_POLL):
                continue
            if self._faults.is_stalled:
                self._stop_asked.wait(_IDLE_POLL)
                continue
            guides: list[av.VideoFrame] = []
            if self._video is not None:
                guides = self._video.take(self._pipeline.frames(), _INPUT_POLL)
                if not guides:
                    self._stage.absorb()
                    continue
            with self._pipeline.turn(self._stop_asked) as mine:
                if mine:
                    self._chunk(guides)

    def _chunk(self, guides: list[av.VideoFrame]) -> None:
        began = self._clock()
        call = self._stage.begin_call()
        if call.reset:
            self._output.flush()
        count = len(guides) or self._pipeline.frames()
        seconds = count * self._frame_seconds
        try:
            shot = self._pipeline.call(
                call.params,
                reset=call.reset,
                mode=self._mode,
                frames=count,
                seconds=seconds,
                via_vace=self._via_vace,
            )
        except ChunkError as error:
            logger.error("Error processing chunk: %s", error)  # noqa: TRY400 (the trace says nothing more)
            self._note(began, call, str(error))
            self._stop_asked.wait(ERROR_PAUSE)
            return
        self._stage.end_call(call, transition_active=self._pipeline.conditioning.transition_active)
        self._note(began, call)
        frames = list(guides) if self._pipeline.kind.role != "generator" else self._draw(shot, guides, began)
        if len(frames) == shot.frames:
            frames[0].opaque = self._pipeline.calls
            self._output.put(frames)
            now = self._clock()
            # What only echoes takes no time of its own: it runs at the pace of its input.
            since = began if self._pipeline.kind.role == "generator" else self._finished
            if since is not None:
                self._rate.add(shot.frames, max(now - since, 1e-6))
            self._finished = now

    def _draw(self, shot: Shot, guides: list[av.VideoFrame], began: float) -> list[av.VideoFrame]:
        """The frames of a shot, their drawing spread over the time a GPU would take."""
        width, height = self._pipeline.size(self._mode)
        if self._painter is None or (self._painter.width, self._painter.height) != (width, height):
            self._painter = Painter(width, height)
        frames = []
        for index in range(shot.frames):
            guide = _luma(guides[index], width, height) if guides else None
            picture = self._painter.paint(shot.look(index * self._frame_seconds, guide))
            frames.append(av.VideoFrame.from_ndarray(picture, format="yuv420p"))
            due = began + (index + 1) * self._frame_seconds
            if self._stop_asked.wait(max(due - self._clock(), 0.0)):
                return []
        return frames

    def _note(self, began: float, call: Call, error: str = "") -> None:
        conditioning = dict(self._pipeline.conditioning.value)
        self._journal.called(
            began, self._session, self._pipeline.calls, call.message, self._stage.params, conditioning, error
        )


def _luma(frame: av.VideoFrame, width: int, height: int) -> npt.NDArray[np.uint8]:
    small = frame.reformat(width=width // 2, height=height // 2, format="gray")
    return np.asarray(small.to_ndarray(), dtype=np.uint8)
