"""Frames from packets: whole at the marker, repaired, gated; never a frame the decoder cannot use."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender
from aiortc.codecs import depayload
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import NackGenerator
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from bridge.scope.ladder import IcePlan
from bridge.scope.receive import CAPACITY, FrameAssembler, Intake, receive_sooner
from bridge.scope.session import MediaSession

from .stage import playing, rehearsal, until

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


@both
def test_a_frame_is_whole_with_its_marker(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    first = sender.frame(key=True)
    assert take(assembler, first[:-1], codec) == []
    assert take(assembler, first[-1:], codec) == data(sender, 0)
    assert take(assembler, sender.frame(1), codec) == data(sender, 1)
    assert assembler.due() is None and not assembler.take_requests(0.0)


@both
def test_a_frame_without_marker_ends_where_another_begins(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    assert take(assembler, sender.frame(key=True, marker=False), codec) == []
    assert take(assembler, sender.frame(2), codec) == data(sender, 0, 1)


@both
def test_swapped_packets_cost_nothing_even_at_the_start(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    first, second = sender.frame(key=True), sender.frame()
    assert take(assembler, [first[1], first[0], second[0], second[2], first[2], second[1]], codec) == data(sender, 0, 1)


@both
def test_one_repair_frees_all_frames_behind_it(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    broken, second, third = sender.frame(), sender.frame(), sender.frame()
    assert take(assembler, [broken[0], broken[2], *second, *third], codec) == []
    assert assembler.take_requests(0.0) == [broken[1].sequence_number]
    assert take(assembler, [broken[1], broken[1]], codec, 0.04) == data(sender, 1, 2, 3)
    assert assembler.round_trip == pytest.approx(0.04) and not assembler.take_keyframe_request(0.04)


@both
def test_requests_are_repeated_until_the_deadline(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    lost, *rest = sender.frame()
    take(assembler, rest, codec)
    asked, now = assembler.take_requests(0.0), 0.0
    while not assembler.gated:
        due = assembler.due()
        assert due is not None and due > now
        now = due
        assembler.advance(now)
        asked += assembler.take_requests(now)
    assert now >= 0.15
    assert len(asked) >= 3 and set(asked) == {lost.sequence_number}


@both
def test_after_the_deadline_only_a_keyframe_opens_the_gate(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    take(assembler, sender.frame()[1:], codec)
    now = assembler.deadline + 0.001
    assert assembler.advance(now) == [] and assembler.gated
    assert assembler.take_keyframe_request(now) and not assembler.take_keyframe_request(now + 0.1)
    assert take(assembler, sender.frame(), codec, now) == []
    again = assembler.due()
    assert again is not None and again > now + 0.2 and assembler.take_keyframe_request(again)
    assert take(assembler, sender.frame(key=True), codec, now) == data(sender, 3)
    assert take(assembler, sender.frame(), codec, now) == data(sender, 4)
    assert assembler.due() is None


@both
def test_a_keyframe_behind_a_hole_is_not_kept_waiting(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    take(assembler, sender.frame()[:1], codec)
    assert take(assembler, sender.frame(key=True), codec, 0.01) == []
    assert [frame.data for frame in assembler.advance(0.01 + assembler.ask_again)] == data(sender, 2)
    assert not assembler.gated and not assembler.take_keyframe_request(1.0)


@both
def test_a_lost_tail_is_asked_for_before_the_next_frame_shows_it(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    *most, last = sender.frame()
    take(assembler, most, codec)
    due = assembler.due()
    assert due is not None and assembler.take_requests(due) == [last.sequence_number]
    assert take(assembler, [last], codec, due + 0.01) == data(sender, 1)


@both
def test_a_silent_sender_wakes_nobody_for_ever(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    take(assembler, sender.frame()[:-1], codec)
    wakes = 0
    while (due := assembler.due()) is not None:
        assembler.advance(due)
        assembler.take_requests(due)
        wakes += 1
        assert wakes < 10


@both
def test_numbers_and_timestamps_wrap(codec: str) -> None:
    sender, assembler = Sender(codec, number=65533, timestamp=2**32 - FRAME), FrameAssembler()
    first, second, third = sender.frame(4, key=True), sender.frame(), sender.frame()
    arrivals = [first[0], first[2], first[3], *second, first[1], *third]
    assert take(assembler, arrivals, codec) == data(sender, 0, 1, 2)
    assert take(assembler, [*first, *second], codec) == [] and assembler.take_requests(0.0) == []


@both
def test_joining_in_the_middle_asks_for_a_keyframe_at_once(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    sender.frame(key=True)
    assert take(assembler, sender.frame()[1:], codec) == []
    assert assembler.take_keyframe_request(0.0)
    assert take(assembler, sender.frame(key=True), codec) == data(sender, 2)


@both
def test_a_leap_of_numbers_begins_anew_and_memory_is_bounded(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    sender.frame(1)
    for _ in range(CAPACITY):
        take(assembler, sender.frame(2), codec)
        assembler.take_requests(0.0)
        assert len(assembler._packets) + len(assembler._missing) <= CAPACITY + 2
    assert assembler.take_keyframe_request(0.0)
    assert take(assembler, sender.frame(key=True), codec, 1.0) == data(sender, len(sender.sent) - 1)
    sender.number = (sender.number + 20000) & 0xFFFF
    assert take(assembler, sender.frame(key=True), codec, 2.0) == data(sender, len(sender.sent) - 1)


@both
def test_a_sender_that_numbers_anew_is_followed(codec: str) -> None:
    sender, assembler = Sender(codec, number=9000), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    sender.number = 8000
    got = [take(assembler, sender.frame(key=index % 10 == 0), codec) for index in range(200)]
    assert got[-1] == data(sender, 200)


@both
def test_a_late_answer_teaches_the_round_trip(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    lost, *rest = sender.frame()
    take(assembler, rest, codec)
    assembler.take_requests(0.0)
    assembler.advance(0.2)
    take(assembler, [lost], codec, 0.3)
    assert assembler.round_trip == pytest.approx(0.3) and 0.6 <= assembler.deadline < 2
    take(assembler, sender.frame(key=True), codec, 0.4)
    lost, *rest = sender.frame()
    take(assembler, rest, codec, 0.4)
    assembler.take_requests(0.4)
    assembler.advance(0.4 + assembler.deadline)
    take(assembler, [lost], codec, 100.0)  # the same number, a whole turn later
    assert assembler.round_trip == pytest.approx(0.3)


def test_h264_parameter_sets_alone_pass_and_a_slice_after_them_is_no_key() -> None:
    sender, assembler = Sender("H264"), FrameAssembler()
    parameters = RTCRtpCodecParameters(mimeType="video/H264", clockRate=90000, payloadType=97)
    packets = sender.frame(2, key=True)
    packets[1].payload = b"\x61\x01\x02\x03"
    packets[1]._data = depayload(parameters, packets[1].payload)  # type: ignore[attr-defined]
    assert take(assembler, packets, "H264") == [] and assembler.gated
    packets = sender.frame(2, key=True)
    packets[0].marker = 1
    assert len(take(assembler, packets, "H264")) == 2


LOST, GONE = -1, -2  # the second for good

FATES = st.lists(
    st.tuples(
        st.integers(1, 5),  # packets of the frame
        st.booleans(),  # marker
        st.lists(st.sampled_from([0] * 9 + [1, 2, 9, LOST, GONE]), min_size=5, max_size=5),  # delay
        st.sampled_from([True, True, False]),  # whether requests are answered
    ),
    min_size=1,
    max_size=40,
)


@given(st.sampled_from(CODECS), st.integers(0, 65535), FATES)
def test_whatever_the_network_does(codec: str, number: int, fates: list[tuple[int, bool, list[int], bool]]) -> None:
    """Delivered frames were sent, come in order, follow their reference; after the trouble every frame arrives."""
    sender, assembler = Sender(codec, number=number), FrameAssembler()
    got: list[bytes] = []
    inbox: list[tuple[float, int, RtpPacket]] = []
    history: dict[int, RtpPacket] = {}
    wants_key, serial = True, itertools.count()
    calm = [(3, True, [0] * 5, True)] * 30
    for index, (parts, marker, delays, answers) in enumerate([*fates, *calm]):
        now = index / 30
        packets = sender.frame(parts, key=wants_key, marker=marker)
        wants_key = False
        for packet, delay in zip(packets, delays, strict=False):
            if delay != GONE:
                history[packet.sequence_number] = packet
            if delay >= 0:
                inbox.append((now + delay / 100, next(serial), packet))
        clock = now
        while clock < now + 1 / 30:
            for entry in sorted(inbox):
                if entry[0] <= clock:
                    inbox.remove(entry)
                    got += [frame.data for frame in assembler.push(entry[2], codec, clock)]
            got += [frame.data for frame in assembler.advance(clock)]
            asked = assembler.take_requests(clock)
            inbox += [(clock + 0.02, next(serial), history[one]) for one in asked if answers and one in history]
            wants_key |= assembler.take_keyframe_request(clock)
            clock += 0.005
    order = {frame[2]: index for index, frame in enumerate(sender.sent)}
    shown = [order[frame] for frame in got]
    assert shown == sorted(set(shown))
    for before, after in zip([-1, *shown], shown, strict=False):
        assert after == before + 1 or sender.sent[after][1], "a frame without its reference"
    assert shown[-10:] == list(range(len(sender.sent) - 10, len(sender.sent)))


def private(receiver: Any, name: str) -> Any:
    return getattr(receiver, f"_RTCRtpReceiver__{name}")


def test_only_our_receiver_is_changed_and_an_unknown_aiortc_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        ours, other, unknown = (peer.addTransceiver("video").receiver for _ in range(3))
        assert receive_sooner(ours) is private(ours, "jitter_buffer")
        with caplog.at_level(logging.INFO):
            assert receive_sooner(unknown, version="1.17.0") is None
        assert "aiortc 1.17.0" in caplog.text
        for receiver in (other, unknown):
            assert type(private(receiver, "jitter_buffer")) is JitterBuffer
            assert type(private(receiver, "nack_generator")) is NackGenerator
        del unknown._RTCRtpReceiver__decoder_queue
        assert receive_sooner(unknown) is None
        await peer.close()

    asyncio.run(main())


def test_a_session_receives_with_it() -> None:
    async def main() -> None:
        session = MediaSession(ice=IcePlan(), codec="VP8", send_size=None, on_ready=lambda: None)
        receiver = session._peer.getReceivers()[0]
        assert isinstance(private(receiver, "jitter_buffer"), Intake)
        await session.close()

    asyncio.run(main())


def test_a_stall_of_the_loop_is_no_passed_deadline() -> None:
    async def main() -> None:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        receiver: Any = peer.addTransceiver("video").receiver
        intake = receive_sooner(receiver)
        assert intake is not None
        private(receiver, "codecs")[97] = RTCRtpCodecParameters("video/VP8", 90000, payloadType=97)
        receiver._RTCRtpReceiver__decoder_thread = threading.current_thread()
        sender = Sender("VP8")
        first, broken, after = sender.frame(key=True), sender.frame(), sender.frame()
        for packet in [*first, broken[0], broken[2], after[0]]:
            intake.add(packet)
        time.sleep(0.3)  # noqa: ASYNC251 - the stall
        for packet in [*after[1:], broken[1]]:
            intake.add(packet)
        got = [private(receiver, "decoder_queue").get_nowait()[1].data for _ in range(3)]
        assert got == data(sender, 0, 1, 2)
        receiver._RTCRtpReceiver__decoder_thread = None
        intake.close()
        await peer.close()

    asyncio.run(main())


class Counting(MediaStreamTrack):
    """Grey pictures of different brightness, each once it is asked for."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.turn: asyncio.Queue[int] = asyncio.Queue()

    async def recv(self) -> av.VideoFrame:
        index = await self.turn.get()
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([40 + 8 * (index % 20)]) * plane.buffer_size)
        frame.pts, frame.time_base = index * 3000, Fraction(1, 90000)
        return frame


