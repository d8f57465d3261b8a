"""Files that PyAV made, a camera whose driver is a fake, and names."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.video.camera import CameraSource
from bridge.inputs.video.file import FileSource
from bridge.inputs.video.pace import Pace, Thinner
from bridge.inputs.video.settings import VideoSettings
from bridge.inputs.video.source import choose
from bridge.model.errors import VideoSourceError


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return False


def write_video(path: Path, frames: int, fps: int) -> Path:
    """Frames whose brightness is their number."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=fps, options={"crf": "5", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(np.full((72, 64), 40 + 10 * number, np.uint8), format="yuv420p")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def brightness(picture: Any) -> int:
    return round((float(np.frombuffer(memoryview(picture.planes[0]), np.uint8)[:64].mean()) - 40) / 10)


def test_a_file_plays_in_its_own_time_and_begins_again(tmp_path: Path) -> None:
    clock = Time()
    source = FileSource(write_video(tmp_path / "a.mp4", 8, 10), 30.0, clock=clock, wait=clock.wait)
    assert source.open(64, 48) == "a.mp4"
    began = clock.now
    shown = [(source.read(0.1), clock.now - began) for _ in range(20)]
    numbers = [brightness(picture) for picture, _ in shown]
    assert numbers == [number % 8 for number in range(20)]
    steps = np.diff([t for _, t in shown])
    assert np.allclose(steps, 0.1, atol=1e-6)
    source.close()


def test_after_a_standstill_a_file_goes_on_and_does_not_hurry(tmp_path: Path) -> None:
    clock = Time()
    source = FileSource(write_video(tmp_path / "a.mp4", 8, 10), 30.0, clock=clock, wait=clock.wait)
    source.open(64, 48)
    source.read(0.1)
    clock.now += 60
    source.read(0.1)
    after = clock.now
    source.read(0.1)
    assert clock.now - after == pytest.approx(0.1)
    source.close()


def test_a_picture_is_given_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    with av.open(str(path), "w", format="image2") as container:
        stream: Any = container.add_stream("png")
        stream.width, stream.height, stream.pix_fmt = 40, 30, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((30, 40, 3), 90, np.uint8), format="rgb24")))
    clock = Time()
    source = FileSource(path, 25.0, clock=clock, wait=clock.wait)
    source.open(64, 48)
    first = source.read(0.1)
    began = clock.now
    assert all(source.read(0.1) is first for _ in range(50))
    assert clock.now - began == pytest.approx(2.0)
    source.close()


def test_files_that_are_none_say_so(tmp_path: Path) -> None:
    clock = Time()
    (tmp_path / "words.mp4").write_text("no video at all")
    for name, said in (("missing.mp4", "There is no file"), ("words.mp4", "cannot be read")):
        source = FileSource(tmp_path / name, 30.0, clock=clock, wait=clock.wait)
        with pytest.raises(VideoSourceError, match=said):
            source.open(64, 48)
        source.close()


class Driver:
    """A camera that gives a picture when told, and fails when told."""

    def __init__(self, *refused: dict[str, str]) -> None:
        self.asked: list[dict[str, str]] = []
        self.pictures: list[av.VideoFrame] = []
        self.unplugged = threading.Event()
        self._refused = refused
        self._agreed: dict[str, str] = {}
        self.changes_size = False
        self.closed = 0

    def connect(self, path: str, *, options: dict[str, str], **form: str) -> Driver:
        self.asked.append(options)
        if any(item in options.items() for refused in self._refused for item in refused.items()):
            raise av.error.InvalidDataError(22, "Invalid argument")
        self._agreed = options
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1

    def decode(self, *, video: int) -> Iterator[av.VideoFrame]:
        if self.changes_size and "video_size" in self._agreed:
            raise av.error.InvalidDataError(22, "packet size 86400 < expected frame_size 1382400")
        while not self.unplugged.is_set():
            yield av.VideoFrame(64, 48, "yuv420p")
            self.unplugged.wait(0.01)
        raise av.error.OSError(19, "No such device")


