"""The audio thread over its sources, with a clock that runs as fast as it is asked."""

from __future__ import annotations

import threading
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from bridge.inputs.audio import AudioInput, AudioSettings, InputDevice, demo_track
from bridge.model.board import ProblemBoard
from bridge.model.errors import DependencyMissing
from bridge.model.features import HOP, SAMPLE_RATE


class FastClock:
    """Every look moves it on by half a block, and the thread looks twice a block: nobody waits for long."""

    def __init__(self) -> None:
        self.now = 500.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            self.now += 0.0059
            return self.now


class Collector:
    def __init__(self, wanted: int) -> None:
        self.blocks = []
        self._wanted = wanted
        self.enough = threading.Event()

    def __call__(self, block) -> None:
        self.blocks.append(block)
        if len(self.blocks) >= self._wanted:
            self.enough.set()

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([block.samples for block in self.blocks])


def until(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition() and time.monotonic() < end:
        pause.wait(0.005)
    return bool(condition())


@pytest.fixture
def run():
    running = []

    def start(settings: AudioSettings, wanted: int, **more):
        board = ProblemBoard()
        collect = Collector(wanted)
        audio = AudioInput(settings, on_block=collect, board=board, **({"clock": FastClock()} | more))
        audio.start()
        running.append(audio)
        return audio, collect, board

    yield start
    for audio in running:
        audio.stop()
        assert audio.status().state == "off"
    assert not [thread for thread in threading.enumerate() if thread.name == "audio"]


def tone(path: Path, blocks: float, level: float = 0.5) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.full(int(blocks * HOP), level * 32767, "<i2").tobytes())
    return path


def test_the_demo_track_plays_from_its_start(run):
    audio, collect, _ = run(AudioSettings(source="demo"), 100)
    assert collect.enough.wait(10)
    assert audio.status().source == "demo"
    assert audio.status().state == "running"
    assert np.array_equal(collect.samples[: 100 * HOP], demo_track()[: 100 * HOP])
    assert np.diff([b.t for b in collect.blocks[:100]]) == pytest.approx(HOP / SAMPLE_RATE, abs=1e-6)


def test_the_demo_track_keeps_real_time(run):
    _, collect, _ = run(AudioSettings(source="demo"), 60, clock=time.monotonic)
    assert collect.enough.wait(20)
    first, last = collect.blocks[0], collect.blocks[59]
    assert last.t - first.t == pytest.approx(59 * HOP / SAMPLE_RATE)
    assert last.t <= time.monotonic()


def test_a_file_plays_to_its_end_and_falls_silent(run, tmp_path):
    settings = AudioSettings(source="file", file=tone(tmp_path / "a.wav", 20.5), loop=False)
    audio, collect, board = run(settings, 60)
    assert collect.enough.wait(10)
    assert until(lambda: audio.status().state == "ended")
    assert collect.samples[: int(20.5 * HOP)] == pytest.approx(0.5, abs=0.001)
    assert not collect.samples[int(20.5 * HOP) :].any()
    assert board.problems == ()
    assert until(lambda: len(collect.blocks) >= 21 + 4 * SAMPLE_RATE // HOP - 20), "four seconds of silence follow"
    times = [b.t for b in collect.blocks]
    assert times == sorted(times)


def test_a_file_loops_without_a_gap(run, tmp_path):
    _, collect, _ = run(AudioSettings(source="file", file=tone(tmp_path / "a.wav", 7.25)), 40)
    assert collect.enough.wait(10)
    assert collect.samples == pytest.approx(0.5, abs=0.001)


def test_gain_is_applied(run, tmp_path):
    settings = AudioSettings(source="file", file=tone(tmp_path / "a.wav", 8, level=0.1), gain_db=12)
    _, collect, _ = run(settings, 5)
    assert collect.enough.wait(10)
    assert collect.samples[:HOP] == pytest.approx(0.398, abs=0.001)


def test_a_missing_file_is_pinned_and_taken_when_it_appears(run, tmp_path):
    path = tmp_path / "later.wav"
    audio, collect, board = run(AudioSettings(source="file", file=path), 5)
    assert until(lambda: board.problems)
    assert audio.status().state == "waiting"
    assert "later.wav" in board.problems[0].message
    tone(path, 30)
    assert collect.enough.wait(20)
    assert until(lambda: not board.problems)


def test_a_broken_file_is_pinned(run, tmp_path):
    path = tmp_path / "broken.flac"
    path.write_bytes(b"fLaC" + bytes(3000))
    _, collect, board = run(AudioSettings(source="file", file=path), 1)
    assert until(lambda: board.problems)
    assert board.problems[0].code == "audio_file"
    assert board.problems[0].hint
    assert not collect.blocks


def test_off_starts_nothing(run):
    audio, collect, _ = run(AudioSettings(), 1)
    assert audio.status().state == "off"
    assert not collect.blocks


def test_live_without_the_library_waits_with_a_problem(run):
    def connect():
        raise DependencyMissing("Sound devices need PortAudio.", hint="apt install libportaudio2")

    audio, _, board = run(AudioSettings(source="live", device="default"), 1, connect=connect)
    assert until(lambda: board.problems)
    assert audio.status().state == "waiting"
    assert board.problems[0].hint == "apt install libportaudio2"


class OneDevice:
    """A sound system with one device that plays as soon as it is opened, until it is unplugged."""

    def __init__(self) -> None:
        self.active = True
        self.on_audio = None

    def refresh(self) -> None:
        self.active = True

    def devices(self):
        return (InputDevice(0, "Line", "ALSA", 2, 48000.0),)

    def open(self, device, *, channels, latency, on_audio):
        for _ in range(20):
            on_audio(np.full((512, channels), 0.5, np.float32), 0.0, False)
        return self

    def close(self) -> None:
        self.active = False


def test_live_blocks_arrive_and_silence_follows_when_the_device_goes(run):
    system = OneDevice()
    audio, collect, board = run(AudioSettings(source="live", device="line"), 15, connect=lambda: system)
    assert collect.enough.wait(10)
    system.active = False
    assert until(lambda: board.problems or audio.status().state == "waiting")
    assert until(lambda: any(not b.samples.any() for b in collect.blocks))
