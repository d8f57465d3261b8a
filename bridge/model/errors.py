"""Every error Scope Bridge raises on purpose.

::

    ScopeBridgeError
      × ConfigurationError        a config, mapping or theme document is wrong (carries every issue)
      × InputError
        - OscDecodeError          a datagram is not valid OSC 1.0
        - MidiPortError           a MIDI port or backend cannot be used
        - AudioDeviceError        a sound device is missing, busy or lies about itself
        - PictureError            a picture file is missing, damaged or too large
        - VideoSourceError        a camera, video file or NDI source cannot be used
      × ScopeError
        - ScopeUnreachable        no HTTP answer, or not Scope's
        - ScopeRefused            the server answered with an error
        - ScopeProtocolError      the answer does not have the shape Scope gives
        - ScopeSessionLost        the WebRTC session failed or went silent
      × PodError                  something about the rented GPU
        - PodUnreachable          RunPod gives no usable answer now; worth another try later
        - PodKeyRefused           RunPod does not accept the API key
        - PodRefused              RunPod refuses what was asked
      × OutputError               a sink cannot open or write
      × DependencyMissing         an optional package or system library is not installed
      × WeightsBroken             the weights file of a net of the ears is missing, unreadable or does not fit
      × ServiceError              the unit could not be installed
      × DaemonNotRunning          no daemon answers at the given address
"""

from __future__ import annotations

__all__ = [
    "AudioDeviceError",
    "ConfigurationError",
    "DaemonNotRunning",
    "DependencyMissing",
    "InputError",
    "Issue",
    "MidiPortError",
    "OscDecodeError",
    "OutputError",
    "PictureError",
    "PodError",
    "PodKeyRefused",
    "PodRefused",
    "PodUnreachable",
    "ScopeBridgeError",
    "ScopeError",
    "ScopeProtocolError",
    "ScopeRefused",
    "ScopeSessionLost",
    "ScopeUnreachable",
    "ServiceError",
    "VideoSourceError",
    "WeightsBroken",
]

from collections.abc import Sequence
from dataclasses import dataclass


class ScopeBridgeError(Exception):
    """Base of every error of ours.

    Args:
        message: one sentence that says what is wrong.
        hint: one sentence that says what to do next; empty where ``message`` already does.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong in a document that a person wrote.

    ``line`` is 1-based; None where the value has no line (environment, ``-o``).
    ``where`` is the dotted key, such as ``osc.listen.0.port``.
    """

    source: str
    line: int | None
    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        key = f" {self.where}:" if self.where else ""
        return f"{place}:{key} {self.message}{' ' + self.hint if self.hint else ''}"


class ConfigurationError(ScopeBridgeError):
    """Raised when a document is wrong; ``issues`` holds all of them, never only the first."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues = tuple(issues)
        super().__init__("\n".join(str(issue) for issue in self.issues))


class InputError(ScopeBridgeError):
    """Raised when an input cannot be used."""


class OscDecodeError(InputError):
    """Raised when a datagram is not valid OSC 1.0."""


class MidiPortError(InputError):
    """Raised when a MIDI port or backend cannot be used."""


class AudioDeviceError(InputError):
    """Raised when a sound device or file cannot be used."""


class PictureError(InputError):
    """Raised when a picture file cannot be used."""


class VideoSourceError(InputError):
    """Raised when a camera, a video file or an NDI source cannot be used, or is lost."""


class ScopeError(ScopeBridgeError):
    """Base for everything that goes wrong between us and a Scope server.

    Args:
        code: its row in the catalogue of troubles (``bridge.scope.troubles``); empty where it has none.
    """

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class ScopeUnreachable(ScopeError):
    """Raised when the server gives no answer, or one that is not Scope's."""


class ScopeRefused(ScopeError):
    """Raised when the server answers with an error status."""

    def __init__(self, message: str, *, status: int, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint, code=code)
        self.status = status


class ScopeProtocolError(ScopeError):
    """Raised when an answer does not have the shape Scope gives."""


class ScopeSessionLost(ScopeError):
    """Raised when the WebRTC session fails or goes silent."""


class PodError(ScopeBridgeError):
    """Base for everything that goes wrong between us and RunPod."""


class PodUnreachable(PodError):
    """Raised when RunPod gives no usable answer now: network, overload, rate limit, not its API.

    Args:
        retry_after: seconds that RunPod asks us to wait, None where it does not say.
    """

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class PodKeyRefused(PodError):
    """Raised when RunPod does not accept the API key."""


class PodRefused(PodError):
    """Raised when RunPod refuses what was asked; ``status`` is 404 for an unknown pod, 409 for a wrong moment."""

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class OutputError(ScopeBridgeError):
    """Raised when a sink cannot open or write."""


class DependencyMissing(ScopeBridgeError):
    """Raised when an optional package or a system library is not installed."""


class WeightsBroken(ScopeBridgeError):
    """The weights file of the beat net or the drum net is missing, cannot be read or does not fit."""


class ServiceError(ScopeBridgeError):
    """Raised when the service unit cannot be installed or controlled."""


class DaemonNotRunning(ScopeBridgeError):
    """Raised when no daemon answers at the given address."""
