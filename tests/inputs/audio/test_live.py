"""The live source over a sound system of our own: lost, back, and never another device."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.inputs.audio import AudioSettings, InputDevice
from bridge.inputs.audio._live import LiveCapture
from bridge.model.board import ProblemBoard
from bridge.model.errors import DependencyMissing
from bridge.model.features import HOP
from tests.inputs.audio.rig import LAPTOP, MIXER, Rig


def test_the_named_device_is_opened_and_heard():
    rig = Rig(LAPTOP, MIXER)
    rig.step()
    assert rig.live.running
    assert rig.system.streams[0].device == MIXER
    blocks = rig.music(100)
    assert all(block.samples.shape == (HOP,) and block.samples.dtype == np.float32 for block in blocks)
    assert len(blocks) == pytest.approx(100 * 557 / 48000 * 44100 / HOP, abs=2)
    assert blocks[50].samples == pytest.approx(0.25, abs=0.01)
    assert np.diff([block.t for block in blocks]) == pytest.approx(HOP / 44100, abs=0.0005)
    assert rig.codes == []


def test_times_are_when_it_sounded_not_when_it_was_told():
    rig = Rig(MIXER)
    rig.step()
    last = None
    for _ in range(200):
        rig.now += 512 / 48000
        rig.system.streams[-1].play(np.zeros((512, 10)), age=0.040)
        for block in rig.step():
            last = block
    assert last is not None
    assert rig.now - 0.040 - 0.012 - 0.002 <= last.t <= rig.now - 0.040 + 0.001


def test_picked_channels_alone_are_opened_and_mixed():
    rig = Rig(MIXER, channels=(3, 4))
    rig.step()
    assert rig.system.streams[0].channels == 4
    frames = np.zeros((2000, 4))
    frames[:, 2:] = 0.5
    rig.system.streams[0].play(frames)
    assert rig.step()[2].samples[-1] == pytest.approx(0.5, abs=0.01)


def test_a_plug_in_that_claims_32_channels_is_opened_with_two():
    rig = Rig(InputDevice(1, "pulse", "ALSA", 32, 44100.0), device="pulse")
    rig.step()
    assert rig.system.streams[0].channels == 2


def test_channels_beyond_the_device_are_a_problem():
    rig = Rig(MIXER, channels=(11, 12))
    rig.step()
    assert not rig.live.running
    assert "10 input channels" in rig.board.problems[0].message


def test_a_missing_device_is_waited_for_and_never_replaced():
    rig = Rig(LAPTOP)
    for _ in range(30):
        rig.step(1.0)
    assert rig.system.streams == []
    assert rig.codes == ["audio_device"]
    rig.system.plugged.append(MIXER)
    rig.step(2.0)
    assert rig.system.streams[0].device == MIXER
    assert rig.codes == []


def test_it_is_tried_every_two_seconds_and_no_oftener():
    rig = Rig(LAPTOP)
    for _ in range(100):
        rig.step(0.1)
    assert rig.system.refreshed == pytest.approx(5, abs=1)


def test_a_device_that_falls_silent_is_let_go_and_taken_back():
    rig = Rig(LAPTOP, MIXER)
    rig.step()
    rig.music(10)
    rig.step(0.9)
    assert rig.live.running
    rig.step(0.2)
    assert not rig.live.running
    assert rig.system.streams[0].closed
    assert rig.codes == ["audio_device"]
    rig.system.plugged.remove(MIXER)
    rig.step(2.1)
    assert not rig.live.running
    back = InputDevice(9, MIXER.name.replace("hw:2", "hw:1"), "ALSA", 10, 44100.0)
    rig.system.plugged.append(back)
    rig.step(2.1)
    assert rig.system.streams[-1].device == back, "the same device under another number and rate"
    assert rig.codes == []
    assert rig.music(10, rate=44100, size=512)


def test_a_slow_start_is_waited_for_but_not_for_ever():
    rig = Rig(MIXER)
    rig.step()
    rig.step(4.0)
    assert rig.live.running
    assert rig.music(5)
    quiet = Rig(MIXER)
    quiet.step()
    quiet.step(5.1)
    assert not quiet.live.running


def test_a_stream_the_driver_ends_is_let_go_at_once():
    rig = Rig(MIXER)
    rig.step()
    rig.system.streams[0].active = False
    rig.step(0.01)
    assert not rig.live.running
    assert rig.system.streams[0].closed


def test_a_busy_device_is_tried_again():
    rig = Rig(MIXER)
    rig.system.busy.add(MIXER.name)
    rig.step()
    assert "busy" in rig.board.problems[0].message
    rig.system.busy.clear()
    rig.step(2.1)
    assert rig.live.running
    assert rig.codes == []


def test_two_devices_that_fit_are_a_problem_not_a_guess():
    rig = Rig(MIXER, InputDevice(5, "DJM-250MK2", "ALSA", 4, 48000.0))
    rig.step()
    assert not rig.live.running
    assert "fits 2 sound devices" in rig.board.problems[0].message


def test_the_queue_is_bounded_and_the_oldest_gives_way():
    rig = Rig(MIXER)
    rig.step()
    for n in range(100):
        rig.now += 512 / 48000
        rig.system.streams[0].play(np.full((512, 10), n / 200))
    blocks = rig.step()
    assert rig.live.overflows == 36
    rig.step()
    assert rig.codes == [], "one stall, however long, is one loss"
    assert blocks[0].samples[200] == pytest.approx(36 / 200, abs=0.01)
    assert blocks[-1].t == pytest.approx(rig.now, abs=0.02)


def test_samples_lost_in_the_driver_are_counted_and_leave_times_right():
    rig = Rig(MIXER)
    rig.step()
    rig.music(50)
    rig.now += 0.05
    rig.system.streams[0].play(np.zeros((512, 10)), lost=True)
    rig.step()
    assert rig.live.overflows == 1
    blocks = rig.music(20)
    assert blocks[-1].t == pytest.approx(rig.now, abs=0.015)


def test_losses_while_a_device_finds_its_pace_are_only_counted():
    rig = Rig(MIXER)
    rig.step()
    for _ in range(8):
        rig.system.streams[0].play(np.zeros((512, 10)), lost=True)
        rig.music(40)
    assert rig.codes == []
    assert rig.live.overflows == 8


def test_losses_that_keep_coming_are_named_until_they_stop():
    rig = Rig(MIXER)
    rig.step()
    rig.music(5 * 86)
    for _ in range(5):
        rig.system.streams[0].play(np.zeros((512, 10)), lost=True)
        rig.music(20)
    assert rig.codes == ["audio_overflow"]
    assert "latency" in rig.board.problems[0].hint
    rig.music(25 * 86)
    assert rig.codes == ["audio_overflow"]
    rig.music(6 * 86)
    assert rig.codes == []
    assert rig.live.overflows == 5


def test_a_hole_of_a_tenth_second_leaves_beats_where_they_are():
    """The ears count samples: as many come out as time went by, and block times stay true."""
    rig = Rig(MIXER)
    rig.step()
    blocks = rig.music(600)
    rig.now += 0.1
    blocks += rig.music(200)
    span = blocks[-1].t - blocks[0].t
    assert span == pytest.approx((len(blocks) - 1) * HOP / 44100, abs=0.002)
    assert blocks[-1].t == pytest.approx(rig.now, abs=0.013)


def test_a_device_that_lies_about_its_rate_is_named_and_heard_at_the_real_one():
    rig = Rig(MIXER)
    rig.step()
    rig.music(12 * 86, rate=44100, size=512)
    assert rig.codes == ["audio_rate"]
    assert "says 48000 Hz, but delivers 44100" in rig.board.problems[0].message
    blocks = rig.music(861, rate=44100, size=512)
    assert len(blocks) == pytest.approx(861, abs=2), "no longer stretched"
    assert blocks[-1].t == pytest.approx(rig.now, abs=0.02)
    assert rig.live.facts()[1:] == (44100, 10)
    rig.music(12 * 94, rate=48000, size=512)
    assert rig.codes == [], "it tells the truth again"


def test_another_opening_forgets_what_was_said_of_the_rate():
    rig = Rig(MIXER)
    rig.step()
    rig.music(12 * 86, rate=44100, size=512)
    rig.system.streams[0].active = False
    rig.step(0.01)
    assert rig.codes == ["audio_device"]


def test_latency_is_told_and_an_offset_is_taken_off_every_time():
    rig, late = Rig(MIXER), Rig(MIXER, offset_ms=30)
    assert rig.live.facts() == (None, None, None)
    times = []
    for one in (rig, late):
        one.step()
        blocks = []
        for _ in range(200):
            one.now += 512 / 48000
            one.system.streams[-1].play(np.zeros((512, 10)), age=0.020)
            blocks += one.step()
        times.append(blocks[-1].t)
    assert times[0] - times[1] == pytest.approx(0.030)
    assert rig.live.facts() == (pytest.approx(20, abs=0.1), 48000, 10)
    assert late.live.facts()[0] == pytest.approx(50, abs=0.1)


def test_samples_that_are_no_numbers_are_counted():
    rig = Rig(MIXER)
    rig.step()
    rig.system.streams[0].play(np.full((600, 10), np.inf))
    blocks = rig.step()
    assert rig.live.mended == 6000
    assert not blocks[0].samples.any()


def test_without_the_library_it_waits_for_somebody_to_install_it():
    board = ProblemBoard()
    tries = []

    def connect():
        tries.append(1)
        raise DependencyMissing("Sound devices need PortAudio.", hint="apt install libportaudio2")

    settings = AudioSettings(source="live", device="default")
    live = LiveCapture(settings, connect=connect, board=board, clock=lambda: 0.0)
    for second in range(61):
        live.step(float(second))
    assert len(tries) == 3
    assert [(p.code, p.hint) for p in board.problems] == [("audio_library_missing", "apt install libportaudio2")]


def test_close_lets_the_device_go():
    rig = Rig(MIXER)
    rig.step()
    rig.live.close()
    assert rig.system.streams[0].closed
    assert not rig.live.running