def newest(source: CameraSource) -> av.VideoFrame:
    deadline = time.monotonic() + 10
    while (picture := source.read(0.1)) is None:
        assert time.monotonic() < deadline
    return picture


def test_a_camera_is_asked_for_less_until_it_agrees() -> None:
    driver = Driver({"input_format": "mjpeg"})
    source = CameraSource(VideoSettings(source="camera", device="/dev/video9"), connect=driver.connect)
    assert source.open(64, 48) == "/dev/video9"
    assert newest(source).width == 64
    assert [options.get("input_format") for options in driver.asked] == ["mjpeg", None]
    source.close()
    assert driver.closed == 1


def test_a_driver_that_sends_another_size_than_it_took_is_asked_for_none() -> None:
    """As v4l2loopback does, and webcams without 720p: seen with the first picture only."""
    driver = Driver()
    driver.changes_size = True
    source = CameraSource(VideoSettings(source="camera", device="/dev/video9"), connect=driver.connect)
    source.open(64, 48)
    assert newest(source).width == 64
    assert driver.asked[-1] == {} and driver.closed == len(driver.asked) - 1
    source.close()


def test_a_camera_that_is_pulled_out_is_lost() -> None:
    driver = Driver()
    source = CameraSource(VideoSettings(source="camera", device="/dev/video9"), connect=driver.connect)
    source.open(64, 48)
    newest(source)
    driver.unplugged.set()
    with pytest.raises(VideoSourceError, match="/dev/video9 cannot be read"):
        for _ in range(100):
            source.read(0.1)
    source.close()


def test_a_missing_camera_has_a_mend() -> None:
    source = CameraSource(VideoSettings(source="camera", device="/dev/no-such-camera"))
    source.open(64, 48)
    with pytest.raises(VideoSourceError) as caught:
        for _ in range(100):
            source.read(0.1)
    assert "There is no camera" in caught.value.message and "Plug it in" in caught.value.hint
    source.close()


NAMES = ("Cam Link 4K", "HD Pro Webcam C920", "HD Pro Webcam C922")


@pytest.mark.parametrize(("wanted", "index"), [("Cam Link 4K", 0), ("cam link", 0), ("c922", 2), (r"/C92\d$/", None)])
def test_names(wanted: str, index: int | None) -> None:
    if index is None:
        with pytest.raises(VideoSourceError, match="fits several"):
            choose("camera", wanted, NAMES)
    else:
        assert choose("camera", wanted, NAMES) == index


def test_a_name_that_nobody_has_lists_those_there_are() -> None:
    with pytest.raises(VideoSourceError, match='"Cam Link 4K", "HD Pro'):
        choose("camera", "OBS", NAMES)


@given(st.floats(1, 60), st.lists(st.floats(0.001, 0.2), min_size=50, max_size=200))
def test_never_more_than_asked_for(fps: float, gaps: list[float]) -> None:
    thin, t, passed = Thinner(fps), 0.0, []
    for gap in gaps:
        t += gap
        if thin.passes(t):
            passed.append(t)
    assert len(passed) <= (passed[-1] - passed[0]) * fps * 1.34 + 2


@given(st.floats(5, 60), st.integers(0, 1000))
def test_a_camera_of_the_same_rate_loses_nothing(fps: float, seed: int) -> None:
    dice = np.random.default_rng(seed)
    thin = Thinner(fps)
    assert all(thin.passes(number / fps + dice.uniform(0, 0.1 / fps)) for number in range(100))


def test_a_pace_without_drift_that_does_not_hurry() -> None:
    pace = Pace(25.0, 10.0)
    assert [pace.next(10.0) for _ in range(3)] == pytest.approx([10.04, 10.08, 10.12])
    assert pace.next(20.0) == 20.0
    assert pace.next(20.0) == pytest.approx(20.04)
