"""The running side of a rule: one slot per rule holds its state and turns readings into intents."""

from __future__ import annotations

__all__ = ["Reading", "Slot", "Values", "build_slots", "decode_ticks"]

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bridge.mapping.coerce import Rejected, for_target
from bridge.mapping.rules import Encoding, Rule
from bridge.mapping.shaping import clamp, smoothed
from bridge.mapping.takeover import Takeover
from bridge.mapping.vocabulary import ONCE_EFFECTS, ParamFacts
from bridge.model.events import OscValue
from bridge.model.targets import Intent, IntentValue, is_fired

Values: TypeAlias = Mapping[str, float | None]
"""The present value of each target, 0..1 of its span; None or absent when unknown."""

Outcome: TypeAlias = tuple[Intent, ...] | Rejected
NOTHING: Final[tuple[Intent, ...]] = ()

FRESH_S: Final = 0.5
"""An encoder trusts its own last position this long, longer than a value takes to come back to it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One message of one control.

    ``position`` is 0..1 of the wire's whole range, ``number`` the wire value itself. ``bang`` is a press that
    carries no value. ``args`` are OSC's own arguments.
    """

    t: float
    position: float
    number: float
    bang: bool = False
    args: tuple[OscValue, ...] = ()
    origin: str = ""


class Slot(ABC):
    """Base of the modes. ``span`` is the target's lowest and highest value, where known."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.span: tuple[float, float] | None = None
        self.down = False
        self._fired = is_fired(rule.target)
        own_unit = rule.mode == "direct" or rule.output.range is not None or bool(rule.output.values)
        self._normalised = rule.target.startswith("param/") and not own_unit

    def learn(self, facts: ParamFacts) -> None:
        """Take note of what is known of the target now."""
        self.span = facts.span(self.rule.target)

    @abstractmethod
    def feed(self, reading: Reading, values: Values, now: float) -> Outcome:
        """What a message of the control asks for."""

    def tick(self, values: Values, now: float, dt: float) -> tuple[Intent, ...]:
        """What is still under way, ``dt`` seconds after the last tick."""
        return NOTHING

    def forget(self) -> None:  # noqa: B027 - most modes have nothing to forget
        """The control has meanwhile been used for another layer."""

    def needs(self, values: Values) -> float | None:
        """How far the knob has to travel to take over; None while it does not wait."""
        return None

    def _position(self, reading: Reading) -> float:
        ends = self.rule.control.source.input
        if ends is None or reading.bang:
            return reading.position
        return clamp((reading.number - ends[0]) / (ends[1] - ends[0]))

    def _gate(self, reading: Reading) -> Literal["press", "release", ""]:
        if reading.bang:
            return "press"
        position = self._position(reading)
        was, self.down = self.down, position > 0.0 and position >= self.rule.threshold
        if self.down:
            return "press" if self.rule.retrigger or not was else ""
        return "release" if was else ""

    def _fraction(self, values: Values) -> float | None:
        return self.rule.output.fraction(values.get(self.rule.target), self.span)

    def _set(self, fraction: float, reading: Reading) -> Intent:
        return self._set_value(self.rule.output.value(fraction), reading)

    def _set_value(self, value: IntentValue, reading: Reading) -> Intent:
        return Intent(reading.t, self.rule.target, "set", value, self._normalised, reading.origin)

    def _trigger(self, reading: Reading, value: IntentValue = None) -> Intent:
        return Intent(reading.t, self.rule.target, "trigger", value, origin=reading.origin)

    def _release(self, reading: Reading) -> Intent:
        return Intent(reading.t, self.rule.target, "release", origin=reading.origin)

    def _let_go(self, reading: Reading) -> Intent:
        """Back to the low end where the mapping names one, else to whatever the theme says."""
        output = self.rule.output
        if output.range is not None or len(output.values) > 1:
            return self._set(0.0, reading)
        if self.rule.target.startswith("fx/"):
            return self._set_value(0.0, reading)
        return self._release(reading)


class Absolute(Slot):
    """The control's position is the value, once the knob has met it; smoothed over time where asked."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        grain = max(rule.shape.grain, rule.output.grain)
        self.takeover = Takeover(rule.takeover, grain)
        self._streams = rule.control.source.kind == "signal"
        self._chooses = bool(rule.output.values)
        self._last: float | None = None
        self._choice: int | None = None
        self._gliding: tuple[float, float, Reading] | None = None

    def feed(self, reading: Reading, values: Values, now: float) -> Outcome:
        if reading.bang:
            return Rejected("no value", "Send one number.")
        position = self._position(reading)
        if self._too_small(position):
            return NOTHING
        accepted = self.takeover.accept(position, self._current(values), now)
        self._last = position
        if accepted is None:
            return NOTHING
        fraction = self.rule.shape.apply(accepted)
        if self.rule.smooth is not None:
            start = self._gliding[0] if self._gliding else self._fraction(values)
            if start is not None and start != fraction:
                self._gliding = (start, fraction, reading)
                return NOTHING
        return self._emit(fraction, reading)

    def tick(self, values: Values, now: float, dt: float) -> tuple[Intent, ...]:
        if self._gliding is None or self.rule.smooth is None:
            return NOTHING
        value, goal, reading = self._gliding
        value = smoothed(value, goal, dt, self.rule.smooth)
        self._gliding = None if value == goal else (value, goal, reading)
        return self._emit(value, reading)

    def forget(self) -> None:
        self.takeover.forget()
        self._last = None
        self._choice = None

    def needs(self, values: Values) -> float | None:
        return self.takeover.needs(self._current(values))

    def _too_small(self, position: float) -> bool:
        if self._last is None:
            return False
        if self._streams and position == self._last:
            return True
        return abs(position - self._last) < self.rule.deadband and 0.0 < position < 1.0

    def _current(self, values: Values) -> float | None:
        # While a value glides, the knob has met where it goes, not where it is.
        fraction = self._gliding[1] if self._gliding else self._fraction(values)
        return None if fraction is None else self.rule.shape.inverse(fraction)

    def _emit(self, fraction: float, reading: Reading) -> tuple[Intent, ...]:
        if self._chooses:
            choice = self.rule.output.index(fraction)
            if choice == self._choice:
                return NOTHING
            self._choice = choice
        return (self._set(fraction, reading),)


