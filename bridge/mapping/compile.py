"""From a checked document to rules: what the keys mean together, with an issue for all that does not fit."""

from __future__ import annotations

__all__ = ["compile_mapping"]

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from bridge.mapping.document import MappingDocument, MapSpec, WhenSpec
from bridge.mapping.profile import Profile, build_profile
from bridge.mapping.rules import UNPLUGGED, Condition, Control, Layer, MappingFile, Mode, Rule, Source, SourceKind
from bridge.mapping.shaping import Output, Shape
from bridge.mapping.takeover import TakeoverMode
from bridge.mapping.vocabulary import ONCE_EFFECTS, SCOPE_PARAMS, SECTIONS, SIGNALS, unfit_target
from bridge.model.document import Document, suggest, validate
from bridge.model.errors import Issue
from bridge.model.programs import OscProgram
from bridge.model.targets import CHOICES, IntentValue, is_fired, target_kind

BUTTONS: Final[frozenset[SourceKind]] = frozenset({"note", "program", "section"})
EVERY_MESSAGE: Final[frozenset[SourceKind]] = frozenset({"note", "program", "osc", "section"})
KNOBS: Final[frozenset[SourceKind]] = frozenset({"cc", "cc14", "pitch_bend"})
HELD_ACTIONS: Final = frozenset({"action/blackout", "action/freeze", "action/pause"})
"""Actions that stay on: their buttons also say when they are let go, so that a pad can hold them."""
TICK: Final = 0.01
"""Part of the travel that one tick of an encoder moves unless the mapping says otherwise."""

_NAMED: Final[dict[str, tuple[SourceKind, tuple[str, ...]]]] = {
    "signal": ("signal", SIGNALS),
    "section": ("section", SECTIONS),
}
"""Sources that a mapping names itself, without a control."""
_BUTTON_KEYS: Final = {"values", "input", "threshold", "retrigger"}
KEYS_OF_MODE: Final[dict[Mode, set[str]]] = {
    "absolute": {"range", "values", "steps", "input", "invert", "curve", "smooth", "deadband", "takeover"},
    "relative": {"range", "values", "steps", "invert", "curve", "step"},
    "toggle": {*_BUTTON_KEYS, "range"},
    "momentary": {*_BUTTON_KEYS, "range", "velocity"},
    "trigger": {*_BUTTON_KEYS, "velocity"},
    "step": {*_BUTTON_KEYS, "range", "steps", "step"},
    "radio": {*_BUTTON_KEYS, "range", "group"},
    "direct": set(),
}
"""Which keys of a mapping do something in which mode; the others are mistakes worth telling."""

_ALWAYS: Final = {"from_", "to", "mode", "layer", "when"}


def compile_mapping(
    document: Document,
    stem: str,
    *,
    themes: Collection[str] = (),
    takeover: TakeoverMode = "pickup",
    profile_of: Callable[[str], MappingFile | None] = lambda stem: None,
) -> tuple[MappingFile, list[Issue]]:
    """The mapping file in ``document`` and everything wrong with it; use the file only when nothing is.

    ``themes`` are the slugs that exist (empty: unchecked), ``takeover`` is what absolute MIDI knobs do unless
    a mapping says otherwise, ``profile_of`` finds the file whose controls another one takes.

    Raises:
        ConfigurationError: single keys are wrong; what they mean together was not looked at.
    """
    return _Compiler(document, stem, themes, takeover, profile_of).run()


