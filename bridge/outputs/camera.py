"""The virtual camera: v4l2loopback written directly on Linux, pyvirtualcam on macOS and Windows."""

from __future__ import annotations

__all__ = ["PyVirtualCamSink", "V4l2Sink", "camera_sink"]

import sys
from pathlib import Path
from typing import Any

from bridge.model.errors import DependencyMissing, OutputError
from bridge.model.frames import Frame
from bridge.outputs.settings import VirtualCameraSettings
from bridge.outputs.sink import Sink
from bridge.outputs.v4l2 import DEVICES, V4l2Kernel, V4l2Writer, find_device


def camera_sink(settings: VirtualCameraSettings) -> Sink:
    """The virtual camera for this system."""
    return V4l2Sink(settings) if sys.platform == "linux" else PyVirtualCamSink(settings)


class V4l2Sink:
    """A v4l2loopback device. It is written at every tick, so a reader that starts late has a picture at once.

    The device is kept open from start to end: with ``exclusive_caps=1`` a producer that closes may not be
    able to come back, and readers see the camera only while it is open.
    """

    name = "camera"
    kind = "virtual_camera"

    def __init__(
        self, settings: VirtualCameraSettings, *, sysfs: Path = DEVICES, kernel: V4l2Kernel | None = None
    ) -> None:
        self._settings = settings
        self._sysfs = sysfs
        self._kernel = kernel
        self._writer: V4l2Writer | None = None

    @property
    def optional(self) -> bool:
        """True for ``enabled = "auto"``."""
        return self._settings.enabled == "auto"

    def receivers(self) -> None:
        """The driver does not say who reads."""

    def open(self, width: int, height: int, fps: float) -> str:
        """Find and open the device; see :class:`bridge.outputs.sink.Sink`."""
        path = find_device(self._settings.device, self._settings.label, self._sysfs)
        writer = V4l2Writer(path, self._settings.label, self._kernel)
        writer.open(width, height, fps)
        self._writer = writer
        return f'Virtual camera "{self._settings.label}" on {path}.'

    def write(self, frame: Frame, now: float) -> bool:
        """Write one picture; False when every buffer of the device is in use."""
        if self._writer is None:
            raise OutputError("The virtual camera is not open.", hint="Opened again by itself.")
        return self._writer.write(frame.data)

    def close(self) -> None:
        """Close the device."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


class PyVirtualCamSink:
    """OBS's virtual camera on macOS and Windows, through the optional package pyvirtualcam (GPL-2.0)."""

    name = "camera"
    kind = "virtual_camera"

    def __init__(self, settings: VirtualCameraSettings) -> None:
        self._settings = settings
        self._camera: Any = None

    @property
    def optional(self) -> bool:
        """True for ``enabled = "auto"``."""
        return self._settings.enabled == "auto"

    def receivers(self) -> None:
        """The driver does not say who reads."""

    def open(self, width: int, height: int, fps: float) -> str:
        """Open the camera; see :class:`bridge.outputs.sink.Sink`."""
        try:
            import pyvirtualcam
        except ImportError as error:
            raise DependencyMissing(
                f"The virtual camera is not available: {error}.",
                hint='Install it with: pip install "scope-bridge[virtualcam]", and OBS for its camera driver.',
            ) from error
        try:
            self._camera = pyvirtualcam.Camera(
                width, height, fps, fmt=pyvirtualcam.PixelFormat.I420, device=self._settings.device or None
            )
        except (RuntimeError, ValueError) as error:
            raise OutputError(
                f"The virtual camera could not start: {error}.",
                hint="Install OBS 26 or newer, start its virtual camera once, and stop it again.",
            ) from error
        return f"Virtual camera {self._camera.device}."

    def write(self, frame: Frame, now: float) -> bool:
        """Send one picture."""
        if self._camera is None:
            raise OutputError("The virtual camera is not open.", hint="Opened again by itself.")
        try:
            self._camera.send(frame.data)
        except (RuntimeError, ValueError) as error:
            raise OutputError(
                f"The virtual camera takes no pictures: {error}.", hint="Opened again by itself."
            ) from error
        return True

    def close(self) -> None:
        """Close the camera."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()
