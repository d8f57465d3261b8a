"""Whole video frames from RTP packets, as soon as they are whole (video section 3).

aiortc's jitter buffer ends a frame when the next one begins, and waits for a lost packet for as long as its 512 slots
last. Here a frame ends with its marker bit; a lost packet is asked for again while there is hope; after a deadline the
hole is skipped, a keyframe is asked for, and nothing is decoded until it is there. ``FrameAssembler`` decides,
``receive_sooner`` puts it into one receiver of ours. Other receivers, and aiortc's modules, stay as they are.
"""

from __future__ import annotations

__all__ = ["FrameAssembler", "Intake", "receive_sooner"]

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

import aiortc
from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

logger = logging.getLogger(__name__)

KNOWN_AIORTC: Final = ("1.16.",)
CODECS: Final = frozenset({"VP8", "H264"})
CAPACITY: Final = 1024
"""Packets held at most, about 1.2 MB: a second of the 7 Mbit/s that Scope sends, and the largest frame."""

_DEADLINE_S: Final = 0.15
_ASK_AGAIN_S: Final = 0.05  # until a round trip is known
_ASK_AGAIN_LEAST_S: Final = 0.02
_ASK_AGAIN_MOST_S: Final = 0.5
_ROUND_TRIP_MOST_S: Final = 1.0
_PLI_EVERY_S: Final = 0.25
_PROBES: Final = 2
_ASK_AT_ONCE_MOST: Final = 128  # as many as aiortc's sender keeps
_STRAYS_MOST: Final = 256  # more old packets in a row than any sender repeats: the numbering began anew
_MARGIN_S: Final = 0.01
_STALL_S: Final = 0.02


@dataclass(slots=True)
class _Missing:
    """A packet that has not come: since when, and how often and when it was asked for (seconds)."""

    since: float
    asked: int = 0
    first: float = 0.0
    last: float = 0.0


