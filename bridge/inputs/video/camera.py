"""A camera through FFmpeg's v4l2 (PyAV), read in a thread of its own: its driver may hang, we may not."""

from __future__ import annotations

__all__ = ["CAPTURE_THREAD", "CameraSource"]

import sys
import threading
from collections.abc import Callable
from typing import Any, Final

import av
from av.error import FFmpegError

from bridge.inputs.video.listing import list_cameras
from bridge.inputs.video.settings import VideoSettings
from bridge.inputs.video.source import choose
from bridge.model.errors import VideoSourceError
from bridge.model.frames import LatestSlot

CAPTURE_THREAD: Final = "video-camera"
_LEAVE_S: Final = 2.0
_ASKED_FOR: Final[tuple[dict[str, str], ...]] = (
    {"video_size": "1280x720", "input_format": "mjpeg"},
    {"video_size": "1280x720"},
    {},
)
"""What the camera is asked for, the best first: 720p, compressed where the bus is slow; then whatever it likes."""


class CameraSource:
    """One camera, by path or name.

    Opening it waits for its first picture and so may take for ever; ``read`` gives None meanwhile.

    Args:
        connect: opens the device, as ``av.open`` does.
    """

    def __init__(
        self,
        settings: VideoSettings,
        *,
        connect: Callable[..., Any] = av.open,
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._capture: _Capture | None = None
        self._seen = 0

    def open(self, width: int, height: int) -> str:
        """See :class:`bridge.inputs.video.source.Source`."""
        if self._capture is not None and self._capture.alive:
            raise VideoSourceError(
                "The camera's driver does not let go of it.", hint="Unplug the camera and plug it in again."
            )
        path = self._path()
        self._seen = 0
        self._capture = _Capture(path, self._settings.fps, self._connect)
        return path

    def read(self, timeout: float) -> av.VideoFrame | None:
        """The newest picture."""
        capture = self._capture
        if capture is None:
            return None
        picture, seen = capture.pictures.wait_newer(self._seen, timeout)
        if seen == self._seen:
            if capture.error is not None:
                raise capture.error
            return None
        self._seen = seen
        return picture

    def close(self) -> None:
        """Ask the capture to end; one that hangs in its driver is left behind until it comes back."""
        if self._capture is not None:
            self._capture.stop(_LEAVE_S)

    def _path(self) -> str:
        wanted = self._settings.device
        if wanted.startswith("/dev/"):
            return wanted
        cameras = list_cameras()
        if wanted == "default":
            if not cameras:
                raise VideoSourceError("No camera is connected.", hint="Plug one in: it is taken by itself.")
            return cameras[0].path
        return cameras[choose("camera", wanted, [camera.name for camera in cameras])].path


class _Capture:
    """The thread of one opening."""

    def __init__(self, path: str, fps: float, connect: Callable[..., Any]) -> None:
        self.pictures: LatestSlot[av.VideoFrame] = LatestSlot()
        self.error: VideoSourceError | None = None
        self._path = path
        self._fps = fps
        self._connect = connect
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=CAPTURE_THREAD, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self, timeout: float) -> None:
        self._stop.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            for wishes in _ASKED_FOR:
                if self._play(wishes, last=wishes is _ASKED_FOR[-1]):
                    return
        except (FFmpegError, OSError) as error:
            self.error = _lost(self._path, error)

    def _play(self, wishes: dict[str, str], *, last: bool) -> bool:
        """Read the device opened in this way; False where it gives no picture so, and another way is left."""
        form = "v4l2" if sys.platform == "linux" else "avfoundation" if sys.platform == "darwin" else "dshow"
        options = {**wishes, "framerate": f"{self._fps:g}"} if wishes else {}
        came = False
        try:
            with self._connect(self._path, format=form, options=options) as container:
                for picture in container.decode(video=0):
                    if self._stop.is_set():
                        return True
                    came = True
                    self.pictures.put(picture)
        except (FFmpegError, OSError) as error:
            # A driver may take the size that is asked for and send another, which shows with the first picture only.
            # A missing or forbidden device stays so whatever it is asked for.
            if came or last or isinstance(error, FileNotFoundError | PermissionError):
                raise
            return False
        self.error = VideoSourceError(f"{self._path} ended.", hint="It is taken back by itself.")
        return True


def _lost(path: str, error: FFmpegError | OSError) -> VideoSourceError:
    if isinstance(error, FileNotFoundError):
        return VideoSourceError(f"There is no camera {path}.", hint="Plug it in: it is taken by itself.")
    if isinstance(error, PermissionError):
        return VideoSourceError(
            f"{path} may not be opened.",
            hint="Add the user to the group video, then log in again: usermod -aG video NAME",
        )
    return VideoSourceError(
        f"{path} cannot be read: {error.strerror or error}.",
        hint="Close other programs that use the camera, or plug it in again: it is taken back by itself.",
    )
