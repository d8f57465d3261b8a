"""Frames sooner, in one receiver of ours (video section 3); other receivers, and aiortc's modules, stay as they are."""

from __future__ import annotations

__all__ = ["Intake", "receive_sooner"]

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

import aiortc
from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

from bridge.scope.assembly import FrameAssembler
from bridge.scope.bitrate import SteadyEstimator

logger = logging.getLogger(__name__)

KNOWN_AIORTC: Final = ("1.16.",)
CODECS: Final = frozenset({"VP8", "H264"})
_STALL_S: Final = 0.02


class Intake:
    """Stands where a receiver of aiortc has its jitter buffer. Lives on the loop the receiver runs on."""

    def __init__(self, receiver: RTCRtpReceiver, stock: Any) -> None:
        self.assembler = FrameAssembler()
        self._receiver: Any = receiver
        self._stock = stock
        self._codecs = _private(receiver, "codecs")
        self._decoder = _private(receiver, "decoder_queue")
        self._times = _private(receiver, "timestamp_mapper")
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._stalled = 0.0
        self._sending: set[asyncio.Task[None]] = set()
        self._codec: Any = None
        self._source = 0

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """What aiortc calls with each packet. Codecs not known here go to the stock buffer."""
        codec = self._codecs[packet.payload_type]
        if codec.name not in CODECS:
            stock: tuple[bool, JitterFrame | None] = self._stock.add(packet)
            return stock
        self._codec, self._source = codec, packet.ssrc
        now = self._now()
        self._deliver(self.assembler.push(packet, codec.name, now))
        self._ask(now)
        return False, None

    def close(self) -> None:
        """No more timers and requests."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in self._sending:
            task.cancel()

    def _deliver(self, frames: list[JitterFrame]) -> None:
        """To the decoder's queue, all that are whole: aiortc itself takes one per packet, and so falls behind."""
        if not frames or _private(self._receiver, "decoder_thread") is None:
            return
        for frame in frames:
            frame.timestamp = self._times.map(frame.timestamp)
            self._decoder.put((self._codec, frame))

    def _ask(self, now: float) -> None:
        """Send what is to be asked for, and wake when something is due next."""
        if numbers := self.assembler.take_requests(now):
            self._send(self._receiver._send_rtcp_nack(self._source, numbers))
        if self.assembler.take_keyframe_request(now):
            self._send(self._receiver._send_rtcp_pli(self._source))
        due = self.assembler.due()
        if due is None:
            return  # a timer that still runs finds nothing to do
        due += self._stalled
        if self._timer is not None:
            if self._timer.when() <= due:
                return  # it looks again
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._wake)

    def _now(self) -> float:
        """The loop's time without its stalls: what came meanwhile is still to be read, so no deadline has passed."""
        now = self._loop.time()
        if self._timer is not None and (late := now - self._timer.when()) > _STALL_S:
            self._stalled += late
            self._timer.cancel()
            self._timer = None
        return now - self._stalled

    def _wake(self) -> None:
        now = self._now()
        self._timer = None
        if _private(self._receiver, "decoder_thread") is None:
            return
        self._deliver(self.assembler.advance(now))
        self._ask(now)

    def _send(self, request: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(request)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


class _NoRequests:
    """Stands where a receiver makes its own NACKs: the assembler makes them."""

    def add(self, packet: RtpPacket) -> bool:
        return False


_PARTS: Final = (
    "jitter_buffer",
    "nack_generator",
    "remote_bitrate_estimator",
    "codecs",
    "decoder_queue",
    "decoder_thread",
    "timestamp_mapper",
)


def receive_sooner(receiver: RTCRtpReceiver, version: str = aiortc.__version__) -> Intake | None:
    """Put an assembler into this video receiver, before the connection is made; call on its loop.

    None, with a note in the log, when the installed aiortc is not one whose inside is known: its own buffer then stays.
    """
    absent = [part for part in _PARTS if not hasattr(receiver, f"_RTCRtpReceiver__{part}")]
    absent += [name for name in ("_send_rtcp_nack", "_send_rtcp_pli") if not hasattr(receiver, name)]
    if absent or not version.startswith(KNOWN_AIORTC):
        logger.info(
            "aiortc %s is not a version whose receiver is known here (%s): frames come one frame time later. "
            "Install aiortc 1.16 for less delay.",
            version,
            ", ".join(absent) or "untested",
        )
        return None
    intake = Intake(receiver, _private(receiver, "jitter_buffer"))
    private: Any = receiver
    private._RTCRtpReceiver__jitter_buffer = intake
    private._RTCRtpReceiver__nack_generator = _NoRequests()
    private._RTCRtpReceiver__remote_bitrate_estimator = SteadyEstimator(_private(receiver, "remote_bitrate_estimator"))
    return intake


def _private(receiver: Any, name: str) -> Any:
    return getattr(receiver, f"_RTCRtpReceiver__{name}")