class Relative(Slot):
    """An endless encoder: each tick moves the value from where it stands."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self._at: float | None = None
        self._moved = float("-inf")

    def feed(self, reading: Reading, values: Values, now: float) -> Outcome:
        if reading.bang:
            return Rejected("no value", "Send the number of ticks, such as 1 or -1.")
        encoding = self.rule.control.relative
        if self.rule.control.source.kind == "osc":
            ticks = min(max(reading.number, -64.0), 64.0)
        else:
            ticks = decode_ticks(int(reading.number), encoding or "twos_complement")
        if ticks == 0:
            return NOTHING
        self._at = clamp(self._start(values, now) + ticks * self.rule.step)
        self._moved = now
        return (self._set(self.rule.shape.apply(self._at), reading),)

    def forget(self) -> None:
        self._moved = float("-inf")

    def _start(self, values: Values, now: float) -> float:
        if self._at is not None and now - self._moved < FRESH_S:
            return self._at
        fraction = self._fraction(values)
        if fraction is not None:
            return self.rule.shape.inverse(fraction)
        return 0.5 if self._at is None else self._at


class Trigger(Slot):
    """A press fires an action, or sets one value."""

    def feed(self, reading: Reading, values: Values, now: float) -> Outcome:
        if self._gate(reading) != "press":
            return NOTHING
        strength = self._position(reading) if self.rule.velocity else None
        if self._fired:
            return (self._trigger(reading, strength),)
        chosen = self.rule.output.values
        if self.rule.target.removeprefix("fx/") in ONCE_EFFECTS:
            return (self._trigger(reading, strength if strength is not None else chosen[0] if chosen else 1.0),)
        return (self._set(0.0, reading),)


class Momentary(Slot):
    """On while held."""

    def feed(self, reading: Reading, values: Values, now: float) -> Outcome:
        gate = self._gate(reading)
        if gate == "press":
            strength = self._position(reading)
            if self._fired:
                return (self._trigger(reading, strength if self.rule.velocity else None),)
            return (self._set(strength if self.rule.velocity else 1.0, reading),)
        if gate == "release":
            return (self._let_go(reading),)
        return NOTHING


class Toggle(Slot):
    """Each press turns over what the target is now; the button's own idea of its state does not count.

    Actions that stay on turn over by themselves: for them it is the same as a trigger.
    """

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self._on = False

    def feed(self, reading: Reading, values: Values, now: float) -> Outcome:
        if self._gate(reading) != "press":
            return NOTHING
        if self._fired:
            return (self._trigger(reading),)
        fraction = self._fraction(values)
        self._on = not (self._on if fraction is None else fraction >= 0.5)
        return (self._set(1.0 if self._on else 0.0, reading),)


class Step(Slot):
    """Each press goes on to the next value, and from the last to the first."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self._count = len(rule.output.values) or rule.shape.steps or 1
        self._index: int | None = None

    def feed(self, reading: Reading, values: Values, now: float) -> Outcome:
        if self._gate(reading) != "press":
            return NOTHING
        ahead = int(self.rule.step) or 1
        index = self._present(values)
        first = 0 if ahead > 0 else self._count - 1
        self._index = first if index is None else (index + ahead) % self._count
        if self.rule.output.values:
            return (self._set_value(self.rule.output.values[self._index], reading),)
        return (self._set(self._index / (self._count - 1), reading),)

    def _present(self, values: Values) -> int | None:
        fraction = self._fraction(values)
        if fraction is None:
            return self._index
        if self.rule.output.values:
            return self.rule.output.index(fraction)
        return round(fraction * (self._count - 1))


