"""The ``[controls]`` of a mapping file as named controls: rows become ``row.1``, ``row.2``, ..."""

from __future__ import annotations

__all__ = ["Profile", "build_profile"]

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from bridge.mapping.document import ControlSpec, Numbers
from bridge.mapping.namespace import ROOTS
from bridge.mapping.rules import Control, Source, SourceKind
from bridge.model.document import Document
from bridge.model.errors import Issue

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
T = TypeVar("T")
_ONE: Final = Numbers((0,), False)


@dataclass(slots=True)
class Profile:
    """Controls by full name, and the members of each row by the row's name."""

    controls: dict[str, Control] = field(default_factory=dict)
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, control: Control) -> None:
        """Add one control; a dotted name joins its row."""
        self.controls[control.name] = control
        row, dot, _ = control.name.partition(".")
        if dot:
            self.rows[row] = (*self.rows.get(row, ()), control.name)


def build_profile(specs: Mapping[str, ControlSpec], document: Document) -> tuple[Profile, list[Issue]]:
    """Every control, and an issue for each one that cannot be."""
    profile, issues = Profile(), []
    for name, spec in specs.items():
        trouble = _trouble(name, spec)
        if trouble:
            line = document.line_of(("controls", name))
            issues.append(Issue(document.source, line, f"controls.{name}", *trouble))
            continue
        sources = list(_sources(spec))
        for position, source in enumerate(sources, start=1):
            full = f"{name}.{position}" if _is_row(spec) else name
            profile.add(Control(full, source, spec.relative))
    return profile, issues


def _numbers(spec: ControlSpec) -> Numbers:
    if spec.osc is not None:
        return spec.n if spec.n is not None else _ONE
    for value in (spec.note, spec.cc, spec.cc14, spec.program, spec.aftertouch):
        if isinstance(value, Numbers):
            return value
    return _ONE


def _is_row(spec: ControlSpec) -> bool:
    if spec.osc is not None:
        return spec.osc.row or spec.n is not None
    return _numbers(spec).row or (spec.ch is not None and spec.ch.row)


def _trouble(name: str, spec: ControlSpec) -> tuple[str, str] | None:
    if not _NAME.match(name):
        return "not a name for a control.", "Start with a letter; letters, digits, - and _ follow."
    if spec.osc is not None:
        return _osc_trouble(spec, spec.osc.items)
    if spec.n is not None or spec.arg:
        return "n and arg belong to OSC addresses.", "Remove them."
    numbers, channels = _numbers(spec), spec.ch
    if numbers.row and channels is not None and channels.row and len(numbers.items) != len(channels.items):
        return f"{len(numbers.items)} numbers on {len(channels.items)} channels.", "Give one channel, or one for each."
    if spec.relative and spec.cc is None:
        return "only a cc can be an endless encoder.", 'Remove "relative".'
    return None


def _osc_trouble(spec: ControlSpec, addresses: tuple[str, ...]) -> tuple[str, str] | None:
    if spec.ch is not None or spec.relative:
        return "ch and relative belong to MIDI.", "Remove them."
    for address in addresses:
        if not address.startswith("/") or re.search(r"[\s#*,?\[\]]", address):
            return "not an OSC address.", "It starts with / and has no spaces or wildcards."
        if address.startswith(ROOTS):
            return "this address always works by itself.", "Remove the control; docs/mappings.md lists these addresses."
        if ("{n}" in address) != (spec.n is not None):
            return '{n} in the address and the key "n" belong together.', 'Such as osc = "/fader{n}", n = "1-8".'
        if re.search(r"[{}]", address.replace("{n}", "")):
            return "not an OSC address.", "Only {n} may stand in braces."
    return None


def _sources(spec: ControlSpec) -> Iterator[Source]:
    if spec.osc is not None:
        for address in spec.osc.items:
            for number in _numbers(spec).items:
                yield Source("osc", address=address.replace("{n}", str(number)), arg=spec.arg, input=spec.input)
        return
    kind, numbers = _kind(spec), _numbers(spec).items
    channels: tuple[int | None, ...] = spec.ch.items if spec.ch is not None else (None,)
    length = max(len(numbers), len(channels))
    for number, channel in zip(_stretched(numbers, length), _stretched(channels, length), strict=True):
        yield Source(kind, number, channel, input=spec.input)


def _stretched(items: tuple[T, ...], length: int) -> tuple[T, ...]:
    return items * length if len(items) == 1 else items


def _kind(spec: ControlSpec) -> SourceKind:
    kinds: tuple[SourceKind, ...] = ("note", "cc", "cc14", "pitch_bend", "program")
    for kind in kinds:
        if getattr(spec, kind) is not None:
            return kind
    return "aftertouch" if spec.aftertouch is True else "poly_aftertouch"
