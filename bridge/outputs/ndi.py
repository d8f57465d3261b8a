"""NDI through cyndilib: I420 as it is, sent asynchronously, one frame a second while nobody looks."""

from __future__ import annotations

__all__ = ["NdiSink", "extra_ip_hint", "load_ndi"]

import socket
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, Final

from bridge.model.errors import DependencyMissing, OutputError
from bridge.model.frames import Frame
from bridge.outputs.settings import NdiSettings

POLL_S: Final = 0.25
"""How often receivers and tally are asked for."""

UNWATCHED_S: Final = 1.0
"""libndi compresses whether or not anyone watches, so unwatched pictures are few."""

REPEAT_S: Final = 0.25
"""A picture that stands still is sent again this often."""

NAME_SEARCH_S: Final = 0.5


def load_ndi() -> SimpleNamespace:
    """What is used of cyndilib. Raises DependencyMissing when it is not installed or does not load."""
    try:
        from cyndilib.audio_frame import AudioSendFrame
        from cyndilib.finder import Finder
        from cyndilib.sender import Sender
        from cyndilib.video_frame import VideoSendFrame
        from cyndilib.wrapper.ndi_structs import FourCC
    except ImportError as error:
        raise DependencyMissing(
            f"NDI is not available: {error}.",
            hint='Install it with: pip install "scope-bridge[ndi]" or set outputs.ndi.enabled = false.',
        ) from error
    return SimpleNamespace(
        AudioSendFrame=AudioSendFrame, Finder=Finder, Sender=Sender, VideoSendFrame=VideoSendFrame, FourCC=FourCC
    )


class NdiSink:
    """One NDI sender, named ``<machine> (<settings.name>)``.

    Receivers read YUV as BT.709 (video.md section 4.3), which is what the canvas is in. Pictures that did not
    change are sent four times a second, so a still slate costs little; everything else goes out at once.
    """

    name = kind = "ndi"

    def __init__(self, settings: NdiSettings) -> None:
        self._settings = settings
        self._sender: Any = None
        self._receivers = 0
        self._polled = self._sent = float("-inf")
        self._last: Any = None
        self._tally = (False, False)

    @property
    def optional(self) -> bool:
        """True for ``enabled = "auto"``."""
        return self._settings.enabled == "auto"

    @property
    def tally(self) -> tuple[bool, bool]:
        """Whether a receiver has it (on program, on preview)."""
        return self._tally

    def receivers(self) -> int:
        """Receivers connected, as of a quarter of a second ago."""
        return self._receivers

    def open(self, width: int, height: int, fps: float) -> str:
        """Start sending; see :class:`bridge.outputs.sink.Sink`."""
        ndi = load_ndi()
        self._refuse_if_taken(ndi)
        frame = ndi.VideoSendFrame()
        frame.set_resolution(width, height)
        frame.set_frame_rate(Fraction(fps).limit_denominator(1001))
        frame.set_fourcc(ndi.FourCC.I420)
        # clock_video would make every write block for a frame
        sender = ndi.Sender(self._settings.name, self._settings.groups, clock_video=False, clock_audio=False)
        sender.set_video_frame(frame)
        # Never written to. Without one cyndilib 0.1.3 ends the process with SIGSEGV where libndi refuses the name.
        sender.set_audio_frame(ndi.AudioSendFrame())
        try:
            sender.open()
        except MemoryError as error:  # what cyndilib makes of every refusal
            raise self._taken() from error
        except RuntimeError as error:
            raise OutputError(
                f'NDI could not start "{self._settings.name}": {error}.',
                hint="Is the network up? Tried again by itself.",
            ) from error
        self._sender = sender
        self._polled = self._sent = float("-inf")
        return f"NDI source {sender.name}. {extra_ip_hint()}"

    def write(self, frame: Frame, now: float) -> bool:
        """Send a picture, unless nobody looks or it is the one they have."""
        if self._sender is None:
            raise OutputError("NDI is not open.", hint="Opened again by itself.")
        self._poll(now)
        changed = frame.data is not self._last
        wait = UNWATCHED_S if not self._receivers else 0.0 if changed else REPEAT_S
        # a tick's slack, so that jitter does not turn four a second into three
        if now - self._sent < wait - 0.01:
            return False
        if not self._sender.write_video_async(frame.data.reshape(-1)):
            raise OutputError("NDI stopped taking pictures.", hint="Opened again by itself.")
        self._sent, self._last = now, frame.data
        return True

    def close(self) -> None:
        """Stop sending."""
        sender, self._sender, self._last = self._sender, None, None
        self._receivers = 0
        if sender is not None:
            sender.close()

    def _poll(self, now: float) -> None:
        if now - self._polled < POLL_S:
            return
        self._polled = now
        before, self._receivers = self._receivers, self._sender.get_num_connections(0)
        self._sender.update_tally(0)
        self._tally = (self._sender.program_tally, self._sender.preview_tally)
        if self._receivers > before:
            self._sent = float("-inf")

    def _refuse_if_taken(self, ndi: SimpleNamespace) -> None:
        """Look before asking libndi, where discovery works: it would refuse the name, without saying why."""
        finder = ndi.Finder()
        finder.open()
        try:
            finder.wait_for_sources(NAME_SEARCH_S)
            names = finder.get_source_names()
        finally:
            finder.close()
        ours = f"{socket.gethostname()} ({self._settings.name})".lower()
        if any(name.lower() == ours for name in names):
            raise self._taken()

    def _taken(self) -> OutputError:
        return OutputError(
            f'Another program on this machine already sends NDI as "{self._settings.name}".',
            hint="Stop it, or give outputs.ndi.name another name. Tried again by itself.",
        )


def extra_ip_hint() -> str:
    """The line to follow when a receiver's list stays empty: without mDNS the finding side needs our address."""
    address = _own_address()
    return (
        f"If a receiver does not list it, add {address} to its extra IPs (OBS: NDI Access Manager, External Sources; "
        f"TouchDesigner: NDI In, Extra Search IPs; Linux: ndi-config.v1.json), and open TCP 5960 and up."
    )


def _own_address() -> str:
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with probe:
        try:
            # connecting a UDP socket sends nothing; it asks the routing table for our address
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
