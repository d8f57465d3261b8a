"""What the live source needs of a sound system, whichever it is."""

from __future__ import annotations

__all__ = ["AudioBackend", "CaptureStream", "Closer", "Latency", "OnAudio"]

import logging
import threading
from collections.abc import Callable
from typing import Final, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.inputs.audio._devices import InputDevice

logger = logging.getLogger(__name__)

CLOSE_S: Final = 2.0
"""A driver has this long to let a stream go. ALSA's pulse plug-in may never do so once its server has died."""

OnAudio: TypeAlias = Callable[[npt.NDArray[np.float32], float, bool], None]
"""Called in the driver's thread with (samples, channels), the age of the last sample in seconds, and whether
samples were lost before. The age is negative where the sound is known before it can be heard. The array is only
valid during the call."""

Latency: TypeAlias = Literal["low", "high"]


class CaptureStream(Protocol):
    """An open stream."""

    @property
    def active(self) -> bool:
        """False once the driver has given up."""

    def close(self) -> None:
        """Stop at once and let the device go."""


class AudioBackend(Protocol):
    """A sound system."""

    def refresh(self) -> None:
        """Look for devices anew; only while no stream is open."""

    def devices(self) -> tuple[InputDevice, ...]:
        """Devices with inputs, as of the last refresh."""

    def open(self, device: InputDevice, *, channels: int, latency: Latency, on_audio: OnAudio) -> CaptureStream:
        """Start to capture the first ``channels`` at the device's own rate. Raises AudioDeviceError when it cannot."""


class Closer:
    """Lets a stream go in a thread of its own, so that a driver that hangs in it holds up nobody for long."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=close, name="audio-close", daemon=True)

    @property
    def is_stuck(self) -> bool:
        """Whether the driver was asked to let go, and has not."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Wait two seconds for it at most; may be called again."""
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(CLOSE_S)
        if self.is_stuck:
            logger.warning("the sound driver does not let go of its device; left behind")
