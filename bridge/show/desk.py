"""The desk: what people hold and have switched on. Turns intents into held values, or says what is wrong with them."""

from __future__ import annotations

__all__ = ["PARAM_ALIASES", "Desk", "takes", "wrong"]

from typing import Final

from bridge.model.desired import ONE_SHOT_PARAMS, ParamValue
from bridge.model.document import suggest
from bridge.model.errors import Issue
from bridge.model.facts import ParamSpec
from bridge.model.targets import EFFECTS, MACROS, Intent
from bridge.show.arbitration import Controls, Touch
from bridge.show.effects import EffectDeck, Latch
from bridge.show.levers import LOCAL_SPECS
from bridge.show.oneshots import OneShots
from bridge.show.parameters import Parameters
from bridge.show.repair import number_of, spread

PARAM_ALIASES: Final = {
    "denoising_steps": "denoising_step_list",
    "interpolation_method": "prompt_interpolation_method",
}
"""Names of Scope's own OSC addresses and schema -> the name its pipelines read."""

_MAX_MESSAGE: Final = 300
_MACRO_REST: Final = {"reaction": 0.5, "beat": 0.5, "brightness": 1.0}
_EFFECT_SPEC: Final = ParamSpec("effect", "number", 0.0, 1.0, 0.0)


class Desk:
    """Controls (parameters by name, effects as ``fx/<name>``), macros, switches and one-shots."""

    def __init__(self) -> None:
        self.controls = Controls()
        self.macros = dict(_MACRO_REST)
        self.effects = EffectDeck()
        self.shots = OneShots()
        self.panic = Latch(momentary=False)
        self.paused = Latch()

    def spec(self, name: str, parameters: Parameters) -> ParamSpec | None:
        """What a control's name takes."""
        if name.startswith("fx/"):
            return _EFFECT_SPEC
        return LOCAL_SPECS.get(name) or parameters.spec(name)

    def param(self, name: str, intent: Intent, parameters: Parameters, held: ParamValue) -> Issue | None:
        """A value for a Scope parameter, or its release; ``held`` is its value now, for toggling."""
        spec = self.spec(name, parameters)
        if intent.kind == "release":
            self.controls.release(name)
            return None
        if spec is None and parameters.known:
            return wrong(intent, parameters.reason(name) or "is not a parameter.")
        value = intent.value
        if intent.kind == "trigger" and value is None and spec is not None and spec.type == "boolean":
            value = not held
        touch = Touch(value, intent.normalised)
        if value is None or (spec is not None and touch.on(spec) is None):
            return wrong(intent, f"cannot take {value!r}.", takes(spec, intent.normalised))
        if name in ONE_SHOT_PARAMS:
            return self._one_shot(name, touch, spec, intent, parameters)
        self.controls.touch(name, touch)
        return None

    def _one_shot(
        self, name: str, touch: Touch, spec: ParamSpec | None, intent: Intent, parameters: Parameters
    ) -> Issue | None:
        if why := parameters.reason(name):
            return wrong(intent, why)
        self.shots.add(name, touch.value if spec is None else touch.on(spec))
        return None

    def macro(self, name: str, intent: Intent) -> Issue | None:
        """A macro's value 0..1, or back to its rest."""
        if name not in MACROS:
            return wrong(intent, f'there is no macro "{name}".', suggest(name, MACROS))
        if intent.kind == "release":
            self.macros[name] = _MACRO_REST[name]
            return None
        number = number_of(intent.value)
        if number is None:
            return wrong(intent, f"cannot take {intent.value!r}.", "Give a number 0..1.")
        self.macros[name] = min(max(number, 0.0), 1.0)
        return None

    def effect(self, name: str, intent: Intent, now: float) -> Issue | None:
        """A held level of a local effect, its release, or one pulse of it."""
        if name not in EFFECTS:
            return wrong(intent, f'there is no effect "{name}".', suggest(name, EFFECTS))
        if intent.kind == "release":
            self.controls.release(f"fx/{name}")
            return None
        number = 1.0 if intent.value is None and intent.kind == "trigger" else number_of(intent.value)
        if number is None:
            return wrong(intent, f"cannot take {intent.value!r}.", "Give a number 0..1.")
        if intent.kind == "trigger":
            t = number_of(intent.t)
            self.effects.pulse(now if t is None else t, name, number)
        else:
            self.controls.touch(f"fx/{name}", Touch(min(max(number, 0.0), 1.0)))
        return None

    def latch(self, latch: Latch, intent: Intent, now: float) -> Issue | None:
        """Turn a switch over, set it, or let it go."""
        if intent.kind == "release":
            latch.release(now)
        elif intent.kind == "set" and intent.value is not None:
            number = number_of(intent.value)
            if number is None:
                return wrong(intent, f"cannot take {intent.value!r}.", "Give true or false.")
            latch.set(number > 0.0, now)
        else:
            latch.trigger(now)
        return None


def wrong(intent: Intent, message: str, hint: str = "") -> Issue:
    """An intent that cannot be done, with its place and mend."""
    return Issue(intent.origin or "show", None, intent.target, message[:_MAX_MESSAGE], hint)


def takes(spec: ParamSpec | None, normalised: bool) -> str:
    """What a parameter takes, as a hint for whoever gave something else."""
    if spec is None:
        return "Give a value."
    if normalised and spread(spec, 0.5) is None:
        return f"{spec.name} has no range to spread 0..1 over; send it in its own unit."
    if spec.choices:
        return f"It takes one of {', '.join(str(choice) for choice in spec.choices)}."
    limits = "" if spec.minimum is None or spec.maximum is None else f" {spec.minimum:g}..{spec.maximum:g}"
    kind = {"list": "a list of numbers", "object": "an object", "string": "a text", "boolean": "true or false"}
    return f"It takes {kind.get(spec.type, 'a ' + spec.type)}{limits}."
