"""One WebRTC session: its DataChannel, its track and its worker."""

from __future__ import annotations

__all__ = ["Session", "SessionPlan", "plan_session"]

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import av
from aiortc import RTCDataChannel, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from bridge.rehearsal.catalogue import Mode
from bridge.rehearsal.faults import Faults, Wire
from bridge.rehearsal.journal import Journal
from bridge.rehearsal.output import FrameQueue, OutputTrack, ProductionRate
from bridge.rehearsal.pipeline import Pipeline
from bridge.rehearsal.stage import Stage
from bridge.rehearsal.worker import VideoInput, Worker

logger = logging.getLogger(__name__)

_JOIN_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What the initial parameters ask for.

    ``node`` is the graph node or pipeline id that messages go to; ``via_vace`` is settled here for the whole session.
    """

    pipeline: Pipeline | None
    node: str
    mode: Mode
    nodes: frozenset[str]
    has_sink: bool
    via_vace: bool = False


def plan_session(initial: Mapping[str, Any], loaded: Mapping[str, Pipeline], *, needs_ids: bool) -> SessionPlan:
    """Which pipeline draws for a session; ``pipeline`` is None where Scope stays silent (and says why in its log)."""
    graph = initial.get("graph") or {}
    nodes = {node["id"]: node for node in graph.get("nodes", [])}
    has_sink = any(node["type"] == "sink" for node in nodes.values())
    if nodes:
        wanted = [(node["id"], node.get("pipeline_id")) for node in nodes.values() if node["type"] == "pipeline"]
    else:
        wanted = [(name, name) for name in initial.get("pipeline_ids") or ([] if needs_ids else loaded)]
    mode_asked = initial.get("input_mode")
    if nodes and not any(node["type"] == "source" for node in nodes.values()):
        mode_asked = "text"
    found = [(node, loaded.get(node) or loaded.get(pipeline or "")) for node, pipeline in wanted]
    known = frozenset(node for node, _ in found) | frozenset(nodes)
    if not found:
        logger.error("No pipeline IDs provided, cannot start")
    missing = [node for node, pipeline in found if pipeline is None]
    if missing:
        logger.error("Pipeline setup failed: Pipeline %s not loaded", missing[0])
    if not found or missing:
        return SessionPlan(None, "", "text", known, has_sink)
    # A chain is preprocessors, generator, postprocessors; only the generator has a picture of its own here.
    node, pipeline = next(((n, p) for n, p in found if p and p.kind.role == "generator"), found[-1])
    if pipeline is None:
        return SessionPlan(None, "", "text", known, has_sink)
    mode: Mode = mode_asked if mode_asked in pipeline.kind.modes else pipeline.kind.default_mode
    via_vace = (
        mode == "video"
        and pipeline.has_vace
        and pipeline.kind.vace_in_video
        and initial.get("vace_use_input_video", True) is not False
    )
    return SessionPlan(pipeline, node, mode, known, has_sink, via_vace)


class Session:
    """Lives on the loop; the worker is a thread of its own.

    Args:
        initial: the merged initial parameters.
        fps: frames a second of the imaginary GPU.
        stamped: write the time into each picture.
    """

    def __init__(
        self,
        peer: RTCPeerConnection,
        initial: Mapping[str, Any],
        plan: SessionPlan,
        journal: Journal,
        faults: Faults,
        fps: float,
        stamped: bool = False,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.peer = peer
        self.plan = plan
        self.wire = Wire(faults)
        self.stage = Stage({name: value for name, value in initial.items() if name not in _SET_UP})
        self.rate = ProductionRate(fps)
        self.frames_out = 0
        self.began = time.monotonic()
        chunk = plan.pipeline.chunk if plan.pipeline else 12
        self.video = VideoInput(max(2 * chunk, 8)) if plan.mode == "video" else None
        self.queue = FrameQueue(chunk, asyncio.get_running_loop())
        self.track = OutputTrack(
            self.queue, self.rate, is_paused=lambda: self.paused, on_frame=self._count, stamped=stamped
        )
        self.worker: Worker | None = None
        if plan.pipeline is not None:
            self.worker = Worker(
                self.id,
                plan.pipeline,
                self.stage,
                plan.mode,
                self.queue,
                self.video,
                self.rate,
                journal,
                faults,
                1 / fps,
                via_vace=plan.via_vace,
            )
        self.paused = False
        self._pause(initial.get("paused"))
        self._journal = journal
        self._channel: RTCDataChannel | None = None
        self._unsent: list[str] = []
        self._reader: asyncio.Task[None] | None = None
        self._ended = False

    def start_output(self) -> None:
        """Frames may flow: the client can receive them."""
        if self.worker is not None and not self.track.started.is_set():
            self.worker.start()
            self.track.started.set()

    def on_track(self, track: MediaStreamTrack) -> None:
        """The client's video line lets it send: this is what starts the output without a graph."""
        if track.kind != "video":
            return
        self.start_output()
        self._reader = asyncio.get_running_loop().create_task(self._read(track), name="rehearsal-input")

    def on_channel(self, channel: RTCDataChannel) -> None:
        """The client opened a DataChannel; the newest one carries our notifications."""
        self._channel = channel
        channel.on("message", self._on_message)
        for text in self._unsent:
            channel.send(text)
        self._unsent.clear()

    def give(self, message: dict[str, Any]) -> None:
        """Handle a message as the DataChannel does: pause at once, everything else through the queue."""
        t = time.monotonic()
        if "paused" in message:
            self._pause(message.pop("paused"))
        node = message.pop("node_id", None)
        if node is not None and node not in self.plan.nodes:
            logger.warning("Unknown node_id %s, parameters ignored", node)
            return
        if node is not None and node != self.plan.node:
            return
        for name in _BEAT_STATE:
            message.pop(name, None)
        fits = self.stage.offer(message)
        self._journal.received(t, self.id, message, dropped=not fits)
        if not fits:
            logger.info("Parameter queue full, dropping parameter update")

    def notify(self, message: Mapping[str, Any]) -> None:
        """Send a notification, or keep it until the DataChannel is open."""
        text = json.dumps(message)
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(text)
        elif not self._ended and len(self._unsent) < 16:
            self._unsent.append(text)

    def metrics(self) -> dict[str, Any]:
        """This session's part of ``/session/metrics``."""
        elapsed = max(time.monotonic() - self.began, 1e-6)
        frames_in = self.video.count if self.video else 0
        return {
            "frames_in": frames_in,
            "frames_out": self.frames_out,
            "elapsed_seconds": round(elapsed, 3),
            "fps_in": round(frames_in / elapsed, 2),
            "fps_out": round(self.frames_out / elapsed, 2),
            "pipeline_fps": self.rate.fps,
            "output_sinks": {},
            "input_source_enabled": False,
            "input_source_type": None,
            "relay_mode": False,
        }

    async def end(self, *, silent: bool = False, error: str | None = None) -> None:
        """Stop the worker and close the connection; ``silent`` says nothing to the client."""
        if self._ended:
            return
        self._ended = True
        if silent:
            self.wire.cut = True
        else:
            self.notify({"type": "stream_stopped", **({"error_message": error} if error else {})})
        if self._reader is not None:
            self._reader.cancel()
        if self.worker is not None and self.worker.ident is not None:
            self.worker.stop()
            await asyncio.to_thread(self.worker.join, _JOIN_SECONDS)
        self.track.stop()
        await self.peer.close()

    def _on_message(self, text: str | bytes) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            logger.error("Error parsing parameter update message")  # noqa: TRY400 (the trace says nothing more)
            return
        if not isinstance(message, dict):
            logger.error("Error handling parameter update: not an object")
            return
        self.give(message)

    def _pause(self, paused: Any) -> None:
        self.paused = bool(paused)
        if self.worker is not None:
            (self.worker.running.clear if self.paused else self.worker.running.set)()

    def _count(self, frame: av.VideoFrame) -> None:
        self.frames_out += 1
        if isinstance(call := frame.opaque, int):
            frame.opaque = None
            self._journal.shown(time.monotonic(), self.id, call)

    async def _read(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if self.video is not None and isinstance(frame, av.VideoFrame):
                    self.video.put(frame)
        except MediaStreamError:
            logger.info("Input video of session %s ended", self.id)


_SET_UP: Final = frozenset({"pipeline_ids", "graph", "input_mode", "paused", "recording"})
_BEAT_STATE: Final = ("bpm", "beat_phase", "bar_position", "beat_count", "is_playing")
