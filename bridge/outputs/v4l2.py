"""Video4Linux2 output devices: the few calls that write pictures into v4l2loopback."""

from __future__ import annotations

__all__ = ["DEVICES", "LinuxKernel", "LoopbackDevice", "V4l2Kernel", "V4l2Writer", "find_device", "loopback_devices"]

import errno
import logging
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from bridge.model.errors import OutputError
from bridge.outputs.sink import Absent

logger = logging.getLogger(__name__)

DEVICES: Final = Path("/sys/class/video4linux")
_VERSION: Final = Path("/sys/module/v4l2loopback/version")

_POINTER: Final = struct.calcsize("P")
_FORMAT_AT: Final = _POINTER
_FORMAT_SIZE: Final = 200 + _POINTER
"""struct v4l2_format: the type, then a union of 200 bytes aligned like a pointer."""


def _ioctl(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


VIDIOC_QUERYCAP: Final = _ioctl(2, 0, 104)
VIDIOC_S_FMT: Final = _ioctl(3, 5, _FORMAT_SIZE)
VIDIOC_S_PARM: Final = _ioctl(3, 22, 204)
VIDIOC_STREAMON: Final = _ioctl(1, 18, 4)

CAN_CAPTURE: Final = 0x1
CAN_OUTPUT: Final = 0x2
LOOPBACK: Final = b"v4l2 loopback"
OUTPUT: Final = 2
FIELD_NONE: Final = 1
REC709: Final = 3
I420: Final = b"YU12"

WRITER_BUG_FIXED: Final = (0, 13)
"""Before this version ``write()`` alone does not make its caller the device's writer: after it closes, the device
is for nobody until the module is loaded again (v4l2loopback#442). STREAMON does what ``write()`` forgets, and
brings back a device that another program left like that. Read in the driver's source, tried on 0.12.7."""

MODPROBE: Final = 'sudo modprobe v4l2loopback devices=1 video_nr=10 card_label="{label}" exclusive_caps=1'


class V4l2Kernel(Protocol):
    """The system calls a writer needs; they raise OSError as the kernel does."""

    def driver_version(self) -> tuple[int, ...]: ...
    def open(self, path: str) -> int: ...
    def ioctl(self, fd: int, request: int, argument: bytearray) -> None: ...
    def write(self, fd: int, data: Any) -> int: ...
    def close(self, fd: int) -> None: ...


class LinuxKernel:
    """The real ones."""

    def driver_version(self) -> tuple[int, ...]:
        """Version of the loaded v4l2loopback, such as (0, 13, 2); empty when it does not say, as 0.12 does."""
        try:
            text = _VERSION.read_text(encoding="ascii")
            return tuple(int(part) for part in text.strip().split("."))
        except (OSError, ValueError):
            return ()

    def open(self, path: str) -> int:
        """Non-blocking, for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def ioctl(self, fd: int, request: int, argument: bytearray) -> None:
        """``argument`` is filled in place."""
        import fcntl

        fcntl.ioctl(fd, request, argument)

    def write(self, fd: int, data: Any) -> int:
        """Bytes taken."""
        return os.write(fd, data)

    def close(self, fd: int) -> None:
        """Close the device."""
        os.close(fd)


@dataclass(frozen=True, slots=True)
class LoopbackDevice:
    """A video device that programs can write to."""

    path: str
    label: str


def loopback_devices(sysfs: Path = DEVICES) -> Iterator[LoopbackDevice]:
    """The virtual devices of this machine, which is where v4l2loopback's are, by number."""
    if not sysfs.is_dir():
        return
    for entry in sorted(sysfs.iterdir(), key=lambda e: (len(e.name), e.name)):
        label = entry / "name"
        if "virtual" in entry.resolve().parts and label.is_file():
            yield LoopbackDevice(f"/dev/{entry.name}", label.read_text(encoding="utf-8", errors="replace").strip())


def find_device(device: str, label: str, sysfs: Path = DEVICES) -> str:
    """Path of the device to write to: ``device`` if given, else the virtual one labelled ``label``.

    Raises:
        Absent: no device has that label.
    """
    if device:
        return device
    found = [d.path for d in loopback_devices(sysfs) if d.label == label]
    if not found:
        raise Absent(f'There is no virtual camera labelled "{label}".', hint=_install(label))
    return found[0]


def _install(label: str) -> str:
    return f"Install v4l2loopback-dkms, then: {MODPROBE.format(label=label)}"


class V4l2Writer:
    """Writes I420 pictures of one size into a v4l2loopback device (video.md section 2).

    Args:
        path: the device, such as /dev/video10.
        label: its card_label, for the hint that creates it.
        kernel: the system calls; the real ones by default.
    """

    def __init__(self, path: str, label: str, kernel: V4l2Kernel | None = None) -> None:
        self.path = path
        self._label = label
        self._kernel = kernel or LinuxKernel()
        self._fd: int | None = None
        self._bytes = 0

    def open(self, width: int, height: int, fps: float) -> None:
        """Open the device and fix its format.

        Raises:
            Absent: there is no such device.
            OutputError: it may not be opened, is not for writing, or insists on another format.
        """
        self._fd = self._opened()
        try:
            if self._is_left_behind():
                self._become_writer()
                self.close()
                self._fd = self._opened()
            self._check_writable(self._fd)
            self._set_format(self._fd, width, height)
            self._set_rate(self._fd, fps)
            self._become_writer()
        except OSError as error:
            self.close()
            raise OutputError(
                f"{self.path} refuses {width}x{height} I420: {error.strerror or error}.",
                hint="Close the programs that read it or write to it; tried again by itself.",
            ) from error
        except OutputError:
            self.close()
            raise
        self._bytes = width * height * 3 // 2

    def write(self, data: Any) -> bool:
        """Write one picture; False when the device has no free buffer.

        Raises:
            OutputError: the device is gone, or another program changed its format.
        """
        if self._fd is None:
            raise OutputError(f"{self.path} is not open.", hint="Opened again by itself.")
        try:
            taken = self._kernel.write(self._fd, data)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._not_written(error) from error
        if taken != self._bytes:
            raise OutputError(
                f"{self.path} took {taken} of {self._bytes} bytes: its format has changed.",
                hint="Another program writes to it? Opened again by itself.",
            )
        return True

    def close(self) -> None:
        """Close the device; fine when not open."""
        fd, self._fd = self._fd, None
        if fd is not None:
            try:
                self._kernel.close(fd)
            except OSError as error:
                if error.errno not in (errno.ENODEV, errno.EBADF, errno.EIO):
                    raise OutputError(f"{self.path} could not be closed: {error.strerror}.") from error

    def _opened(self) -> int:
        try:
            return self._kernel.open(self.path)
        except OSError as error:
            raise self._not_opened(error) from error

    def _capabilities(self, fd: int) -> tuple[bytes, bytes, int]:
        """Driver, card and what the device can do."""
        found = bytearray(104)
        self._kernel.ioctl(fd, VIDIOC_QUERYCAP, found)
        overall, of_device = struct.unpack_from("=II", found, 84)
        driver, card = (bytes(found[start : start + size]).split(b"\0")[0] for start, size in ((0, 16), (16, 32)))
        return driver, card, overall | of_device

    def _is_left_behind(self) -> bool:
        if self._fd is None:
            return False
        driver, _, able = self._capabilities(self._fd)
        return driver == LOOPBACK and not able & (CAN_CAPTURE | CAN_OUTPUT)

    def _become_writer(self) -> None:
        if self._fd is None or self._kernel.driver_version() >= WRITER_BUG_FIXED:
            return
        try:
            self._kernel.ioctl(self._fd, VIDIOC_STREAMON, bytearray(struct.pack("=i", OUTPUT)))
        except OSError as error:
            # a device without a format has no buffers to start, and has taken us for its writer all the same;
            # whether pictures get through is for write() to say
            logger.debug("%s: STREAMON: %s", self.path, error)

    def _check_writable(self, fd: int) -> None:
        _, card, able = self._capabilities(fd)
        if not able & CAN_OUTPUT:
            raise OutputError(
                f"{self.path} ({card.decode(errors='replace')}) cannot be written to now.",
                hint="Close the programs that write to it or read it. If it is a real camera, set "
                "outputs.virtual_camera.device to a v4l2loopback one.",
            )

    def _set_format(self, fd: int, width: int, height: int) -> None:
        argument = bytearray(_FORMAT_SIZE)
        struct.pack_into("=I", argument, 0, OUTPUT)
        wanted = (width, height, I420, FIELD_NONE, width, width * height * 3 // 2, REC709)
        struct.pack_into("=II4sIIII", argument, _FORMAT_AT, *wanted)
        self._kernel.ioctl(fd, VIDIOC_S_FMT, argument)
        got = struct.unpack_from("=II4s", argument, _FORMAT_AT)
        if got != wanted[:3]:
            raise OutputError(
                f"{self.path} is locked to {got[0]}x{got[1]} {got[2].decode(errors='replace')}; "
                f"the canvas is {width}x{height}.",
                hint="Close the programs that read it (OBS, browser, ...), then it is opened again by itself.",
            )

    def _set_rate(self, fd: int, fps: float) -> None:
        argument = bytearray(204)
        struct.pack_into("=IIIII", argument, 0, OUTPUT, 0, 0, 1000, round(fps * 1000))
        try:
            self._kernel.ioctl(fd, VIDIOC_S_PARM, argument)
        except OSError as error:
            # only what readers are told; pictures come at our own pace either way
            if error.errno not in (errno.EINVAL, errno.ENOTTY):
                raise

    def _not_opened(self, error: OSError) -> OutputError:
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
            return Absent(f"There is no {self.path}.", hint=_install(self._label))
        if error.errno in (errno.EACCES, errno.EPERM):
            return OutputError(
                f"{self.path} may not be opened.",
                hint="Join the group: sudo usermod -aG video $USER, then log in again.",
            )
        return OutputError(
            f"{self.path} cannot be opened: {error.strerror or error}.",
            hint="Close the program that writes to it; tried again by itself.",
        )

    def _not_written(self, error: OSError) -> OutputError:
        if error.errno in (errno.ENODEV, errno.ENXIO, errno.EIO):
            return OutputError(f"{self.path} is gone.", hint=_install(self._label))
        return OutputError(
            f"{self.path} takes no pictures: {error.strerror or error}.",
            hint="Another program changed its format? Opened again by itself.",
        )
