"""Mappings as the mapper uses them: checked, flat and frozen."""

from __future__ import annotations

__all__ = [
    "UNPLUGGED",
    "Cc14",
    "Condition",
    "Control",
    "Encoding",
    "Layer",
    "MappingFile",
    "MappingSet",
    "Mode",
    "Rule",
    "Source",
    "SourceKind",
]

from dataclasses import dataclass, field
from typing import Final, Literal

from bridge.mapping.shaping import Output, Shape, Smooth
from bridge.mapping.takeover import TakeoverMode
from bridge.model.programs import OscProgram

SourceKind = Literal[
    "note", "cc", "cc14", "pitch_bend", "program", "aftertouch", "poly_aftertouch", "osc", "signal", "section"
]
UNPLUGGED: Final[frozenset[SourceKind]] = frozenset({"osc", "signal", "section"})
"""Sources that need no MIDI port."""
Mode = Literal["absolute", "relative", "toggle", "momentary", "trigger", "step", "radio", "direct"]
Encoding = Literal["twos_complement", "binary_offset", "sign_magnitude"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a control's messages come from.

    ``number`` is the note, CC (the MSB's for ``cc14``) or program, 0 for pitch bend and channel aftertouch.
    ``channel`` is 1 to 16, None for any. ``address`` is the OSC address, or the signal's or section's name, ``arg`` which
    OSC argument counts (negative from the end). ``input`` are the wire values at the ends of its travel; None
    means all of MIDI's range, or 0..1 for OSC and signals.
    """

    kind: SourceKind
    number: int = 0
    channel: int | None = None
    address: str = ""
    arg: int = 0
    input: tuple[float, float] | None = None

    @property
    def channels(self) -> tuple[int, ...]:
        """The MIDI channels that it listens to."""
        return tuple(range(1, 17)) if self.channel is None else (self.channel,)

    def __str__(self) -> str:
        if self.kind in UNPLUGGED:
            return self.address
        number = "" if self.kind in ("pitch_bend", "aftertouch") else f" {self.number}"
        return f"{self.kind}{number} ch {self.channel or 'any'}"


@dataclass(frozen=True, slots=True)
class Control:
    """One named control of a profile; ``relative`` is how an endless encoder counts, None for others."""

    name: str
    source: Source
    relative: Encoding | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """True while a target's value, 0..1 of its span, is above and below these limits; unknown is not true."""

    target: str
    above: float = -1.0
    below: float = 2.0


@dataclass(frozen=True, slots=True)
class Layer:
    """A set of mappings switched on by ``control``: while it is held, or by each press."""

    name: str
    control: Control
    mode: Literal["hold", "toggle"] = "hold"


@dataclass(frozen=True, slots=True)
class Rule:
    """One control to one target. ``docs/mappings.md`` explains every field for users.

    ``step`` is the part of the travel that one tick of an encoder moves, or how many values a press of mode
    ``step`` advances. ``choice`` is what this member of a radio group or this trigger sets.
    """

    control: Control
    target: str
    mode: Mode
    shape: Shape = Shape()
    output: Output = Output()
    smooth: Smooth | None = None
    deadband: float = 0.0
    step: float = 1.0
    takeover: TakeoverMode = "jump"
    layer: str = ""
    group: str = ""
    threshold: float = 0.5
    retrigger: bool = False
    velocity: bool = False
    when: Condition | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What a rule's state belongs to: control, target and layer, never the control alone."""
        return self.control.name, self.target, self.layer


@dataclass(frozen=True, slots=True)
class Cc14:
    """A CC pair that carries 14 bits on ports whose name matches ``port``; ``channel`` None means any."""

    port: str
    channel: int | None
    number: int


@dataclass(frozen=True, slots=True)
class MappingFile:
    """One controller or program: its controls and what they do.

    ``stem`` is the file's name without ``.toml``. ``match`` is the regular expression that port names are
    searched for, ignoring case; empty for files without MIDI.
    """

    stem: str
    path: str
    name: str
    description: str = ""
    author: str = ""
    match: str = ""
    controls: tuple[Control, ...] = ()
    layers: tuple[Layer, ...] = ()
    rules: tuple[Rule, ...] = ()
    program: OscProgram | None = None
    profile: str = ""

    @property
    def device(self) -> str:
        """What it listens to, in a word: port name, program or OSC."""
        if self.match:
            return self.match
        return f"OSC, port {self.program.listen_port}" if self.program else "OSC and signals"

    @property
    def cc14(self) -> tuple[Cc14, ...]:
        """Its 14-bit controls, for the MIDI parser."""
        pairs = [control.source for control in self.controls if control.source.kind == "cc14"]
        return tuple(Cc14(self.match, source.channel, source.number) for source in pairs)


@dataclass(frozen=True, slots=True)
class MappingSet:
    """Every mapping file in use, in the order in which they were named."""

    files: tuple[MappingFile, ...] = field(default=())
