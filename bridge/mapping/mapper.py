"""The mapper: events and signals in, intents out. Pure: no clock, no I/O, one thread."""

from __future__ import annotations

__all__ = ["Mapper", "Reject"]

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, TypeAlias

from bridge.mapping.binding import Binding, LayerState, bindings_of
from bridge.mapping.coerce import Rejected, as_number
from bridge.mapping.namespace import ROOTS, Namespace
from bridge.mapping.rules import UNPLUGGED, Cc14, MappingFile, MappingSet, Rule
from bridge.mapping.slots import NOTHING, Reading, Slot, Values, build_slots
from bridge.mapping.vocabulary import ParamFacts
from bridge.model.events import MidiEvent, OscEvent, SectionEvent
from bridge.model.facts import PipelineSchema
from bridge.model.programs import OscProgram
from bridge.model.status import TakeoverStatus
from bridge.model.targets import Intent

Reject: TypeAlias = Callable[[str, str, str], None]
"""Takes (source, reason, example): the signature of :meth:`ProblemBoard.reject`."""

MidiKey: TypeAlias = tuple[str, int, int]
MAX_PORTS: Final = 64
_FIFO_MODES: Final = frozenset({"trigger", "momentary", "toggle", "step", "radio", "relative"})
_FIFO_TARGETS: Final = frozenset({"tempo/beat", "tempo/playing"})
_NOTE_KINDS: Final = ("note_on", "note_off")


