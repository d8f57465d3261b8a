"""RTP packets as aiortc's sender makes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from bridge.scope.assembly import FrameAssembler

CODECS = ("VP8", "H264")
both = pytest.mark.parametrize("codec", CODECS)
FRAME = 3000


@dataclass
class Sender:
    """Makes packets of frames as aiortc's packetizers lay them out, and knows what it sent."""

    codec: str
    number: int = 0
    timestamp: int = 0
    sent: list[tuple[int, bool, bytes]] = field(default_factory=list)
    """Timestamp, whether key, and the data that the decoder should see."""

    def frame(self, parts: int = 3, *, key: bool = False, marker: bool = True) -> list[RtpPacket]:
        label = len(self.sent).to_bytes(3, "big").replace(b"\0", b"\xff")
        payloads = (vp8 if self.codec == "VP8" else h264)(label, parts, key)
        parameters = RTCRtpCodecParameters(mimeType=f"video/{self.codec}", clockRate=90000, payloadType=97)
        packets = []
        for index, payload in enumerate(payloads):
            packet = RtpPacket(97, int(marker and index == parts - 1), self.number, self.timestamp, 7, payload)
            packet._data = depayload(parameters, payload)  # type: ignore[attr-defined]
            packets.append(packet)
            self.number = (self.number + 1) & 0xFFFF
        self.sent.append((self.timestamp, key, b"".join(packet._data for packet in packets)))  # type: ignore[attr-defined]
        self.timestamp = (self.timestamp + FRAME) & 0xFFFFFFFF
        return packets


def vp8(label: bytes, parts: int, key: bool) -> list[bytes]:
    head = (b"\x10\x02\x00\x9d\x01\x2a" if key else b"\x11\x02\x00") + label
    return [b"\x10" + head, *(b"\x00" + label + bytes([index]) for index in range(1, parts))]


def h264(label: bytes, parts: int, key: bool) -> list[bytes]:
    """A key frame begins with its parameter sets in one packet; slices are fragments, or single units."""
    kind = 5 if key else 1
    settings = [b"\x78" + b"\x00\x05\x67\x42\xe0\x1f\xaa" + b"\x00\x03\x68\xce\x3c"] if key and parts > 1 else []
    left = parts - len(settings)
    if left == 1:
        return [*settings, bytes([0x60 | kind]) + label]
    marks = [0x80, *(0 for _ in range(left - 2)), 0x40]
    return [*settings, *(bytes([0x7C, mark | kind]) + label + bytes([at]) for at, mark in enumerate(marks))]


def take(assembler: FrameAssembler, packets: Iterable[RtpPacket], codec: str, now: float = 0.0) -> list[bytes]:
    return [frame.data for packet in packets for frame in assembler.push(packet, codec, now)]


def data(sender: Sender, *frames: int) -> list[bytes]:
    return [sender.sent[index][2] for index in frames]