class Radio(Slot):
    """One of a group: a press chooses it and switches the one before off."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self.group: list[Radio] = [self]
        self.chosen = False

    def feed(self, reading: Reading, values: Values, now: float) -> Outcome:
        if self._gate(reading) != "press":
            return NOTHING
        before = [member for member in self.group if member.chosen and member is not self]
        for member in before:
            member.chosen = False
        self.chosen = True
        off = tuple(member._let_go(reading) for member in before if member._switches_off(self))
        return (*off, self._trigger(reading) if self._fired else self._set(1.0, reading))

    def _switches_off(self, successor: Radio) -> bool:
        return not self._fired and self.rule.target != successor.rule.target


class Direct(Slot):
    """The OSC arguments are the value, in the target's own unit."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self._facts = ParamFacts()

    def learn(self, facts: ParamFacts) -> None:
        super().learn(facts)
        self._facts = facts

    def feed(self, reading: Reading, values: Values, now: float) -> Outcome:
        target, arg = self.rule.target, self.rule.control.source.arg
        args = reading.args
        if arg:
            if not -len(args) <= arg < len(args):
                return Rejected("too few arguments", f"Argument {arg} is the one that counts.")
            args = (args[arg],)
        elif target.startswith("tempo/"):
            args = args[:1]
        value = for_target(target, self._facts.spec(target[6:]), args)
        return value if isinstance(value, Rejected) else (self._set_value(value, reading),)


_MODES: Final[dict[str, type[Slot]]] = {
    "absolute": Absolute,
    "relative": Relative,
    "trigger": Trigger,
    "momentary": Momentary,
    "toggle": Toggle,
    "step": Step,
    "radio": Radio,
    "direct": Direct,
}


def build_slots(rules: Iterable[Rule], kept: Mapping[Rule, Slot]) -> list[Slot]:
    """A slot for each rule of one file; those in ``kept`` go on with the state they have."""
    slots = [kept.get(rule) or _MODES[rule.mode](rule) for rule in rules]
    groups: dict[str, list[Radio]] = {}
    for slot in slots:
        if isinstance(slot, Radio):
            slot.group = groups.setdefault(slot.rule.group, [])
            slot.group.append(slot)
    return slots


def decode_ticks(raw: int, encoding: Encoding) -> int:
    """Ticks of an endless encoder, clockwise positive, from a 7-bit value (inputs section 2)."""
    if encoding == "binary_offset":
        return raw - 64
    if encoding == "sign_magnitude":
        return -(raw & 0x3F) if raw & 0x40 else raw
    return raw - 128 if raw >= 64 else raw