@both
def test_a_picture_arrives_before_the_next_one_is_sent(codec: str) -> None:
    """With aiortc's own buffer this waits for ever: it needs the next picture to end the last."""

    async def main() -> None:
        sender, receiver = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
        track = Counting()
        transceiver = sender.addTransceiver(track, direction="sendonly")
        known = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([entry for entry in known if codec in entry.mimeType])
        incoming: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()

        def on_track(remote: MediaStreamTrack) -> None:
            receive_sooner(receiver.getReceivers()[0])
            incoming.set_result(remote)

        receiver.on("track", on_track)
        await sender.setLocalDescription(await sender.createOffer())
        await receiver.setRemoteDescription(sender.localDescription)
        await receiver.setLocalDescription(await receiver.createAnswer())
        await sender.setRemoteDescription(receiver.localDescription)
        remote = await incoming
        for index in range(5):
            track.turn.put_nowait(index)
            async with asyncio.timeout(10):
                frame = await remote.recv()
            assert isinstance(frame, av.VideoFrame) and abs(memoryview(frame.planes[0])[0] - 40 - 8 * index) < 4
        await sender.close()
        await receiver.close()

    asyncio.run(main())


@both
def test_frames_flow_through_loss_and_after_it(codec: str) -> None:
    with rehearsal() as server, playing(server.url, codec=codec) as player:
        player.wait("live")
        for _ in range(2):
            before = player.frames.puts
            server.fault("lose_packets", fraction=0.1)
            until(lambda before=before: player.frames.puts > before + 12, "12 frames through the loss")
            server.heal()
            before = player.frames.puts
            until(lambda before=before: player.frames.puts > before + 12, "12 frames after it")
