"""Frames sooner, in a real receiver of aiortc."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from fractions import Fraction
from typing import Any

import av
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import NackGenerator

from bridge.scope.ladder import IcePlan
from bridge.scope.receive import Intake, receive_sooner
from bridge.scope.session import MediaSession

from .rtp import Sender, both, data
from .stage import playing, rehearsal, until


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
        session = MediaSession(ice=IcePlan(), codec="VP8", sending=None, on_ready=lambda: None)
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
