"""Whole video frames from RTP packets, as soon as they are whole (video section 3).

aiortc's jitter buffer ends a frame when the next one begins, and waits for a lost packet for as long as its 512 slots
last. Here a frame ends with its marker bit; a lost packet is asked for again while there is hope; after a deadline the
hole is skipped, a keyframe is asked for, and nothing is decoded until it is there.
"""

from __future__ import annotations

__all__ = ["FrameAssembler"]

from dataclasses import dataclass
from typing import Final

from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

CAPACITY: Final = 1024
"""Packets held at most, about 1.2 MB: a second of the 7 Mbit/s that Scope sends, and the largest frame."""

_DEADLINE_S: Final = 0.15
_ASK_AGAIN_S: Final = 0.05  # until a round trip is known
_ASK_AGAIN_LEAST_S: Final = 0.02
_ASK_AGAIN_MOST_S: Final = 0.5
_ROUND_TRIP_MOST_S: Final = 1.0
_PLI_EVERY_S: Final = 0.15
_PROBES: Final = 2
_ASK_TWICE_AFTER_S: Final = 0.01  # a repeat is lost as easily as the packet was
_ASK_TWICE_MOST: Final = 16  # more are missing: the line is full, and doubled repeats would fill it further
_HISTORY: Final = 128  # as many packets as aiortc's sender keeps to repeat
_STRAYS_MOST: Final = 256  # more old packets in a row than any sender repeats: the numbering began anew
_MARGIN_S: Final = 0.01


@dataclass(slots=True)
class _Missing:
    """A packet that has not come: since when, and how often and when it was asked for (seconds).

    ``twice``: whether the last request was followed by its copy.
    """

    since: float
    asked: int = 0
    first: float = 0.0
    last: float = 0.0
    twice: bool = False


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
            if (self.gated or self._is_hopeless or waited >= self.ask_again) and self._jump():
                continue
            if waited < self.deadline:
                return frames
            self._skip()

    def take_requests(self, now: float) -> list[int]:
        """Numbers to ask for now (NACK), sorted, and counted as asked."""
        pause = self.ask_again
        due = [number for number, lost in self._missing.items() if self._next_request(lost) <= now][:_HISTORY]
        for number in due:
            lost = self._missing[number]
            if lost.asked and now - lost.last < pause:
                lost.twice = True
            else:
                lost.first, lost.last, lost.asked = lost.first if lost.asked else now, now, lost.asked + 1
                lost.twice = False
        if self._is_cut_short and self._probes < _PROBES and now - max(self._last_push, self._probed) >= pause:
            self._probes += 1
            self._probed = now
            due.append(self._edge)
        return sorted(due[:_HISTORY])

    def take_keyframe_request(self, now: float) -> bool:
        """Whether to ask for a keyframe now (PLI); counted as asked."""
        if now - self._last_pli < self._pli_every or not (self._wants_keyframe or self._is_hopeless):
            return False
        self._wants_keyframe = False
        self._last_pli = now
        return True

    def due(self) -> float | None:
        """When something is to be done though no packet comes; None: nothing."""
        times = []
        if self._missing:
            times.append(min(map(self._next_request, self._missing.values())))
            if (hole := self._missing.get(self._edge)) is not None:
                times.append(hole.since + self.deadline)
        elif self._is_cut_short and self._probes < _PROBES:
            times.append(max(self._last_push, self._probed) + self.ask_again)
        if self._wants_keyframe or self._is_hopeless:
            times.append(self._last_pli + self._pli_every)
        return min(times, default=None)

    @property
    def _pli_every(self) -> float:
        return max(_PLI_EVERY_S, 2 * self.ask_again)

    def _next_request(self, lost: _Missing) -> float:
        """When the packet is to be asked for: at once, soon after in case the repeat is lost too, then once a pause."""
        if not lost.asked:
            return lost.since
        if not lost.twice and len(self._missing) <= _ASK_TWICE_MOST:
            return lost.last + _ASK_TWICE_AFTER_S
        return lost.last + self.ask_again

    @property
    def _is_hopeless(self) -> bool:
        """Whether only a keyframe helps: the packet that is waited for was asked for, and has left the sender's history.

        What is here was sent before the request arrived there, or else the answer would be here: the order is kept.
        """
        hole = self._missing.get(self._edge)
        return hole is not None and hole.asked > 0 and _ahead(self._newest, self._edge) > _HISTORY

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