class Mapper:
    """Turns what arrives into what is asked for.

    Args:
        mappings: the mapping files in use.
        reject: told of every message that cannot be used (``board.reject`` fits).
        schema: the running pipeline's parameters, None while unknown.
        themes: slugs of the themes that exist; empty accepts any.
    """

    def __init__(
        self,
        mappings: MappingSet | None = None,
        *,
        reject: Reject | None = None,
        schema: PipelineSchema | None = None,
        themes: Collection[str] = (),
    ) -> None:
        self._reject = reject
        self._facts = ParamFacts(schema)
        self._namespace = Namespace(self._facts, themes)
        self._last_tick: float | None = None
        self._section = ""
        self._files: list[_RunningFile] = []
        self.replace(mappings if mappings is not None else MappingSet())

    def replace(self, mappings: MappingSet) -> None:
        """Swap the mappings; rules that are the same in both keep their state, takeover included."""
        before = {running.file.stem: running for running in self._files}
        self._files = [_RunningFile(file, before.get(file.stem), self._facts) for file in mappings.files]
        self._ports: dict[str, dict[MidiKey, tuple[Binding, ...]]] = {}
        self._osc = _gathered(self._files, "osc")
        self._signals = _gathered(self._files, "signal")
        self._sections = _gathered(self._files, "section")
        self._slots = tuple(slot for running in self._files for slot in running.slots)
        self._gliders = tuple(slot for slot in self._slots if slot.rule.smooth is not None)
        self._fifo = frozenset(
            address
            for address, bindings in self._osc.items()
            if any(_is_fifo(rule) for b in bindings for rule in b.rules) or any(b.switches for b in bindings)
        )
        self.mappings = mappings

    def set_schema(self, schema: PipelineSchema | None) -> None:
        """Tell of the running pipeline's parameters: their ranges decide where a knob meets its value."""
        self._facts = ParamFacts(schema)
        self._namespace.facts = self._facts
        for slot in self._slots:
            slot.learn(self._facts)

    def set_themes(self, themes: Collection[str]) -> None:
        """Tell which themes exist now; empty accepts any."""
        self._namespace.themes = frozenset(themes)

    def feed(self, event: OscEvent | MidiEvent | SectionEvent, values: Values, now: float) -> tuple[Intent, ...]:
        """What one message asks for; nothing when no mapping wants it.

        ``values`` are the targets' present values, 0..1 of their span, for takeover and toggles; ``now`` is
        monotonic. Never raises for any event; what cannot be used is told to ``reject``.
        """
        if isinstance(event, OscEvent):
            return self._feed_osc(event, values, now)
        if isinstance(event, SectionEvent):
            return self._feed_section(event, values, now)
        table = self._ports.get(event.port)
        if table is None:
            table = self._open_port(event.port)
        bindings = table.get((event.kind, event.channel, event.number))
        if bindings is None:
            return NOTHING
        released = event.kind == "note_off"
        reading = Reading(
            event.t,
            0.0 if released else event.value,
            0.0 if released else float(event.raw),
            bang=event.kind == "program",
            origin=f"midi:{event.port}",
        )
        if event.kind == "program":
            reading = Reading(event.t, 1.0, float(event.raw), bang=True, origin=reading.origin)
        return self._run(bindings, reading, values, now)

    def tick(self, signals: Mapping[str, float], values: Values, now: float) -> tuple[Intent, ...]:
        """What signals ask for and where gliding values have got to; call it some 30 to 90 times a second."""
        dt = 0.0 if self._last_tick is None else max(now - self._last_tick, 0.0)
        self._last_tick = now
        asked: list[Intent] = []
        for slot in self._gliders:
            asked.extend(slot.tick(values, now, dt))
        for name, bindings in self._signals.items():
            level = signals.get(name)
            if level is None or level != level:
                continue
            reading = Reading(now, min(max(level, 0.0), 1.0), level, origin=name.partition(".")[0])
            asked.extend(self._run(bindings, reading, values, now))
        return tuple(asked)

    def takeover(self, values: Values) -> tuple[TakeoverStatus, ...]:
        """Knobs that wait to meet their value: how far each has to travel, up positive."""
        waiting = []
        for running in self._files:
            for slot in running.slots:
                needs = slot.needs(values)
                if needs is not None:
                    name = f"{running.file.name}: {slot.rule.control.name}"
                    waiting.append(TakeoverStatus(name, slot.rule.target, round(needs, 4)))
        return tuple(waiting)

    def is_trigger(self, address: str) -> bool:
        """Whether every OSC message to this address counts; of others only the newest does."""
        return address in self._fifo or Namespace.is_trigger(address)

    def known_addresses(self) -> frozenset[str]:
        """Every literal OSC address that does something, for expanding incoming patterns."""
        return self._namespace.addresses() | frozenset(self._osc)

    def matches(self, event: OscEvent | MidiEvent | SectionEvent) -> tuple[str, ...]:
        """Which mappings an event reaches, in words, for ``monitor``; changes nothing."""
        if isinstance(event, OscEvent):
            bindings = self._osc.get(event.address, ())
        elif isinstance(event, SectionEvent):
            bindings = self._sections.get(event.section, ())
        else:
            table = self._ports.get(event.port) or self._open_port(event.port)
            bindings = table.get((event.kind, event.channel, event.number), ())
        return tuple(f"{b.file}: {rule.control.name} to {rule.target}" for b in bindings for rule in b.rules)

    @property
    def wanted_ports(self) -> tuple[str, ...]:
        """Regular expressions of the MIDI port names that mappings listen to, to be searched ignoring case."""
        return tuple(dict.fromkeys(running.file.match for running in self._files if running.file.match))

    @property
    def cc14(self) -> tuple[Cc14, ...]:
        """CC pairs that the MIDI parser is to join."""
        return tuple(pair for running in self._files for pair in running.file.cc14)

    @property
    def programs(self) -> tuple[OscProgram, ...]:
        """Programs to say hello to."""
        return tuple(running.file.program for running in self._files if running.file.program is not None)

    def _feed_osc(self, event: OscEvent, values: Values, now: float) -> tuple[Intent, ...]:
        if event.address.startswith(ROOTS):
            found = self._namespace.feed(event)
            if isinstance(found, Rejected):
                self._refuse(event, found)
                return NOTHING
            return (found,)
        bindings = self._osc.get(event.address)
        if bindings is None:
            return NOTHING
        asked: tuple[Intent, ...] = NOTHING
        for binding in bindings:
            reading = _osc_reading(event, binding)
            if isinstance(reading, Rejected):
                self._refuse(event, reading)
            else:
                asked += self._run((binding,), reading, values, now)
        return asked

    def _feed_section(self, event: SectionEvent, values: Values, now: float) -> tuple[Intent, ...]:
        """A part of the track is a button that is down while the part plays, pressed as hard as the ears are sure."""
        ended, self._section = self._section, event.section
        asked: tuple[Intent, ...] = NOTHING
        if ended != event.section:
            let_go = Reading(event.t, 0.0, 0.0, origin="audio")
            asked = self._run(self._sections.get(ended, ()), let_go, values, now)
        pressed = Reading(event.t, event.confidence, event.confidence, origin="audio")
        return asked + self._run(self._sections.get(event.section, ()), pressed, values, now)

    def _run(self, bindings: Iterable[Binding], reading: Reading, values: Values, now: float) -> tuple[Intent, ...]:
        asked: tuple[Intent, ...] = NOTHING
        for binding in bindings:
            for slot in binding.slots_for(reading, values):
                outcome = slot.feed(reading, values, now)
                if isinstance(outcome, Rejected):
                    self._told(reading.origin, outcome, f"{binding.control} to {slot.rule.target}: {reading.args!r}")
                else:
                    asked += outcome
        return asked

    def _open_port(self, port: str) -> dict[MidiKey, tuple[Binding, ...]]:
        """The look-up table of a port, made the first time that it sends."""
        if len(self._ports) >= MAX_PORTS:
            self._ports.clear()
        table: dict[MidiKey, tuple[Binding, ...]] = {}
        for running in self._files:
            if running.pattern is None or not running.pattern.search(port):
                continue
            for binding in running.bindings:
                for key in _midi_keys(binding):
                    table[key] = (*table.get(key, ()), binding)
        self._ports[port] = table
        return table

    def _refuse(self, event: OscEvent, rejected: Rejected) -> None:
        args = " ".join(repr(arg)[:60] for arg in event.args[:8])
        self._told(f"osc:{event.listener}", rejected, f"{event.address[:100]} {args}".rstrip())

    def _told(self, source: str, rejected: Rejected, example: str) -> None:
        if self._reject is not None:
            self._reject(source, rejected.reason, f"{example}. {rejected.hint}".rstrip())


