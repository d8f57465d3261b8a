"""Everything the server holds: loaded pipelines, sessions, faults, journal. The HTTP routes only translate."""

from __future__ import annotations

__all__ = ["Hall", "NotLoaded"]

import asyncio
import logging
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bridge.rehearsal.assets import Assets
from bridge.rehearsal.catalogue import PipelineKind
from bridge.rehearsal.faults import Faults
from bridge.rehearsal.journal import Journal
from bridge.rehearsal.loader import Loader
from bridge.rehearsal.pipeline import Pipeline
from bridge.rehearsal.session import Session, plan_session
from bridge.rehearsal.settings import RehearsalSettings

logger = logging.getLogger(__name__)


class NotLoaded(Exception):
    """Raised when an offer comes while no pipeline is loaded."""


class Hall:
    """Runs on one loop; workers are threads of their sessions."""

    def __init__(self, settings: RehearsalSettings) -> None:
        self.settings = settings
        self.faults = Faults(settings.seed)
        self.journal = Journal()
        self.loader = Loader(self._build, self.faults, settings.load_seconds)
        self.sessions: dict[str, Session] = {}
        self._folder = None if settings.assets else tempfile.TemporaryDirectory(prefix="rehearsal-")
        self.assets = Assets(Path(settings.assets or (self._folder.name if self._folder else "")))
        self.started_at = time.time()
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def is_old(self) -> bool:
        """Whether the December 2025 API is spoken."""
        return self.settings.version == "dec2025"

    async def offer(self, sdp: str, kind: str, initial: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an offer with a new session.

        Raises:
            NotLoaded: no pipeline is loaded.
            ValueError: the SDP cannot be used.
        """
        if self.loader.state != "loaded":
            raise NotLoaded
        plan = plan_session(initial, self.loader.pipelines, needs_ids=not self.is_old)
        # An empty list keeps aiortc from asking its default STUN server on the internet.
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        session = Session(peer, initial, plan, self.journal, self.faults, self.settings.fps, self.settings.stamp)
        try:
            peer.on("track", session.on_track)
            peer.on("datachannel", session.on_channel)
            peer.addTrack(session.track)
            await peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type=kind))
            await peer.setLocalDescription(await peer.createAnswer())
        except ValueError:
            await peer.close()
            raise
        session.wire.attach(peer)
        self.journal.offered(time.monotonic(), session.id, initial)
        self.sessions[session.id] = session
        peer.on("connectionstatechange", lambda: self._on_state(session))
        if plan.has_sink and not self.is_old:
            session.start_output()
        logger.info("Session %s created", session.id)
        answer = peer.localDescription
        return {"sdp": answer.sdp, "type": answer.type, "sessionId": session.id}

    async def end(self, session_id: str, *, silent: bool = False, error: str | None = None) -> None:
        """End a session; nothing happens when there is none of that id."""
        session = self.sessions.pop(session_id, None)
        if session is not None:
            await session.end(silent=silent, error=error)
            logger.info("Session %s closed", session_id)

    def give_all(self, parameters: Mapping[str, Any]) -> None:
        """Parameters over REST go to every session, which are told of it."""
        for session in self.sessions.values():
            session.give(dict(parameters))
            session.notify({"type": "parameters_updated", "parameters": dict(parameters)})

    async def fault(self, kind: str, options: Mapping[str, Any]) -> None:
        """Make something go wrong. Raises FaultError when there is no such fault."""
        self.faults.set(kind, options)
        logger.warning("Fault: %s %s", kind, dict(options))
        match kind:
            case "drop_session":
                silent = options.get("how") == "vanish"
                await asyncio.gather(*(self.end(name, silent=silent) for name in list(self.sessions)))
            case "restart":
                await self.restart()
            case "oom":
                for pipeline in self.loader.pipelines.values():
                    pipeline.out_of_memory = True

    async def restart(self) -> None:
        """Forget pipelines and sessions, without a word to the clients."""
        self.loader.forget()
        await asyncio.gather(*(self.end(name, silent=True) for name in list(self.sessions)))
        self.started_at = time.time()

    async def close(self) -> None:
        """End every session and every load."""
        self.loader.close()
        await asyncio.gather(*(self.end(name) for name in list(self.sessions)), *self._ending)
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)

    def state(self) -> dict[str, Any]:
        """The merged parameters of the first session."""
        first = next(iter(self.sessions.values()), None)
        return dict(first.stage.params) if first else {}

    def _on_state(self, session: Session) -> None:
        if session.peer.connectionState in ("failed", "closed"):
            task = asyncio.get_running_loop().create_task(self.end(session.id))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _build(self, kind: PipelineKind, load_params: Mapping[str, Any]) -> Pipeline:
        settings = self.settings
        if self.is_old and "seed" in load_params:
            # Its name until v0.1.0; newer servers ignore it.
            load_params = {**load_params, "base_seed": load_params["seed"]}
        return Pipeline(
            kind, load_params, size=(settings.width, settings.height), chunk=settings.chunk, label=settings.label
        )
