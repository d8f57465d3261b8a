"""One WebRTC session: peer connection, parameter channel, video in and out (scope-protocol section 4)."""

from __future__ import annotations

__all__ = ["MediaSession"]

import asyncio
import functools
import inspect
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from bridge.model.errors import ScopeProtocolError, ScopeSessionLost
from bridge.scope.ice import relay_only
from bridge.scope.ladder import IcePlan
from bridge.scope.receive import receive_sooner
from bridge.scope.troubles import Diagnosis, diagnosis, trouble_error

logger = logging.getLogger(__name__)

CHANNEL: Final = "parameters"
MOST_BUFFERED: Final = 16_384
_CLOSE_S: Final = 3.0


class MediaSession:
    """The media side of a session. Make, use and close it on one running loop.

    ``sending`` is the video to send, None for none; closing the session stops it.
    ``on_ready`` is called when something may now be sent (the channel opened, or its buffer drained).
    """

    def __init__(
        self,
        *,
        ice: IcePlan,
        codec: str,
        sending: MediaStreamTrack | None,
        on_ready: Callable[[], None],
    ) -> None:
        servers = [RTCIceServer(list(s.urls), s.username or None, s.credential or None) for s in ice.servers]
        configuration = RTCConfiguration(iceServers=servers)
        self._peer = RTCPeerConnection(relay_only(configuration) if ice.relay_only else configuration)
        self._sending = sending
        self._track: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
        self._lost: asyncio.Future[Diagnosis] = asyncio.get_running_loop().create_future()
        self._opened = asyncio.Event()
        self._line = transceiver = self._peer.addTransceiver(sending or "video", direction="sendrecv")
        transceiver.setCodecPreferences(_preferring(codec))
        self._intake = receive_sooner(transceiver.receiver)
        self._channel = self._peer.createDataChannel(CHANNEL, ordered=True)
        self._ice: Any = transceiver.receiver.transport.transport
        _bound(self._ice, ice.gather_s)
        if self._peer.sctp is not None:
            _bound(self._peer.sctp.transport.transport, ice.gather_s)
        self._channel.bufferedAmountLowThreshold = MOST_BUFFERED // 2
        self._channel.on("open", self._on_open)
        self._channel.on("message", self._on_message)
        self._channel.on("close", lambda: self._lose("stream-ended", detail=": it closed the parameter channel"))
        self._channel.on("bufferedamountlow", on_ready)
        self._on_ready = on_ready
        self._peer.on("track", self._on_track)
        self._peer.on("connectionstatechange", self._on_state)

    @property
    def connection(self) -> str:
        """The peer connection's state: new, connecting, connected, failed or closed."""
        return str(self._peer.connectionState)

    @property
    def can_send(self) -> bool:
        """Whether the channel is open and its buffer is nearly empty."""
        return self._channel.readyState == "open" and self._channel.bufferedAmount <= MOST_BUFFERED

    async def offer(self) -> str:
        """The SDP offer with all candidates in it, gathered on the first call: no trickle is needed."""
        if self._peer.iceGatheringState == "new":
            await self._peer.setLocalDescription(await self._peer.createOffer())
        return str(self._peer.localDescription.sdp)

    async def accept(self, sdp: str) -> None:
        """Take the server's answer. Raises ScopeProtocolError when it is not an answer to our offer."""
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        except (ValueError, KeyError, IndexError, AttributeError, AssertionError) as error:
            raise trouble_error(ScopeProtocolError, "not-an-answer") from error
        if self._line.currentDirection not in ("sendrecv", "recvonly"):
            raise trouble_error(ScopeProtocolError, "recvonly")

    @property
    def relayed(self) -> bool:
        """Whether the TURN server gave a relay address; known once there is an offer."""
        return any(candidate.type == "relay" for candidate in self._ice.iceGatherer.getLocalCandidates())

    @property
    def path(self) -> tuple[str, str] | None:
        """Kinds of the two candidates in use, ours and the server's; None while none are (or aiortc does not tell)."""
        for pair in getattr(self._ice._connection, "_nominated", {}).values():
            return str(pair.local_candidate.type), str(pair.remote_candidate.type)
        return None

    async def video(self) -> MediaStreamTrack:
        """The returned video, once the answer was taken."""
        return await asyncio.shield(self._track)

    async def opened(self) -> None:
        """Wait until the channel is open."""
        await self._opened.wait()

    async def ended(self) -> None:
        """Wait for the end. Raises ScopeSessionLost with the reason."""
        lost = await asyncio.shield(self._lost)
        raise ScopeSessionLost(lost.message, hint=lost.hint, code=lost.code)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message of parameters; ask ``can_send`` first."""
        self._channel.send(json.dumps(message, allow_nan=False, separators=(",", ":")))

    async def close(self) -> None:
        """Close everything, within a few seconds."""
        for waiting in (self._track, self._lost):
            waiting.cancel()
        self._channel.remove_all_listeners()
        self._peer.remove_all_listeners()
        if self._sending is not None:
            self._sending.stop()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._peer.close()
        except TimeoutError:
            logger.warning("The peer connection did not close within %g s; it is left behind.", _CLOSE_S)
        finally:
            if self._intake is not None:
                self._intake.close()

    def _on_open(self) -> None:
        self._opened.set()
        self._on_ready()

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video" and not self._track.done():
            self._track.set_result(track)

    def _on_state(self) -> None:
        if self._peer.connectionState == "failed":
            self._lose("media-failed")

    def _on_message(self, message: str | bytes) -> None:
        """The server says little: that it stops. Anything unknown is for later versions."""
        try:
            told = json.loads(message)
        except (ValueError, RecursionError):
            return
        if isinstance(told, dict) and told.get("type") == "stream_stopped":
            why = told.get("error_message")
            self._lose("stream-ended", detail=f": {why[:200].rstrip('.')}" if isinstance(why, str) else "")

    def _lose(self, code: str, **facts: Any) -> None:
        if not self._lost.done():
            self._lost.set_result(diagnosis(code, **facts))


def _bound(ice: Any, seconds: float) -> None:
    """Gather for at most ``seconds``; a dead STUN or TURN server or interface would cost aioice's fixed five."""
    connection = ice.iceGatherer._connection
    gather = connection.get_component_candidates
    if "timeout" in inspect.signature(gather).parameters:
        connection.get_component_candidates = functools.partial(gather, timeout=seconds)


def _preferring(codec: str) -> list[Any]:
    """aiortc's video codecs with ``codec`` first."""
    known = RTCRtpSender.getCapabilities("video").codecs
    return sorted(known, key=lambda entry: entry.mimeType.lower() != f"video/{codec.lower()}")
