"""The v4l2 writer at the ioctl boundary: a kernel that behaves as v4l2loopback was seen to (tests/gig runs the real one)."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.model.errors import OutputError
from bridge.model.frames import Frame
from bridge.outputs import OutputSettings
from bridge.outputs.camera import V4l2Sink
from bridge.outputs.sink import Absent
from bridge.outputs.v4l2 import (
    CAN_CAPTURE,
    CAN_OUTPUT,
    VIDIOC_QUERYCAP,
    VIDIOC_S_FMT,
    VIDIOC_S_PARM,
    VIDIOC_STREAMON,
    V4l2Writer,
    find_device,
    loopback_devices,
)


class FakeLoopback:
    """v4l2loopback with exclusive_caps=1, one device; before 0.13 only STREAMON makes a writer."""

    def __init__(self, version: tuple[int, ...] = ()) -> None:
        self.version = version
        self.ready_for_output = True
        self.ready_for_capture = False
        self.writer: int | None = None
        self.readers = 0
        self.format: tuple[int, int, bytes] | None = None
        self.rate: tuple[int, int] | None = None
        self.written: list[bytes] = []
        self.fails: dict[str, int] = {}
        self.taken: int | None = None
        self._fds: set[int] = set()
        self._next = 10

    def driver_version(self) -> tuple[int, ...]:
        return self.version

    def open(self, path: str) -> int:
        self._maybe_fail("open")
        self._next += 1
        self._fds.add(self._next)
        return self._next

    def ioctl(self, fd: int, request: int, argument: bytearray) -> None:
        assert fd in self._fds
        if request == VIDIOC_QUERYCAP:
            able = CAN_OUTPUT * self.ready_for_output | CAN_CAPTURE * self.ready_for_capture | 0x5200000
            struct.pack_into("=16s32s32sIII", argument, 0, b"v4l2 loopback", b"Scope Bridge", b"", 0, able, able)
        elif request == VIDIOC_S_FMT:
            self._maybe_fail("format")
            if not self.ready_for_output:
                raise OSError(errno.EINVAL, "Invalid argument")
            width, height, fourcc = struct.unpack_from("=II4s", argument, 8)
            if not (self.ready_for_capture and self.format):
                self.format = (width, height, fourcc)
            struct.pack_into("=II4s", argument, 8, *self.format)
        elif request == VIDIOC_S_PARM:
            self._maybe_fail("rate")
            self.rate = struct.unpack_from("=II", argument, 12)
        elif request == VIDIOC_STREAMON:
            assert self.version < (0, 13), "newer drivers want buffers first"
            assert struct.unpack("=i", argument) == (2,)
            self.writer, self.ready_for_output = fd, False
            if not self.format:
                raise OSError(errno.EINVAL, "Invalid argument")
            self.ready_for_capture = True

    def write(self, fd: int, data: Any) -> int:
        self._maybe_fail("write")
        self.ready_for_output, self.ready_for_capture = False, True
        if self.version >= (0, 13):
            self.writer = fd
        self.written.append(bytes(data))
        return len(self.written[-1]) if self.taken is None else self.taken

    def close(self, fd: int) -> None:
        self._fds.remove(fd)
        if not self._fds and not self.readers:
            self.ready_for_capture, self.format = False, None
        if fd == self.writer:
            self.writer, self.ready_for_output = None, True

    @property
    def open_handles(self) -> int:
        return len(self._fds)

    def _maybe_fail(self, call: str) -> None:
        if call in self.fails:
            raise OSError(self.fails[call], os.strerror(self.fails[call]))


def writer(kernel: FakeLoopback) -> V4l2Writer:
    return V4l2Writer("/dev/video10", "Scope Bridge", kernel)


PICTURE = bytes(64 * 36 * 3 // 2)


@pytest.mark.parametrize("version", [(), (0, 12, 7), (0, 13, 2), (0, 15, 0)])
def test_it_fixes_format_and_rate_and_writes(version: tuple[int, ...]) -> None:
    kernel = FakeLoopback(version)
    camera = writer(kernel)
    camera.open(64, 36, 29.97)
    assert kernel.format == (64, 36, b"YU12")
    assert kernel.rate == (1000, 29970)
    assert camera.write(np.frombuffer(PICTURE, np.uint8)) is True
    assert kernel.written == [PICTURE]
    camera.close()
    camera.close()
    assert kernel.open_handles == 0


@pytest.mark.parametrize("version", [(0, 12, 7), (0, 13, 2)])
def test_it_can_come_back_after_closing(version: tuple[int, ...]) -> None:
    kernel = FakeLoopback(version)
    for _ in range(3):
        camera = writer(kernel)
        camera.open(64, 36, 5)
        camera.write(PICTURE)
        camera.close()
        assert kernel.ready_for_output, "left for the next program"


def test_it_can_come_back_while_a_reader_stays() -> None:
    kernel = FakeLoopback()
    camera = writer(kernel)
    camera.open(64, 36, 5)
    camera.write(PICTURE)
    kernel.readers = 1
    camera.close()
    camera.open(64, 36, 5)
    assert camera.write(PICTURE)
    camera.close()
    with pytest.raises(OutputError, match="locked to 64x36 YU12; the canvas is 128x72") as caught:
        camera.open(128, 72, 5)
    assert "Close the programs that read it" in caught.value.hint
    assert kernel.open_handles == 0


def test_a_device_another_program_left_unusable_is_brought_back() -> None:
    kernel = FakeLoopback()
    fd = kernel.open("")
    kernel.ioctl(fd, VIDIOC_S_FMT, bytearray(struct.pack("=I4xII4s196x", 2, 64, 36, b"YU12")))
    kernel.write(fd, PICTURE)
    kernel.close(fd)
    assert not kernel.ready_for_output and not kernel.ready_for_capture
    camera = writer(kernel)
    camera.open(64, 36, 5)
    assert camera.write(PICTURE)
    assert kernel.open_handles == 1


def test_a_device_that_is_written_to_by_another_is_left_alone() -> None:
    kernel = FakeLoopback()
    other = writer(kernel)
    other.open(64, 36, 5)
    with pytest.raises(OutputError, match="cannot be written to now"):
        writer(kernel).open(64, 36, 5)
    assert kernel.open_handles == 1
    assert other.write(PICTURE)


@pytest.mark.parametrize(
    ("code", "kind", "hint"),
    [
        (errno.ENOENT, Absent, "modprobe v4l2loopback"),
        (errno.ENODEV, Absent, 'card_label="Scope Bridge" exclusive_caps=1'),
        (errno.EACCES, OutputError, "usermod -aG video"),
        (errno.EBUSY, OutputError, "Close the program"),
    ],
)
def test_a_device_that_does_not_open_says_what_to_do(code: int, kind: type[OutputError], hint: str) -> None:
    kernel = FakeLoopback()
    kernel.fails["open"] = code
    with pytest.raises(kind) as caught:
        writer(kernel).open(64, 36, 5)
    assert type(caught.value) is kind
    assert hint in caught.value.hint


def test_a_refused_format_leaves_nothing_open() -> None:
    kernel = FakeLoopback()
    kernel.fails["format"] = errno.EBUSY
    with pytest.raises(OutputError, match="refuses 64x36 I420"):
        writer(kernel).open(64, 36, 5)
    assert kernel.open_handles == 0


def test_a_device_without_rates_is_fine() -> None:
    kernel = FakeLoopback()
    kernel.fails["rate"] = errno.ENOTTY
    camera = writer(kernel)
    camera.open(64, 36, 5)
    assert camera.write(PICTURE)


def test_full_buffers_drop_the_picture() -> None:
    kernel = FakeLoopback()
    camera = writer(kernel)
    camera.open(64, 36, 5)
    kernel.fails["write"] = errno.EAGAIN
    assert camera.write(PICTURE) is False
    kernel.fails.clear()
    assert camera.write(PICTURE) is True


@pytest.mark.parametrize(
    ("code", "says"), [(errno.ENODEV, "is gone"), (errno.EIO, "is gone"), (errno.EINVAL, "takes no pictures")]
)
def test_a_lost_device_is_seen(code: int, says: str) -> None:
    kernel = FakeLoopback()
    camera = writer(kernel)
    camera.open(64, 36, 5)
    kernel.fails["write"] = code
    with pytest.raises(OutputError, match=says) as caught:
        camera.write(PICTURE)
    assert caught.value.hint


def test_a_short_write_means_the_format_has_changed() -> None:
    kernel = FakeLoopback()
    camera = writer(kernel)
    camera.open(64, 36, 5)
    kernel.taken = 100
    with pytest.raises(OutputError, match="took 100 of 3456 bytes"):
        camera.write(PICTURE)


def sysfs(root: Path, *devices: tuple[str, str, bool]) -> Path:
    """A /sys/class/video4linux with links into virtual or real devices, as the kernel has them."""
    classes = root / "class" / "video4linux"
    classes.mkdir(parents=True)
    for name, label, virtual in devices:
        home = root / "devices" / ("virtual" if virtual else "pci0000:00") / "video4linux" / name
        home.mkdir(parents=True)
        (home / "name").write_text(label + "\n")
        (classes / name).symlink_to(home)
    return classes


def test_the_device_is_found_by_label_among_the_virtual_ones(tmp_path: Path) -> None:
    root = sysfs(
        tmp_path, ("video0", "Scope Bridge", False), ("video2", "OBS Cam", True), ("video10", "Scope Bridge", True)
    )
    assert [d.path for d in loopback_devices(root)] == ["/dev/video2", "/dev/video10"]
    assert find_device("", "Scope Bridge", root) == "/dev/video10"
    assert find_device("/dev/video7", "Scope Bridge", root) == "/dev/video7"
    with pytest.raises(Absent, match='labelled "Mine"') as caught:
        find_device("", "Mine", root)
    assert 'card_label="Mine"' in caught.value.hint


def test_a_machine_without_video_devices_has_none(tmp_path: Path) -> None:
    assert list(loopback_devices(tmp_path / "nothing")) == []


def test_the_sink_finds_opens_and_writes(tmp_path: Path) -> None:
    kernel = FakeLoopback()
    camera = OutputSettings().virtual_camera
    sink = V4l2Sink(camera, sysfs=sysfs(tmp_path, ("video10", "Scope Bridge", True)), kernel=kernel)
    assert sink.optional and sink.receivers() is None
    assert sink.open(64, 36, 5) == 'Virtual camera "Scope Bridge" on /dev/video10.'
    frame = Frame(np.full((54, 64), 7, np.uint8), 64, 36, 0.0)
    assert sink.write(frame, 0.0)
    assert kernel.written == [bytes([7]) * 3456]
    sink.close()
    with pytest.raises(OutputError, match="not open"):
        sink.write(frame, 0.0)