@dataclass(slots=True)
class _Compiler:
    document: Document
    stem: str
    themes: Collection[str]
    takeover: TakeoverMode
    profile_of: Callable[[str], MappingFile | None]
    issues: list[Issue] = field(default_factory=list)
    seen: set[tuple[str, str, str]] = field(default_factory=set)

    def run(self) -> tuple[MappingFile, list[Issue]]:
        spec = validate(MappingDocument, self.document)
        profile, issues = build_profile(spec.controls, self.document)
        self.issues.extend(issues)
        match = spec.about.match
        if spec.about.profile:
            match = self._take_profile(spec.about.profile, profile) or match
        elif not match and any(c.source.kind not in UNPLUGGED for c in profile.controls.values()):
            self._issue(("about",), "match is missing.", 'Say which MIDI port, such as match = "MIDI Mix".')
        layers = tuple(self._layers(spec, profile))
        rules = tuple(
            rule
            for position, map_spec in enumerate(spec.map)
            for rule in self._rules(position, map_spec, profile, spec)
        )
        made = MappingFile(
            stem=self.stem,
            path=self.document.source,
            name=spec.about.name,
            description=spec.about.description,
            author=spec.about.author,
            match=match,
            controls=tuple(profile.controls.values()),
            layers=layers,
            rules=rules,
            program=self._program(spec),
            profile=spec.about.profile,
        )
        return made, self.issues

    def _issue(self, path: tuple[str | int, ...], message: str, hint: str = "") -> None:
        where = ".".join(str(part) for part in path)
        issue = Issue(self.document.source, self.document.line_of(path), where, message, hint)
        if issue not in self.issues:  # every control of a row makes the same mistake
            self.issues.append(issue)

    def _take_profile(self, stem: str, profile: Profile) -> str:
        found = self.profile_of(stem)
        if found is None:
            self._issue(("about", "profile"), f'no mapping file "{stem}".', "scope-bridge mappings lists them.")
            return ""
        for control in found.controls:
            if control.name not in profile.controls:
                profile.add(control)
        return found.match

    def _layers(self, spec: MappingDocument, profile: Profile) -> Iterator[Layer]:
        for name, layer in spec.layers.items():
            control = profile.controls.get(layer.control)
            if control is None:
                hint = suggest(layer.control, profile.controls)
                self._issue(("layers", name, "control"), f'unknown control "{layer.control}".', hint)
            else:
                yield Layer(name, control, layer.mode)

    def _program(self, spec: MappingDocument) -> OscProgram | None:
        if spec.program is None:
            return None
        program = spec.program
        return OscProgram(
            name=spec.about.name,
            listen_port=program.listen_port,
            send_port=program.send_port,
            host=program.host,
            hello=program.hello,
            repeat_s=program.repeat,
            restart_address=program.restart_address,
        )

    def _rules(self, position: int, spec: MapSpec, profile: Profile, whole: MappingDocument) -> Iterator[Rule]:
        place = ("map", position)
        controls = [c for name in spec.from_.items for c in self._controls(name, profile, (*place, "from"))]
        row = spec.from_.row or len(controls) > 1
        if not controls or not self._fits(spec, controls, row, place, whole):
            return
        if not row or not spec.to.row:
            pairs = [(control, target) for control in controls for target in spec.to.items]
        else:
            pairs = list(zip(controls, spec.to.items, strict=False))
        for number, (control, target) in enumerate(pairs):
            if target and (rule := self._rule(control, target, spec, number if row else None, len(pairs), place)):
                if rule.key in self.seen:
                    self._issue(place, f"{control.name} to {target} is mapped twice.", "Remove one of the two.")
                self.seen.add(rule.key)
                yield rule

    def _fits(
        self, spec: MapSpec, controls: list[Control], row: bool, place: tuple[str | int, ...], whole: MappingDocument
    ) -> bool:
        before = len(self.issues)
        if row and spec.to.row and len(spec.to.items) > len(controls):
            self._issue((*place, "to"), f"{len(spec.to.items)} targets for {len(controls)} controls.", "Remove some.")
        targets = {target for target in spec.to.items if target}
        if spec.when is not None:
            targets.add(spec.when.target)
        for target in sorted(targets):
            wrong = unfit_target(target, self.themes, whole.about.plugin_params)
            if wrong:
                key = "to" if target in spec.to.items else "when"
                self._issue((*place, key), f'"{target}": {wrong[0]}', wrong[1])
        if spec.layer and spec.layer not in whole.layers:
            hint = suggest(spec.layer, whole.layers) or f"Declare it: [layers] {spec.layer} = {{control = ...}}."
            self._issue((*place, "layer"), f'unknown layer "{spec.layer}".', hint)
        return len(self.issues) == before

    def _controls(self, name: str, profile: Profile, place: tuple[str | int, ...]) -> list[Control]:
        scheme, colon, rest = name.partition(":")
        named = _NAMED.get(scheme) if colon else None
        if named is not None:
            kind, names = named
            if rest not in names:
                self._issue(place, f'unknown {kind} "{rest}".', suggest(rest, names) or f"Known: {', '.join(names)}.")
                return []
            return [Control(name, Source(kind, address=rest))]
        if colon and scheme == "osc" and rest.startswith("/"):
            return [Control(name, Source("osc", address=rest))]
        if name in profile.rows:
            return [profile.controls[full] for full in profile.rows[name]]
        row, dot, member = name.partition(".")
        first, dash, last = member.partition("-")
        if dot and dash and first.isdigit() and last.isdigit() and row in profile.rows:
            chosen = profile.rows[row][int(first) - 1 : int(last)] if int(first) > 0 else ()
            if len(chosen) == int(last) - int(first) + 1:
                return [profile.controls[full] for full in chosen]
        elif name in profile.controls:
            return [profile.controls[name]]
        if row in profile.rows:
            self._issue(place, f'no "{name}".', f"The row {row} has {len(profile.rows[row])} controls.")
        else:
            self._issue(place, f'unknown control "{name}".', suggest(name, [*profile.rows, *profile.controls]))
        return []

    def _rule(
        self, control: Control, target: str, spec: MapSpec, number: int | None, count: int, place: tuple[str | int, ...]
    ) -> Rule | None:
        mode = spec.mode or _guess_mode(control, target, spec)
        wrong = self._wrong_key(spec, mode) or _wrong_pairing(control, target, mode, spec)
        values = _own_values(spec, mode, number, count)
        if wrong is None and isinstance(values, str):
            wrong = "values", values, "Give one for each control, or a single one."
        if wrong is not None or isinstance(values, str):
            key, message, hint = wrong or ("values", "", "")
            known = self.document.line_of((*place, key)) != self.document.line_of(place)
            self._issue((*place, key if known else "to"), message, hint)
            return None
        kind, keen = control.source.kind, control.source.kind in EVERY_MESSAGE
        if spec.input is not None:
            control = _with_input(control, spec.input)
        return Rule(
            control=control,
            target=target,
            mode=mode,
            shape=Shape(spec.curve, spec.invert, spec.steps),
            output=Output(spec.range, values or _switch_values(target, spec)),
            smooth=spec.smooth,
            deadband=spec.deadband,
            step=spec.step if spec.step is not None else (TICK if mode == "relative" else 1.0),
            takeover=spec.takeover or _usual_takeover(kind, target, self.takeover),
            layer=spec.layer,
            group=spec.group or f"map {place[1]}",
            threshold=spec.threshold if spec.threshold is not None else (0.0 if keen else 0.5),
            retrigger=spec.retrigger if spec.retrigger is not None else keen,
            velocity=spec.velocity,
            when=_condition(spec.when),
        )

    def _wrong_key(self, spec: MapSpec, mode: Mode) -> tuple[str, str, str] | None:
        useless = sorted(spec.model_fields_set - KEYS_OF_MODE[mode] - _ALWAYS)
        if not useless:
            return None
        return useless[0], f'"{useless[0]}" does nothing in mode "{mode}".', "Remove it, or choose another mode."


