"""What arrives from outside, decoded and timestamped, nothing else.

Times are seconds of :func:`time.monotonic` taken as early as the operating system allows.
"""

from __future__ import annotations

__all__ = [
    "BeatEvent",
    "BpmReport",
    "Event",
    "MidiClockEvent",
    "MidiEvent",
    "MidiKind",
    "OscEvent",
    "OscValue",
    "SectionEvent",
    "TapEvent",
    "TrackedBeat",
]

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bridge.model.features import Section

OscValue: TypeAlias = "int | float | str | bytes | bool | tuple[OscValue, ...] | None"

MidiKind = Literal[
    "note_on",
    "note_off",
    "cc",
    "cc14",
    "pitch_bend",
    "program",
    "aftertouch",
    "poly_aftertouch",
]


@dataclass(frozen=True, slots=True)
class OscEvent:
    """One OSC message.

    ``listener`` is the address we listen on (``127.0.0.1:9700``), ``sender`` the peer's ip and port.
    """

    t: float
    listener: str
    sender: tuple[str, int]
    address: str
    args: tuple[OscValue, ...] = ()


@dataclass(frozen=True, slots=True)
class MidiEvent:
    """One channel message.

    ``port`` is the stable port name (without ALSA's ``client:port`` numbers), ``channel`` 1 to 16,
    ``number`` the note, CC or program number (the MSB's number for ``cc14``; 0 for pitch bend and
    channel aftertouch), ``raw`` the wire value (0..127, or 0..16383 for ``cc14`` and
    ``pitch_bend``), ``value`` the same in 0..1. A note-on of velocity 0 arrives as ``note_off``.
    """

    t: float
    port: str
    kind: MidiKind
    channel: int
    number: int
    raw: int
    value: float


@dataclass(frozen=True, slots=True)
class MidiClockEvent:
    """MIDI real-time and song position; ``position`` counts MIDI beats (6 clocks each)."""

    t: float
    port: str
    kind: Literal["clock", "start", "stop", "continue", "song_position"]
    position: int = 0


@dataclass(frozen=True, slots=True)
class TrackedBeat:
    """A beat heard by the ears. ``t`` is when it sounded, ``announced`` when we knew of it.

    ``bpm`` is the tracker's own tempo, ``confidence`` 0..1. ``downbeat`` is None when unknown, ``bar_confidence``
    (0..1) how sure the tracker is of the bar, ``metre`` how many beats it hears in one.
    """

    t: float
    announced: float
    bpm: float
    confidence: float
    downbeat: bool | None = None
    bar_confidence: float = 0.0
    metre: int | None = None


@dataclass(frozen=True, slots=True)
class SectionEvent:
    """A part of the track begins, as heard. ``t`` is when it was known; ``confidence`` 0..1."""

    t: float
    section: Section
    confidence: float


@dataclass(frozen=True, slots=True)
class TapEvent:
    """A tap of the tap-tempo button."""

    t: float


@dataclass(frozen=True, slots=True)
class BpmReport:
    """A tempo told by another program, such as Ableton over OSC.

    ``beat`` is that program's beat number when it tells one (the message came on the beat);
    ``playing`` None when it does not say. ``source`` is who tells; ``tap`` a person who typed it.
    """

    t: float
    bpm: float | None = None
    beat: int | None = None
    playing: bool | None = None
    source: Literal["osc", "link", "os2l", "tap"] = "osc"


@dataclass(frozen=True, slots=True)
class BeatEvent:
    """A beat of the one clock. ``beat`` and ``bar`` count from 0; ``in_bar`` is 0 on the downbeat."""

    t: float
    beat: int
    bar: int
    in_bar: int
    bpm: float
    source: str


Event: TypeAlias = OscEvent | MidiEvent | MidiClockEvent | TrackedBeat | TapEvent | BpmReport
