"""A mapping file as people write it, checked key by key. What the keys mean together is checked in ``compile``."""

from __future__ import annotations

__all__ = ["ControlSpec", "LayerSpec", "Listed", "MapSpec", "MappingDocument", "Numbers", "ProgramSpec", "WhenSpec"]

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeGuard

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, model_validator

from bridge.mapping.rules import Encoding, Mode
from bridge.mapping.shaping import CURVES, Smooth
from bridge.mapping.takeover import TakeoverMode
from bridge.model.document import PartSettings, suggest

_RANGE = re.compile(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*\Z")
MAX_ROW: Final = 256


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number or a row of them."""

    items: tuple[int, ...]
    row: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """One text or a list of them."""

    items: tuple[str, ...]
    row: bool


def _numbers(value: object) -> Numbers:
    if isinstance(value, int) and not isinstance(value, bool):
        return Numbers((value,), False)
    parts = value if isinstance(value, list) else [value]
    items: list[int] = []
    for part in parts:
        found = _RANGE.match(part) if isinstance(part, str) else None
        if found:
            low, high = int(found.group(1)), int(found.group(2))
            if not low <= high < low + MAX_ROW:
                raise ValueError(f'"{part}" is not a row: the first number is the lower, and {MAX_ROW} are the most')
            items.extend(range(low, high + 1))
        elif isinstance(part, int) and not isinstance(part, bool):
            items.append(part)
        else:
            raise ValueError('must be a number, a row such as "16-23", or a list of numbers')
    if not items or len(items) > MAX_ROW:
        raise ValueError(f"a row has 1 to {MAX_ROW} numbers")
    return Numbers(tuple(items), True)


def _aftertouch(value: object) -> Numbers | Literal[True]:
    if value is True:
        return True
    numbers = _numbers(value)
    if not all(0 <= number <= 127 for number in numbers.items):
        raise ValueError("must be true, or notes between 0 and 127")
    return numbers


def _within(low: int, high: int) -> AfterValidator:
    def check(numbers: Numbers) -> Numbers:
        for number in numbers.items:
            if not low <= number <= high:
                raise ValueError(f"{number} is not between {low} and {high}")
        return numbers

    return AfterValidator(check)


def _listed(value: object) -> Listed:
    if isinstance(value, str):
        return Listed((value,), False)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return Listed(tuple(value), True)
    raise ValueError("must be a text or a list of texts")


def _pair(value: object) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2:
        low, high = value
        if _is_number(low) and _is_number(high):
            if low == high:
                raise ValueError("the two ends are the same")
            return float(low), float(high)
    raise ValueError("must be two numbers, such as [0.3, 0.9]")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _curve(value: object) -> str | float:
    if isinstance(value, str) and value in CURVES:
        return value
    if isinstance(value, int | float) and _is_number(value) and 0.05 <= value <= 20:
        return float(value)
    hint = suggest(value, CURVES) if isinstance(value, str) else ""
    raise ValueError(f"must be a power from 0.05 to 20 or one of {', '.join(CURVES)}. {hint}".rstrip(" ."))


def _smooth(value: object) -> Smooth:
    wrong = "must be seconds from 0 to 60, or {attack = 0.05, release = 0.4}"
    pair: dict[str, Any] = value if isinstance(value, dict) else {"attack": value, "release": value}
    if not pair or not set(pair) <= {"attack", "release"}:
        raise ValueError(wrong)
    if not all(_is_number(seconds) and 0 <= seconds <= 60 for seconds in pair.values()):
        raise ValueError(wrong)
    return Smooth(float(pair.get("attack", 0.0)), float(pair.get("release", 0.0)))


def _choices(value: object) -> tuple[Any, ...]:
    if isinstance(value, list) and 0 < len(value) <= MAX_ROW:
        if all(isinstance(v, bool | str) or _is_number(v) for v in value):
            return tuple(value)
        if all(isinstance(v, list) and v and all(_is_number(n) for n in v) for v in value):
            return tuple(tuple(v) for v in value)
    raise ValueError("must be a list of numbers, of texts, of true and false, or of lists of numbers")


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return value


def _messages(value: object) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    if not isinstance(value, list) or len(value) > 64:
        raise ValueError('must be a list of addresses, or of lists such as ["/address", 1]')
    out = []
    for message in value:
        address, *args = message if isinstance(message, list) and message else [message]
        if not isinstance(address, str) or not address.startswith("/"):
            raise ValueError('each message is an address such as "/live/test", or a list that starts with one')
        if not all(isinstance(arg, bool | int | float | str) for arg in args):
            raise ValueError("arguments are numbers, texts, true or false")
        out.append((address, tuple(args)))
    return tuple(out)


_NUMBERS_SCHEMA = WithJsonSchema({"type": ["integer", "string", "array"]})
_Wire = Annotated[Numbers, PlainValidator(_numbers), _within(0, 127), _NUMBERS_SCHEMA]
_Msb = Annotated[Numbers, PlainValidator(_numbers), _within(0, 31), _NUMBERS_SCHEMA]
_Channel = Annotated[Numbers, PlainValidator(_numbers), _within(1, 16), _NUMBERS_SCHEMA]
_Count = Annotated[Numbers, PlainValidator(_numbers), _within(0, 9999), _NUMBERS_SCHEMA]
_Pressure = Annotated[Numbers | Literal[True], PlainValidator(_aftertouch), _NUMBERS_SCHEMA]
_Texts = Annotated[Listed, PlainValidator(_listed), WithJsonSchema({"type": ["string", "array"]})]
_Pair = Annotated[
    tuple[float, float], PlainValidator(_pair), WithJsonSchema({"type": "array", "items": {"type": "number"}})
]
_Curve = Annotated[str | float, PlainValidator(_curve), WithJsonSchema({"type": ["string", "number"]})]
_SmoothKey = Annotated[Smooth, PlainValidator(_smooth), WithJsonSchema({"type": ["number", "object"]})]
_Choices = Annotated[tuple[Any, ...], PlainValidator(_choices), WithJsonSchema({"type": "array"})]
_Messages = Annotated[Any, PlainValidator(_messages), WithJsonSchema({"type": "array"})]
_Port = Annotated[int, Field(ge=1, le=65535)]

SOURCE_KEYS: Final = ("note", "cc", "cc14", "pitch_bend", "program", "aftertouch", "osc")


class AboutSpec(PartSettings):
    """Who and what the file is for."""

    name: str = Field(description="The controller or program, as its maker spells it.")
    author: str = Field("", description="Who wrote the file.")
    description: str = Field("", description="What it does, in a line.")
    license: str = Field("", description="Under which licence others may use it.")
    match: Annotated[str, AfterValidator(_regex)] = Field(
        "", description="Regular expression for the MIDI port's name, upper and lower case alike."
    )
    profile: str = Field("", description="Take the controls of this shipped file, and bring mappings of your own.")
    plugin_params: tuple[str, ...] = Field((), description="Parameters that a Scope plugin brings.")


class ControlSpec(PartSettings):
    """Where the messages of a control, or of a row of them, come from."""

    note: _Wire | None = Field(None, description="Note number, or a row of them.")
    cc: _Wire | None = Field(None, description="Control change number, or a row of them.")
    cc14: _Msb | None = Field(None, description="Number of the coarse half of a 14-bit pair; the fine half is 32 up.")
    pitch_bend: Literal[True] | None = Field(None, description="The pitch bend of a channel.")
    program: _Wire | None = Field(None, description="Program number; works like a button.")
    aftertouch: _Pressure | None = Field(None, description="true for a channel's pressure, or a note.")
    osc: _Texts | None = Field(None, description="OSC address, or a list of them; {n} stands for the numbers of n.")
    ch: _Channel | None = Field(None, description="MIDI channel 1 to 16, or a row of them; left out means any.")
    n: _Count | None = Field(None, description='Numbers that take the place of {n} in an address, such as "1-8".')
    arg: int = Field(0, ge=-64, le=63, description="Which OSC argument counts, from 0; -1 is the last.")
    input: _Pair | None = Field(None, description="Wire values at the two ends of its travel.")
    relative: Encoding | None = Field(None, description="How an endless encoder counts.")

    @model_validator(mode="after")
    def _one_source(self) -> ControlSpec:
        if len(given := [key for key in SOURCE_KEYS if getattr(self, key) is not None]) != 1:
            found = f" It has {' and '.join(given)}." if given else ""
            raise ValueError(f"a control has exactly one of {', '.join(SOURCE_KEYS)}.{found}")
        return self


class LayerSpec(PartSettings):
    """What switches a layer on."""

    control: str = Field(description="The button.")
    mode: Literal["hold", "toggle"] = Field("hold", description="On while held, or on and off by presses.")


class WhenSpec(PartSettings):
    """A condition on a target's value, 0..1 of its span."""

    target: str = Field(description="The target to look at.")
    above: float = Field(-1.0, description="True above this.")
    below: float = Field(2.0, description="True below this.")


class MapSpec(PartSettings):
    """One mapping, or a row of them."""

    from_: _Texts = Field(
        alias="from", description="A control, a row, one of a row (row.3), osc:/address, signal:name, section:name."
    )
    to: _Texts = Field(description="The target, or a list: one for each control of a row, or all for one control.")
    mode: Mode | None = Field(None, description="How the control acts; guessed from control and target.")
    range: _Pair | None = Field(None, description="Values at the two ends, in the target's own unit.")
    values: _Choices | None = Field(None, description="The values to choose from.")
    steps: int | None = Field(None, ge=2, le=1000, description="So many evenly spaced values.")
    input: _Pair | None = Field(None, description="Wire values at the two ends of the control's travel.")
    invert: bool = Field(False, description="Upside down.")
    curve: _Curve = Field("linear", description="linear, exponential, logarithmic, stepped, s_curve or a power.")
    smooth: _SmoothKey | None = Field(None, description="Seconds to glide, or {attack, release}.")
    deadband: float = Field(0.0, ge=0, le=0.5, description="Ignore movements smaller than this, 0 to 0.5.")
    step: float | None = Field(None, ge=-64, le=64, description="Travel per encoder tick, or values per press.")
    takeover: TakeoverMode | None = Field(None, description="jump, pickup or scale.")
    layer: str = Field("", description="Only while this layer is on.")
    group: str = Field("", description="Buttons of one group switch each other off (mode radio).")
    threshold: float | None = Field(None, ge=0, le=1, description="Where a button counts as pressed, 0 to 1.")
    retrigger: bool | None = Field(None, description="Fire on every message above the threshold.")
    velocity: bool = Field(False, description="How hard it is struck is how strongly it acts.")
    when: WhenSpec | None = Field(None, description="Only while a target stands above or below a value.")


class ProgramSpec(PartSettings):
    """How to make a program send to us."""

    listen_port: _Port = Field(description="The port that it answers on.")
    send_port: _Port = Field(description="The port that it listens on.")
    host: str = Field("127.0.0.1", description="Where it runs.")
    hello: _Messages = Field((), description="Messages that start it, sent at start and every so often.")
    repeat: float = Field(10.0, ge=1, le=3600, description="Seconds between hellos.")
    restart_address: str = Field("", description="Its message that says it has started anew.")


class MappingDocument(PartSettings):
    """A whole mapping file."""

    version: Literal[1] = Field(description="Version of the format.")
    about: AboutSpec = Field(description="Who and what the file is for.")
    controls: dict[str, ControlSpec] = Field(default_factory=dict, description="The profile: names for the controls.")
    layers: dict[str, LayerSpec] = Field(default_factory=dict, description="Shift layers.")
    map: list[MapSpec] = Field(default_factory=list, description="What the controls do.")
    program: ProgramSpec | None = Field(None, description="The program to say hello to.")
