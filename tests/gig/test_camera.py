"""The virtual camera on a real v4l2loopback device: run in the gig box, `make test-gig`.

The box's processor is emulated, so these tests check content and behaviour at a few pictures a second, never rates.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import FxState
from bridge.model.facts import ScopeFacts
from bridge.model.frames import Frame, LatestSlot
from bridge.outputs import Outputs, OutputSettings, list_outputs
from bridge.outputs.v4l2 import VIDIOC_QUERYCAP, VIDIOC_S_FMT, LinuxKernel
from bridge.program import Program, ProgramSettings

DEVICE = "/dev/video10"
WIDTH, HEIGHT, FPS = 320, 180, 5.0
RED_601, RED_709 = (81, 90, 240), (63, 102, 240)


class Rig:
    """The program and its camera, on the real device."""

    def __init__(self) -> None:
        self.frames: LatestSlot[Frame] = LatestSlot()
        canvas: LatestSlot[Frame] = LatestSlot()
        self.board = ProblemBoard()
        settings = ProgramSettings(width=WIDTH, height=HEIGHT, fps=FPS, lost_after_s=1.0, fade_s=0.4)
        self.program = Program(
            settings, frames=self.frames, canvas=canvas, fx=Cell(FxState()), facts=Cell(ScopeFacts()), board=self.board
        )
        outputs = OutputSettings.model_validate(
            {"ndi": {"enabled": False}, "virtual_camera": {"enabled": True}, "preview": {"enabled": False}}
        )
        self.outputs = Outputs(outputs, canvas=canvas, board=self.board, fps=FPS)

    def show(self, yuv: tuple[int, int, int]) -> None:
        self.frames.put(flat_frame(yuv, time.monotonic()))

    def camera(self) -> tuple[str, int]:
        status = self.outputs.status()[0]
        return status.state, status.frames

    def wait_for(self, what: Callable[[], bool], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, (self.camera(), self.board.problems)
            time.sleep(0.1)


def flat_frame(yuv: tuple[int, int, int], t: float) -> Frame:
    data = np.empty((HEIGHT * 3 // 2, WIDTH), np.uint8)
    for plane, level in zip(np.split(data.reshape(-1), [HEIGHT * WIDTH, HEIGHT * WIDTH * 5 // 4]), yuv, strict=True):
        plane[:] = level
    return Frame(data, WIDTH, HEIGHT, t)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    rig.program.start()
    rig.outputs.start()
    rig.wait_for(lambda: rig.camera()[0] == "open" and rig.camera()[1] > 2)
    yield rig
    rig.outputs.stop()
    rig.program.stop()


def read_with_ffmpeg(count: int) -> np.ndarray:
    """Pictures as a foreign program reads them: (count, HEIGHT * 3 / 2, WIDTH)."""
    done = subprocess.run(
        f"ffmpeg -v error -f v4l2 -i {DEVICE} -frames:v {count} -f rawvideo -pix_fmt yuv420p -".split(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, np.uint8).reshape(count, HEIGHT * 3 // 2, WIDTH)


def middle(picture: np.ndarray) -> tuple[int, int, int]:
    flat = picture.reshape(-1)
    planes = np.split(flat, [HEIGHT * WIDTH, HEIGHT * WIDTH * 5 // 4])
    return tuple(int(np.median(plane)) for plane in planes)


def v4l2_ctl(*arguments: str) -> str:
    done = subprocess.run(
        ["v4l2-ctl", "-d", DEVICE, *arguments], capture_output=True, check=False, text=True, timeout=60
    )
    return done.stdout


def test_the_device_is_found_by_its_label() -> None:
    assert any(d.kind == "virtual_camera" and DEVICE in d.name and "Scope Bridge" in d.name for d in list_outputs())
    assert Path("/sys/class/video4linux/video10/name").read_text().strip() == "Scope Bridge"


def test_a_reader_sees_format_rate_and_label(rig: Rig) -> None:
    described = v4l2_ctl("--all")
    assert "Scope Bridge" in described
    assert f"{WIDTH}/{HEIGHT}" in described.replace(" ", "")
    assert "YU12" in described
    assert f"{FPS:.3f}" in v4l2_ctl("--get-parm")


def test_slate_then_red_then_slate_again(rig: Rig) -> None:
    slate = read_with_ffmpeg(2)[-1]
    assert slate[:HEIGHT].std() > 5, "the slate has a title"
    assert slate[:HEIGHT].mean() > 20, "and is not black"

    feeding = True

    def feed_and_read() -> np.ndarray:
        reader = subprocess.Popen(
            ["v4l2-ctl", "-d", DEVICE, "--stream-mmap", "--stream-count=20", "--stream-to=/tmp/camera.raw"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while reader.poll() is None:
            if feeding:
                rig.show(RED_601)
            time.sleep(0.1)
        raw = np.fromfile("/tmp/camera.raw", np.uint8)
        return raw[: raw.size // (WIDTH * HEIGHT * 3 // 2) * (WIDTH * HEIGHT * 3 // 2)].reshape(
            -1, HEIGHT * 3 // 2, WIDTH
        )

    pictures = feed_and_read()
    assert len(pictures) >= 10
    assert np.abs(np.subtract(middle(pictures[-1]), RED_709)).max() <= 2

    feeding = False
    rig.wait_for(lambda: rig.program.status().state == "slate")
    before = rig.camera()[1]
    rig.wait_for(lambda: rig.camera()[1] >= before + 8)
    again = read_with_ffmpeg(2)[-1]
    assert np.abs(again.astype(int) - slate.astype(int)).mean() < 3, "the slate is back"
    assert rig.camera()[0] == "open"


def test_the_device_survives_readers_that_come_and_go(rig: Rig) -> None:
    for _ in range(3):
        before = rig.camera()
        assert len(read_with_ffmpeg(2)) == 2
        rig.wait_for(lambda before=before: rig.camera()[1] > before[1])
        assert rig.camera()[0] == "open"
    assert not rig.board.problems


def test_it_can_be_started_again_after_a_clean_stop(rig: Rig) -> None:
    rig.outputs.stop()
    assert "Video Output" in v4l2_ctl("--all"), "the device is left for the next program to write to"
    again = Rig()
    again.program.start()
    again.outputs.start()
    try:
        again.wait_for(lambda: again.camera()[0] == "open" and again.camera()[1] > 2)
        assert read_with_ffmpeg(1).shape[0] == 1
    finally:
        again.outputs.stop()
        again.program.stop()


def test_a_device_that_another_program_left_unusable_is_brought_back() -> None:
    """With exclusive_caps=1, v4l2loopback 0.12 forgets who only wrote: S_FMT is refused from then on."""
    kernel = LinuxKernel()
    fd = kernel.open(DEVICE)
    argument = bytearray(208)
    struct.pack_into("=I", argument, 0, 2)
    struct.pack_into("=II4sIIII", argument, 8, WIDTH, HEIGHT, b"YU12", 1, WIDTH, WIDTH * HEIGHT * 3 // 2, 8)
    kernel.ioctl(fd, VIDIOC_S_FMT, argument)
    kernel.write(fd, bytes(WIDTH * HEIGHT * 3 // 2))
    kernel.close(fd)
    if kernel.driver_version() < (0, 13):
        fd = kernel.open(DEVICE)
        kernel.ioctl(fd, VIDIOC_QUERYCAP, bytearray(104))
        with pytest.raises(OSError, match="Invalid argument"):
            kernel.ioctl(fd, VIDIOC_S_FMT, argument)
        kernel.close(fd)
    rig = Rig()
    rig.program.start()
    rig.outputs.start()
    try:
        rig.wait_for(lambda: rig.camera()[0] == "open" and rig.camera()[1] > 2)
        assert read_with_ffmpeg(1).shape[0] == 1
    finally:
        rig.outputs.stop()
        rig.program.stop()


def test_a_killed_writer_leaves_the_device_usable_while_a_reader_stays(rig: Rig) -> None:
    rig.outputs.stop()
    code = (
        "import sys, time; from bridge.outputs.v4l2 import V4l2Writer; "
        f"w = V4l2Writer('{DEVICE}', 'x'); w.open({WIDTH}, {HEIGHT}, 5)\n"
        f"while True: w.write(bytes([77]) * {WIDTH * HEIGHT * 3 // 2}); time.sleep(0.2); print('.', flush=True)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    reader = subprocess.Popen(
        ["v4l2-ctl", "-d", DEVICE, "--stream-mmap", "--stream-count=25", "--stream-to=/tmp/killed.raw"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(8):
        writer.stdout.readline()
    writer.kill()
    writer.communicate()
    again = Rig()
    again.program.start()
    again.outputs.start()
    try:
        again.wait_for(lambda: reader.poll() is not None, seconds=60)
    finally:
        again.outputs.stop()
        again.program.stop()
    seen = np.fromfile("/tmp/killed.raw", np.uint8)
    pictures = seen[: seen.size // (WIDTH * HEIGHT * 3 // 2) * (WIDTH * HEIGHT * 3 // 2)].reshape(
        -1, HEIGHT * 3 // 2, WIDTH
    )
    assert (pictures[0] == 77).all(), "the reader saw the first writer"
    assert pictures[-1][:HEIGHT].std() > 5, "and, without being opened again, the slate of the second"