class FrameAssembler:
    """RTP packets of one video stream in any order; whole frames out, in order, each decodable after the one before.

    Times are seconds of one monotonic clock. Sequence numbers are 16 bits and wrap (RFC 3550).
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.gated = True
        self.skipped = 0
        self.dropped = 0
        self.round_trip: float | None = None
        self._variation = 0.0
        self._capacity = capacity
        self._packets: dict[int, RtpPacket] = {}
        self._missing: dict[int, _Missing] = {}
        self._given_up: dict[int, float] = {}
        self._openers: set[int] = set()
        self._source: tuple[int, str] | None = None
        self._start = 0  # first packet of the frame that is next
        self._edge = 0  # first packet not here yet, counted from the start
        self._newest = 0
        self._fresh = True  # nothing ended since the start: it may still move back
        self._headless = False  # whether packets before the start may belong to its frame
        self._wants_keyframe = False
        self._last_pli = float("-inf")
        self._last_push = 0.0
        self._probes = 0
        self._probed = 0.0
        self._strays = 0
        self._last_stray = 0

    @property
    def ask_again(self) -> float:
        """Seconds until a request that was not answered is repeated (as RFC 6298 estimates it)."""
        if self.round_trip is None:
            return _ASK_AGAIN_S
        expected = self.round_trip + max(4 * self._variation, _MARGIN_S)
        return min(max(expected, _ASK_AGAIN_LEAST_S), _ASK_AGAIN_MOST_S)

    @property
    def deadline(self) -> float:
        """Seconds a missing packet is waited for: so long that a third request can be answered, over two round trips."""
        return max(_DEADLINE_S, 2 * self.ask_again + (self.round_trip or 0.0) + _MARGIN_S)

    def push(self, packet: RtpPacket, codec: str, now: float) -> list[JitterFrame]:
        """Take a packet whose ``_data`` is its depayloaded part; the frames that are whole with it.

        ``codec`` is ``VP8`` or ``H264``; when it or the packet's source changes, assembly begins anew.
        """
        number = packet.sequence_number
        if self._source != (packet.ssrc, codec):
            self._source = (packet.ssrc, codec)
            self._begin(packet, now)
        elif _ahead(number, self._edge) < 0:
            if number in self._packets or not self._precedes(packet, now):
                return []
        elif number in self._packets:
            return []
        elif _ahead(number, self._start) >= self._capacity:
            self.skipped += 1
            self._begin(packet, now)
        self._strays = 0
        self._note(number, now)
        self._last_push, self._probes = now, 0
        self._packets[number] = packet
        if self._opens(packet):
            self._openers.add(number)
        elif self._fresh and number == self._start:
            self._move_back(number - 1, now)
        return self.advance(now)

    def advance(self, now: float) -> list[JitterFrame]:
        """The frames that can be had now: what is whole, and what lies behind a hole not worth waiting for."""
        frames: list[JitterFrame] = []
        while True:
            self._walk(frames)
            hole = self._missing.get(self._edge)
            if hole is None:
                return frames
            waited = now - hole.since
            if (self.gated or waited >= self.ask_again) and self._jump():
                continue
            if waited < self.deadline:
                return frames
            self._skip()

    def take_requests(self, now: float) -> list[int]:
        """Numbers to ask for now (NACK), sorted, and counted as asked."""
        pause = self.ask_again
        due = [number for number, lost in self._missing.items() if not lost.asked or now - lost.last >= pause]
        for number in due[:_ASK_AT_ONCE_MOST]:
            lost = self._missing[number]
            lost.first, lost.last, lost.asked = lost.first if lost.asked else now, now, lost.asked + 1
        if self._is_cut_short and self._probes < _PROBES and now - max(self._last_push, self._probed) >= pause:
            self._probes += 1
            self._probed = now
            due.append(self._edge)
        return sorted(due[:_ASK_AT_ONCE_MOST])

    def take_keyframe_request(self, now: float) -> bool:
        """Whether to ask for a keyframe now (PLI); counted as asked."""
        if not self._wants_keyframe or now - self._last_pli < self._pli_every:
            return False
        self._wants_keyframe = False
        self._last_pli = now
        return True

    def due(self) -> float | None:
        """When something is to be done though no packet comes; None: nothing."""
        times = []
        if self._missing:
            times.append(min(lost.last for lost in self._missing.values()) + self.ask_again)
            if (hole := self._missing.get(self._edge)) is not None:
                times.append(hole.since + self.deadline)
        elif self._is_cut_short and self._probes < _PROBES:
            times.append(max(self._last_push, self._probed) + self.ask_again)
        if self._wants_keyframe:
            times.append(self._last_pli + self._pli_every)
        return min(times, default=None)

    @property
    def _pli_every(self) -> float:
        return max(_PLI_EVERY_S, 2 * self.ask_again)

    @property
    def _is_cut_short(self) -> bool:
        """Whether a frame has begun and its end is neither here nor known to be missing."""
        return not self._missing and self._edge != self._start

    def _begin(self, packet: RtpPacket, now: float) -> None:
        self._forget()
        self._start = self._edge = packet.sequence_number
        self._newest = (packet.sequence_number - 1) & 0xFFFF
        self._fresh = True
        self._headless = not self._opens(packet)
        self._wants_keyframe |= self._headless
        self.gated = True

    def _forget(self) -> None:
        self._packets.clear()
        self._missing.clear()
        self._openers.clear()
        self._given_up.clear()

    def _move_back(self, number: int, now: float) -> None:
        """The stream's first packet is no frame's beginning: perhaps the network only swapped it."""
        number &= 0xFFFF
        if _ahead(self._newest, number) < self._capacity // 2:
            self._start = self._edge = number
            self._missing[number] = _Missing(now)

    def _precedes(self, packet: RtpPacket, now: float) -> bool:
        """Whether an old packet is of use: before the first frame, or as the beginning of a new numbering."""
        number = packet.sequence_number
        if self._fresh and _ahead(self._newest, number) < self._capacity // 2 and _ahead(number, self._start) < 0:
            for between in range(_ahead(self._start, number)):
                self._missing.setdefault((number + between) & 0xFFFF, _Missing(now))
            self._start = self._edge = number
            self._headless = True
            return True
        if (asked := self._given_up.pop(number, None)) is not None:
            self._measure(now - asked)
        in_a_row = number == (self._last_stray + 1) & 0xFFFF
        self._strays = self._strays + 1 if in_a_row else 1
        self._last_stray = number
        if self._strays < _STRAYS_MOST:
            return False
        self.skipped += 1
        self._begin(packet, now)
        return True

    def _note(self, number: int, now: float) -> None:
        """Keep count of what is missing."""
        lost = self._missing.pop(number, None)
        if lost is not None and lost.asked == 1:
            self._measure(now - lost.first)
        step = _ahead(number, self._newest)
        if step <= 0:
            return
        for back in range(step - 1, 0, -1):
            gap = (number - back) & 0xFFFF
            self._missing[gap] = _Missing(now)
            if self._probes and gap == self._edge:
                self._missing[gap] = _Missing(now, self._probes, self._probed, self._probed)
        self._newest = number

    def _measure(self, took: float) -> None:
        """Learn the round trip from a request and its answer."""
        if took > _ROUND_TRIP_MOST_S:
            return  # the answer to something else
        if self.round_trip is None:
            self.round_trip, self._variation = took, took / 4
            return
        self._variation += (abs(took - self.round_trip) - self._variation) / 4
        self.round_trip += (took - self.round_trip) / 8

    def _walk(self, frames: list[JitterFrame]) -> None:
        """From the edge over what is here; ends frames at a marker or before another timestamp."""
        packets = self._packets
        while (packet := packets.get(self._edge)) is not None:
            if self._edge != self._start and packet.timestamp != packets[self._start].timestamp:
                self._end(frames)
            self._edge = (self._edge + 1) & 0xFFFF
            if packet.marker:
                self._end(frames)

    def _end(self, frames: list[JitterFrame]) -> None:
        """The packets from the start to the edge are a frame."""
        count = _ahead(self._edge, self._start)
        first = self._packets[self._start]
        data = b"".join([_data(self._packets.pop((self._start + step) & 0xFFFF)) for step in range(count)])
        if self._openers:
            self._openers = {number for number in self._openers if _ahead(number, self._edge) >= 0}
        headless = self._headless and not self._opens(first)
        self._start, self._fresh, self._headless = self._edge, False, False
        if not data:
            return
        if self.gated:
            if headless or not self._is_key(data):
                self.dropped += 1
                self._wants_keyframe = True
                return
            self.gated = self._wants_keyframe = False
        frames.append(JitterFrame(data, first.timestamp))

    def _jump(self) -> bool:
        """Go on with the newest whole keyframe behind the hole, if there is one."""
        for opener in sorted(self._openers, key=lambda number: _ahead(number, self._edge), reverse=True):
            if _ahead(opener, self._edge) > 0 and self._is_key(self._frame_from(opener)):
                self._drop_until(opener)
                self._headless = False
                return True
        return False

    def _frame_from(self, number: int) -> bytes:
        """The data of the frame that begins there, empty when it is not whole."""
        first = self._packets[number]
        parts: list[bytes] = []
        while (packet := self._packets.get(number)) is not None:
            if packet.timestamp != first.timestamp:
                return b"".join(parts)
            parts.append(_data(packet))
            if packet.marker:
                return b"".join(parts)
            number = (number + 1) & 0xFFFF
        return b""

    def _skip(self) -> None:
        """Give the hole up: nothing more is decodable until a keyframe."""
        after = self._edge
        while after in self._missing:
            after = (after + 1) & 0xFFFF
        self._drop_until(after)
        self.gated = self._headless = self._wants_keyframe = True

    def _drop_until(self, number: int) -> None:
        """Begin at ``number``; what was before it is given up."""
        while self._start != number:
            self._packets.pop(self._start, None)
            self._openers.discard(self._start)
            lost = self._missing.pop(self._start, None)
            if lost is not None and lost.asked:
                self._given_up[self._start] = lost.first
            self._start = (self._start + 1) & 0xFFFF
        while len(self._given_up) > self._capacity:
            del self._given_up[next(iter(self._given_up))]
        self._edge, self._fresh = number, False
        self.skipped += 1

    def _opens(self, packet: RtpPacket) -> bool:
        """Whether a frame surely begins with this packet."""
        if self._source is not None and self._source[1] == "VP8":
            return bool(packet.payload) and packet.payload[0] & 0x17 == 0x10  # RFC 7741: S set, partition 0
        data = _data(packet)  # a sequence parameter set or a delimiter begins an access unit
        return len(data) > 4 and data.startswith(b"\0\0\0\1") and data[4] & 31 in (7, 9)

    def _is_key(self, data: bytes) -> bool:
        """Whether the decoder can begin with this frame."""
        if self._source is not None and self._source[1] == "VP8":
            return len(data) > 5 and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a"
        kinds = _units(data)
        return 5 in kinds or (7 in kinds and kinds.isdisjoint((1, 2, 3, 4)))


def _ahead(number: int, base: int) -> int:
    """How far ``number`` is ahead of ``base``, -32768 to 32767."""
    return ((number - base + 0x8000) & 0xFFFF) - 0x8000


def _data(packet: RtpPacket) -> bytes:
    return packet._data  # type: ignore[attr-defined,no-any-return]


def _units(data: bytes) -> set[int]:
    """The kinds of H.264 NAL units between start codes."""
    kinds = set()
    at = data.find(b"\0\0\1")
    while at >= 0 and at + 3 < len(data):
        kinds.add(data[at + 3] & 31)
        at = data.find(b"\0\0\1", at + 3)
    return kinds


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


_PARTS: Final = ("jitter_buffer", "nack_generator", "codecs", "decoder_queue", "decoder_thread", "timestamp_mapper")


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
    return intake


def _private(receiver: Any, name: str) -> Any:
    return getattr(receiver, f"_RTCRtpReceiver__{name}")
