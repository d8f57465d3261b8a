"""What there is to look through: cameras and NDI sources, for ``scope-bridge devices`` and for finding one by name."""

from __future__ import annotations

__all__ = ["VideoDevice", "list_cameras", "list_ndi_sources"]

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.inputs.video.ndi import load_receiving

SYSFS: Final = Path("/sys/class/video4linux")
NDI_SEARCH_S: Final = 2.0
_VIDIOC_QUERYCAP: Final = 0x80685600
_CAPTURE: Final = 0x0000_0001
_HAS_DEVICE_CAPS: Final = 0x8000_0000


@dataclass(frozen=True, slots=True)
class VideoDevice:
    """One source: ``name`` to write into the configuration, ``path`` of a camera's device."""

    name: str
    path: str = ""


def list_cameras(sysfs: Path = SYSFS) -> tuple[VideoDevice, ...]:
    """Cameras by number; nodes that give no pictures (a webcam's second one) are left out. Starts no camera."""
    if not sysfs.is_dir():
        return ()
    found = []
    for entry in sorted(sysfs.iterdir(), key=lambda each: (len(each.name), each.name)):
        label, path = entry / "name", f"/dev/{entry.name}"
        if label.is_file() and _captures(path):
            found.append(VideoDevice(label.read_text(encoding="utf-8", errors="replace").strip(), path))
    return tuple(found)


def list_ndi_sources() -> tuple[VideoDevice, ...]:
    """NDI sources seen within two seconds.

    Raises:
        DependencyMissing: cyndilib is not installed.
    """
    ndi = load_receiving()
    finder = ndi.Finder()
    finder.open()
    try:
        finder.wait_for_sources(NDI_SEARCH_S)
        return tuple(VideoDevice(name) for name in sorted(finder.get_source_names()))
    finally:
        finder.close()


def _captures(path: str) -> bool:
    """Whether the driver says that pictures come out of it; a device we may not open is listed, opening says why."""
    try:
        device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        answer = bytearray(104)
        fcntl.ioctl(device, _VIDIOC_QUERYCAP, answer)
    except OSError:
        return False
    finally:
        os.close(device)
    whole, own = struct.unpack_from("<II", answer, 84)
    return bool((own if whole & _HAS_DEVICE_CAPS else whole) & _CAPTURE)