def _guess_mode(control: Control, target: str, spec: MapSpec) -> Mode:
    """What people mean when they do not say: buttons fire and hold, encoders turn, everything else is a value."""
    kind = control.source.kind
    if target in HELD_ACTIONS:
        return "momentary"
    if is_fired(target):
        return "trigger"
    if control.relative is not None:
        return "relative"
    if kind in BUTTONS:
        return _guess_button(target, spec)
    chosen = spec.values is not None or spec.range is not None or spec.steps is not None
    if kind == "osc" and not chosen and (target in CHOICES or target.startswith("tempo/")):
        return "direct"
    return "absolute"


def _guess_button(target: str, spec: MapSpec) -> Mode:
    if target.removeprefix("fx/") in ONCE_EFFECTS:
        return "trigger"
    if target in CHOICES:
        return "step"
    return "absolute" if target.startswith("tempo/") else "momentary"


def _wrong_pairing(control: Control, target: str, mode: Mode, spec: MapSpec) -> tuple[str, str, str] | None:
    fired = is_fired(target)
    if fired and mode not in ("trigger", "momentary", "toggle", "radio"):
        return "mode", f'"{target}" is fired, not set.', 'Use mode = "trigger".'
    if fired and (spec.values is not None or spec.range is not None):
        return "values" if spec.values is not None else "range", f'"{target}" takes no value.', "Remove it."
    if mode == "direct" and control.source.kind != "osc":
        return "mode", 'only OSC carries values as they are (mode "direct").', "Give a range instead."
    if mode == "relative" and control.source.kind not in ("cc", "osc"):
        return "mode", "only a cc or an OSC address can be an endless encoder.", "Choose another mode."
    if fired or mode == "direct":
        return None
    return _wrong_values(target, mode, spec)


