"""Frames from packets: whole ones soon, holes asked for, skipped and healed."""

from __future__ import annotations

import itertools

import pytest
from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from bridge.scope.assembly import CAPACITY, FrameAssembler

from .rtp import CODECS, FRAME, Sender, both, data, take


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
def test_a_request_is_repeated_at_once_in_case_its_answer_is_lost(codec: str) -> None:
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    lost, *rest = sender.frame()
    take(assembler, rest, codec)
    assert assembler.take_requests(0.0) == [lost.sequence_number]
    copy = assembler.due()
    assert copy is not None and copy < assembler.ask_again / 2
    assert assembler.take_requests(copy) == [lost.sequence_number]
    again = assembler.due()
    assert again is not None and again >= assembler.ask_again and assembler.take_requests(again - 0.001) == []


@both
def test_many_requests_are_not_doubled(codec: str) -> None:
    """A full line loses many packets: doubled repeats would fill it further."""
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    take(assembler, sender.frame(40)[::2], codec)
    assert len(assembler.take_requests(0.0)) > 16
    copy = assembler.due()
    assert copy is not None and copy >= assembler.ask_again


@both
def test_a_packet_that_left_the_senders_history_is_not_waited_for(codec: str) -> None:
    """A keyframe is asked for as soon as aiortc's sender cannot repeat the packet: it keeps 128."""
    sender, assembler = Sender(codec), FrameAssembler()
    take(assembler, sender.frame(key=True), codec)
    take(assembler, sender.frame()[1:], codec)
    assert assembler.take_requests(0.0)
    take(assembler, sender.frame(100), codec, 0.01)
    assert not assembler.take_keyframe_request(0.01)
    take(assembler, sender.frame(30), codec, 0.02)
    assert assembler.take_keyframe_request(0.02) and not assembler.take_keyframe_request(0.03)
    assert take(assembler, sender.frame(20, key=True), codec, 0.04) == data(sender, 4)
    assert not assembler.gated and assembler.due() is None


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
    assert again is not None and again > now + 0.1 and assembler.take_keyframe_request(again)
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