class _RunningFile:
    """One mapping file with the state of its rules and layers."""

    def __init__(self, file: MappingFile, before: _RunningFile | None, facts: ParamFacts) -> None:
        self.file = file
        self.pattern = re.compile(file.match, re.IGNORECASE) if file.match else None
        self.slots: list[Slot] = build_slots(file.rules, {slot.rule: slot for slot in before.slots} if before else {})
        for slot in self.slots:
            slot.learn(facts)
        self.layers: LayerState = LayerState(file.layers, before.layers if before else None)
        self.bindings: tuple[Binding, ...] = bindings_of(file, self.slots, self.layers)


def _gathered(files: Iterable[_RunningFile], kind: str) -> dict[str, tuple[Binding, ...]]:
    found: dict[str, tuple[Binding, ...]] = {}
    for running in files:
        for binding in running.bindings:
            if binding.source.kind == kind:
                found[binding.source.address] = (*found.get(binding.source.address, ()), binding)
    return found


def _is_fifo(rule: Rule) -> bool:
    return rule.mode in _FIFO_MODES or rule.target in _FIFO_TARGETS


def _midi_keys(binding: Binding) -> list[MidiKey]:
    source = binding.source
    if source.kind in UNPLUGGED:
        return []
    kinds = _NOTE_KINDS if source.kind == "note" else (source.kind,)
    return [(kind, channel, source.number) for kind in kinds for channel in source.channels]


def _osc_reading(event: OscEvent, binding: Binding) -> Reading | Rejected:
    origin = f"osc:{event.listener}"
    if not event.args or (len(event.args) == 1 and event.args[0] is None):
        return Reading(event.t, 1.0, 1.0, bang=True, origin=origin)
    if not binding.numeric:
        return Reading(event.t, 0.0, 0.0, args=event.args, origin=origin)
    arg = binding.source.arg
    if not -len(event.args) <= arg < len(event.args):
        return Rejected("too few arguments", f"Argument {arg} is the one that counts.")
    number = as_number(event.args[arg])
    if isinstance(number, Rejected):
        return number
    return Reading(event.t, min(max(number, 0.0), 1.0), number, args=event.args, origin=origin)
