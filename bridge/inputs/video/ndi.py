"""An NDI source through cyndilib's frame sync (its plain receiver loses pictures, see tests/peers/ndi_receiver.py)."""

from __future__ import annotations

__all__ = ["NdiSource", "load_receiving", "search_at"]

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import av
import numpy as np
from av.video.reformatter import Colorspace

from bridge.inputs.video.source import choose
from bridge.model.errors import DependencyMissing, VideoSourceError

CONFIG_DIR: Final = "NDI_CONFIG_DIR"
SEARCH_S: Final = 1.5
GONE_S: Final = 4.0
"""A source that gave nothing for so long is looked for again: it may be back at another port."""

_LOOK_S: Final = 1 / 120
_FORMATS: Final = {"UYVY": ("uyvy422", 2), "BGRA": ("bgra", 4), "BGRX": ("bgr0", 4)}
"""FourCC -> (FFmpeg's name, bytes a pixel)."""


def load_receiving() -> SimpleNamespace:
    """What is used of cyndilib. Raises DependencyMissing when it is not installed or does not load."""
    try:
        from cyndilib.finder import Finder
        from cyndilib.receiver import Receiver
        from cyndilib.video_frame import VideoFrameSync
        from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat
    except ImportError as error:
        raise DependencyMissing(
            f"NDI is not available: {error}.",
            hint='Install it with: pip install "scope-bridge[ndi]", or choose another [video] source.',
        ) from error
    return SimpleNamespace(
        Finder=Finder,
        Receiver=Receiver,
        VideoFrameSync=VideoFrameSync,
        RecvBandwidth=RecvBandwidth,
        RecvColorFormat=RecvColorFormat,
    )


def search_at(addresses: Sequence[str]) -> tempfile.TemporaryDirectory[str] | None:
    """Let libndi look for sources at ``addresses`` too; call it before anything loads libndi.

    cyndilib's finder takes no addresses, but libndi reads a file (video.md section 1.1). A directory that the user set
    is left as it is. Keep what is returned until the end: it holds the file.
    """
    if not addresses or CONFIG_DIR in os.environ:
        return None
    directory = tempfile.TemporaryDirectory(prefix="scope-bridge-ndi-")
    config = {"ndi": {"networks": {"ips": ",".join(addresses)}}}
    (Path(directory.name) / "ndi-config.v1.json").write_text(json.dumps(config), encoding="utf-8")
    os.environ[CONFIG_DIR] = directory.name
    return directory


class NdiSource:
    """One source, by name.

    Args:
        name: whole, a part, or /a regular expression/.
        wait: sleeps so many seconds and says whether it is time to stop.
    """

    def __init__(self, name: str, *, clock: Callable[[], float], wait: Callable[[float], bool]) -> None:
        self._name = name
        self._clock = clock
        self._wait = wait
        self._finder: Any = None
        self._receiver: Any = None
        self._frame: Any = None
        self._stamp = 0.0
        self._heard = 0.0

    def open(self, width: int, height: int) -> str:
        """See :class:`bridge.inputs.video.source.Source`."""
        ndi = load_receiving()
        self._finder = ndi.Finder()
        self._finder.open()
        self._finder.wait_for_sources(SEARCH_S)
        sources = list(self._finder)
        source = sources[choose("NDI source", self._name, [str(each.name) for each in sources])]
        self._receiver = ndi.Receiver(color_format=ndi.RecvColorFormat.UYVY_BGRA, bandwidth=ndi.RecvBandwidth.highest)
        self._frame = ndi.VideoFrameSync()
        self._receiver.frame_sync.set_video_frame(self._frame)
        self._receiver.set_source(source)
        self._stamp, self._heard = 0.0, self._clock()
        return str(source.name)

    def read(self, timeout: float) -> av.VideoFrame | None:
        """The next picture: the frame sync repeats the last one until there is another."""
        if self._receiver is None:
            return None
        until = self._clock() + timeout
        while True:
            self._receiver.frame_sync.capture_video()
            stamp = self._frame.get_timestamp_posix() if self._frame.xres else self._stamp
            if stamp != self._stamp:
                self._stamp, self._heard = stamp, self._clock()
                return self._picture()
            now = self._clock()
            if now - self._heard > GONE_S:
                raise VideoSourceError(
                    f'The NDI source "{self._name}" sends nothing.', hint="Start it again: it is taken back by itself."
                )
            if now >= until or self._wait(_LOOK_S):
                return None

    def close(self) -> None:
        """Let go of the source."""
        receiver, finder = self._receiver, self._finder
        self._receiver = self._finder = self._frame = None
        if receiver is not None:
            receiver.disconnect()
        if finder is not None:
            finder.close()

    def _picture(self) -> av.VideoFrame:
        width, height = self._frame.get_resolution()
        name = self._frame.get_fourcc().name
        if name not in _FORMATS:
            raise VideoSourceError(f"NDI pictures in {name} are not understood.", hint="Let the source send UYVY.")
        form, depth = _FORMATS[name]
        picture = av.VideoFrame(width, height, form)
        plane = picture.planes[0]
        # The frame takes no next picture while an array views this one: copied and let go of here.
        lines = np.frombuffer(self._frame, np.uint8)[: height * width * depth].reshape(height, width * depth)
        padded = np.frombuffer(memoryview(plane), np.uint8)[: height * plane.line_size]
        padded.reshape(height, plane.line_size)[:, : width * depth] = lines
        # Receivers read NDI's YUV as BT.709, whatever the size (video.md section 4.3).
        picture.colorspace = Colorspace.ITU709
        return picture