def _wrong_values(target: str, mode: Mode, spec: MapSpec) -> tuple[str, str, str] | None:
    spec_known = SCOPE_PARAMS.get(target.removeprefix("param/"))
    needs_values = target in CHOICES or (
        spec_known is not None and spec_known.type in ("list", "string") and target.startswith("param/")
    )
    if needs_values and spec.values is None:
        return "to", f'"{target}" needs values to choose from.', "Add values = [...]."
    if target in CHOICES and not all(isinstance(value, str) for value in spec.values or ()):
        return "values", f'"{target}" takes texts.', 'Put quotes around them: values = ["...", "..."].'
    if target.startswith("tempo/") and spec.range is None and spec.values is None:
        return "to", f'"{target}" needs a range.', "Such as range = [60, 180]."
    if mode == "step" and spec.values is None and spec.steps is None:
        return "mode", 'mode "step" needs something to step through.', "Add values = [...], or steps = 4."
    if mode == "trigger" and spec.values is None and target.removeprefix("fx/") not in ONCE_EFFECTS:
        return "mode", "a trigger needs the value that it sets.", "Add values = [0.5], or use another mode."
    if mode == "toggle" and spec.values is not None and len(spec.values) != 2:
        return "values", "a toggle has two values: off and on.", "Use mode step for more."
    if target.startswith(("macro/", "fx/")):
        for key, numbers in (("range", spec.range), ("values", spec.values)):
            if any(not isinstance(n, int | float) or not 0 <= n <= 1 for n in numbers or ()):
                return key, f'"{target}" takes numbers from 0 to 1.', ""
    return None


def _own_values(spec: MapSpec, mode: Mode, number: int | None, count: int) -> tuple[IntentValue, ...] | str:
    """The values of one member of a row; a text says why there are none."""
    values: tuple[IntentValue, ...] = spec.values or ()
    if mode not in ("radio", "trigger") or len(values) <= 1:
        return values
    if number is None or len(values) != count:
        return f"{len(values)} values for {count} controls."
    return (values[number],)


def _switch_values(target: str, spec: MapSpec) -> tuple[IntentValue, ...]:
    known = SCOPE_PARAMS.get(target.removeprefix("param/")) if target.startswith("param/") else None
    return (False, True) if known is not None and known.type == "boolean" and spec.range is None else ()


def _usual_takeover(kind: SourceKind, target: str, usual: TakeoverMode) -> TakeoverMode:
    return usual if kind in KNOBS and target_kind(target) in ("param", "macro", "fx") else "jump"


def _condition(spec: WhenSpec | None) -> Condition | None:
    return None if spec is None else Condition(spec.target, spec.above, spec.below)


def _with_input(control: Control, ends: tuple[float, float]) -> Control:
    source = control.source
    moved = Source(source.kind, source.number, source.channel, source.address, source.arg, ends)
    return Control(control.name, moved, control.relative)
