"""All sinks together."""

from __future__ import annotations

__all__ = ["Outputs"]

import time
from collections.abc import Callable, Sequence
from typing import Final

from bridge.model.board import ProblemBoard
from bridge.model.frames import Frame, LatestSlot
from bridge.model.status import OutputStatus
from bridge.outputs.camera import camera_sink
from bridge.outputs.ndi import NdiSink
from bridge.outputs.preview import Preview
from bridge.outputs.settings import OutputSettings
from bridge.outputs.sink import Sink, SinkThread

STOP_S: Final = 2.0


class Outputs:
    """Opens every sink once and feeds it from the canvas until stopped.

    Args:
        settings: the ``[outputs]`` section.
        canvas: the composed pictures; start the program first, so that a slate is there to open with.
        board: where missing devices and libraries are pinned.
        fps: the rate the canvas promises, told to receivers.
        clock: monotonic seconds.
        sinks: these instead of the ones the settings name.
    """

    def __init__(
        self,
        settings: OutputSettings,
        *,
        canvas: LatestSlot[Frame],
        board: ProblemBoard,
        fps: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        sinks: Sequence[Sink] | None = None,
    ) -> None:
        self._threads = tuple(
            SinkThread(sink, canvas=canvas, fps=fps, board=board, clock=clock)
            for sink in (_sinks_of(settings, board) if sinks is None else sinks)
        )
        self.preview = Preview(settings.preview, canvas=canvas, clock=clock) if settings.preview.enabled else None
        """JPEGs for the status page, or None where switched off."""

    def start(self) -> None:
        """Start one thread per sink; each opens with the first picture."""
        for thread in self._threads:
            thread.start()
        if self.preview is not None:
            self.preview.start()

    def stop(self) -> None:
        """Close every sink; one that hangs is left behind after two seconds."""
        for thread in self._threads:
            thread.request_stop()
        for thread in self._threads:
            thread.join(STOP_S)
        if self.preview is not None:
            self.preview.stop()

    def status(self) -> tuple[OutputStatus, ...]:
        """Every sink, the preview last; from any thread."""
        found = [thread.status() for thread in self._threads]
        if self.preview is not None:
            found.append(self.preview.status())
        return tuple(found)


def _sinks_of(settings: OutputSettings, board: ProblemBoard) -> list[Sink]:
    sinks: list[Sink] = []
    if settings.ndi.enabled:
        sinks.append(NdiSink(settings.ndi))
    if settings.virtual_camera.enabled:
        sinks.append(camera_sink(settings.virtual_camera))
    return sinks
