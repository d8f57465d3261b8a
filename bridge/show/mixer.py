"""The mixer: theme, controls and music become one value per parameter and effect, by the order of arbitration."""

from __future__ import annotations

__all__ = ["Mixer", "Push"]

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.desired import ParamValue
from bridge.model.facts import ParamSpec, ScopeFacts
from bridge.model.features import Features
from bridge.model.targets import EFFECTS, MACROS
from bridge.show.arbitration import decide
from bridge.show.curves import finite
from bridge.show.desk import Desk
from bridge.show.levers import LOCAL_SPECS, Lever, levers_of
from bridge.show.parameters import FALLBACK, Parameters
from bridge.show.profiles import DENOISING, REACTIVITY
from bridge.show.repair import normalised
from bridge.show.settings import ShowSettings
from bridge.show.theme import SIGNALS, Theme

_SHADES: Final = (SIGNALS.index("brightness"), SIGNALS.index("texture"))
_LOCAL_PARAMS: Final = frozenset({"prompt_interpolation_method"})
"""Scope parameters that the prompt plan carries, so they are not sent as continuous values."""


@dataclass(slots=True)
class Push:
    """What moves the levers this tick: ``macro`` 0..1 scales the music (0 none, 0.5 as the theme says), ``boost``
    lifts the noise, ``drift`` 0..1 is how far ambient mode has taken over, ``seconds`` its age."""

    macro: float = 0.5
    boost: float = 0.0
    drift: float = 0.0
    seconds: float = 0.0


class Mixer:
    """Values of one theme on one pipeline."""

    def __init__(
        self, settings: ShowSettings, desk: Desk, theme: Theme, standing: Mapping[str, ParamValue] | None = None
    ) -> None:
        self.parameters = Parameters(ScopeFacts(), unsafe_text_noise=settings.unsafe_text_noise)
        self.push = Push()
        self.seed: int | None = None
        self.fitted = 0
        self._settings = settings
        self._desk = desk
        self._theme = theme
        self._standing = standing or {}
        self._levers: dict[str, Lever] = {}
        self._signals = [0.0] * len(SIGNALS)
        self._time_constant = REACTIVITY[settings.reactivity].time_constant
        self._slow_weight: float | None = None
        self._sent: set[str] = set()
        self._steps: tuple[int, ...] | None = None
        self._grid = NO_GRID
        self._fit_levers()

    def fit(self, theme: Theme, facts: ScopeFacts) -> None:
        """Follow a change of theme, pipeline or mode; cheap while nothing changed."""
        if not self.parameters.fits(facts):
            self.parameters = Parameters(facts, unsafe_text_noise=self._settings.unsafe_text_noise)
            self._sent.clear()
            self._steps = None
        elif theme is self._theme:
            return
        self._theme = theme
        self._fit_levers()

    def follow(self, grid: BeatGrid) -> None:
        """The tempo for lengths in beats; cheap while it stays."""
        if grid.period == self._grid.period and grid.beats_per_bar == self._grid.beats_per_bar:
            return
        before, self._grid = self._theme.range_of("transition_s", self._grid), grid
        if self._theme.range_of("transition_s", grid) != before:
            self._fit_levers()

    def _fit_levers(self) -> None:
        parameters = self.parameters
        self._levers = {
            lever.name: lever
            for lever in levers_of(
                self._theme, text_like=parameters.text_like, text_noise=parameters.text_noise, grid=self._grid
            )
        }
        self.fitted += 1

    def listen(self, features: Features, *, silent: bool, dt: float) -> None:
        """Take the newest features in; in silence brightness and texture stay, the rest falls."""
        share = 1.0 - math.exp(-dt / self._time_constant)
        signals = self._signals
        for index, name in enumerate(SIGNALS):
            if silent and index in _SHADES:
                continue
            heard = 0.0 if silent else min(max(finite(getattr(features, name)), 0.0), 1.0)
            signals[index] += (heard - signals[index]) * share

    @property
    def heard(self) -> tuple[float, float, float]:
        """Smoothed energy, brightness and texture, 0..1 each."""
        return self._signals[0], self._signals[1], self._signals[2]

    def spec(self, name: str) -> ParamSpec:
        """What a lever takes."""
        found = self._desk.spec(name, self.parameters)
        return FALLBACK[name] if found is None else found

    def lever(self, name: str) -> float | None:
        """A lever's value now, in its own unit; None where the theme does not drive it in this mode."""
        lever = self._levers.get(name)
        return None if lever is None else self._mixed(lever)

    def _mixed(self, lever: Lever) -> float:
        push, name = self.push, lever.name
        moved = 0.0
        if push.macro > 0.0:
            moved = lever.offset(self._signals)
            if push.drift > 0.0:
                moved += (lever.drift(push.seconds) - moved) * push.drift
        is_noise = name == "noise_scale"
        value = decide(
            self.spec(name),
            lever.rest,
            self._desk.controls.get(name),
            reaction=moved,
            macro=push.macro,
            theme_range=(lever.low, lever.high),
            boost=push.boost if is_noise else 0.0,
            ceiling=self._settings.noise_ceiling if is_noise else None,
        )
        return max(value, self._lowest_text_noise()) if is_noise and self.parameters.text_noise else value

    def _lowest_text_noise(self) -> float:
        """The private key sets the first denoising step to 1000 * noise - 100; it must stay above the second."""
        steps = self._steps or DENOISING["balanced"]
        second = steps[1] if len(steps) > 1 else 0
        return min((second + 110) / 1000.0, 1.0)

    @property
    def noise_acts(self) -> bool:
        """Whether a lift of noise_scale is seen: the theme drives it, and it has an effect here."""
        return "noise_scale" in self._levers and self.parameters.reason("noise_scale") is None

    def anchor(self, name: str) -> ParamValue | None:
        """What a value rests on: control, else theme, else the pipeline's default; None when unknown."""
        spec = self._desk.spec(name, self.parameters)
        if spec is None:
            return None
        touch = self._desk.controls.get(name)
        held = None if touch is None else touch.on(spec)
        if held is not None:
            return held
        lever = self._levers.get(name)
        if lever is not None:
            return lever.rest
        if name == "base_seed" and self.seed is not None:
            return self.seed
        if name == "denoising_step_list" and self._steps:
            return self._steps
        return self._standing.get(name, spec.default)

    def weight(self, chunk_s: float, dt: float) -> tuple[float, bool]:
        """Share of the intense prompt 0..1, and whether this mode moves it at all.

        It leaves once a chunk, so it follows no faster than a chunk.
        """
        mixed = self.lever("prompt_weight")
        if mixed is None:
            self._slow_weight = None
            return 0.5, False
        if self._slow_weight is None or self._desk.controls.get("prompt_weight") is not None:
            self._slow_weight = mixed
        else:
            self._slow_weight += (mixed - self._slow_weight) * (1.0 - math.exp(-dt / max(chunk_s, 0.01)))
        return self._slow_weight, True

    def transition_s(self) -> float:
        """Length of a transition within the theme, in seconds."""
        mixed = self.lever("transition_s")
        if mixed is not None:
            return mixed
        return decide(
            self.spec("transition_s"),
            self._theme.resting("transition_s", self._grid),
            self._desk.controls.get("transition_s"),
        )

    def slerp(self) -> bool:
        """Whether two prompts may be blended on the sphere."""
        touch = self._desk.controls.get("prompt_interpolation_method")
        return touch is None or touch.on(FALLBACK["prompt_interpolation_method"]) != "linear"

    def params(self, *, busy: bool) -> dict[str, ParamValue]:
        """Every parameter that has an effect now, and held ones that wait for theirs, in the server's own units.

        ``busy``: a transition runs; the denoising list waits for its end, because its change is a hard cut.
        """
        parameters, found = self.parameters, dict[str, ParamValue]()
        for name, lever in self._levers.items():
            if name not in LOCAL_SPECS and not name.startswith("fx/") and parameters.reason(name) is None:
                found[name] = self._mixed(lever)
        self._add_steps(found, busy=busy)
        if self.seed is not None and parameters.prompts:
            found["base_seed"] = self.seed
        for name in self._desk.controls.names():
            if (
                (name not in self._levers or name not in found)
                and self._is_sent(name)
                and (value := self.anchor(name)) is not None
            ):
                found[name] = value
        if "noise_scale" in found:
            self._make_noise_count(found)
        for name in {*self._sent, *self._standing}:
            if name not in found and parameters.reason(name) is None and (value := self.anchor(name)) is not None:
                found[name] = value
        self._sent.update(found)
        return found

    def _is_sent(self, name: str) -> bool:
        if name in LOCAL_SPECS or name in _LOCAL_PARAMS or name.startswith("fx/"):
            return False
        return self.parameters.reason(name) is None or self.parameters.waits(name)

    def _add_steps(self, found: dict[str, ParamValue], *, busy: bool) -> None:
        choice = self._settings.denoising
        if choice == "theme":
            choice = self._theme.denoising if self.parameters.text_like else self._theme.video.denoising
        if choice != "pipeline" and (self._steps is None or not busy):
            self._steps = DENOISING[choice]
        if choice != "pipeline" and self._steps and self.parameters.reason("denoising_step_list") is None:
            found["denoising_step_list"] = self._steps

    def _make_noise_count(self, found: dict[str, ParamValue]) -> None:
        if self.parameters.text_noise:
            found["_modulated_noise_scale"] = True
        elif self.parameters.reason("noise_controller") is None:
            found.setdefault("noise_controller", False)

    def levels(self) -> dict[str, float]:
        """Held levels 0..1 of the local effects, without those at 0."""
        found: dict[str, float] = {}
        for effect in EFFECTS:
            name = f"fx/{effect}"
            value = self.lever(name)
            if value is None and (held := self.anchor(name)) is not None:
                value = float(held)
            if value and (level := round(value, 2)):
                found[effect] = level
        return found

    def wanted(self) -> dict[str, ParamValue]:
        """What theme, controls and music ask for, also where it has no effect now."""
        theme, found = self._theme, dict[str, ParamValue]()
        asked = [*(r.parameter for r in theme.reactions), *theme.text.drives, *theme.video.drives]
        for lever in dict.fromkeys(asked):
            if not lever.startswith("fx/"):
                value = self.lever(lever)
                found[lever] = theme.resting(lever, self._grid) if value is None else value
        for name in self._desk.controls.names():
            if name not in self._levers and not name.startswith("fx/"):
                found[name] = self._held(name)
        return found

    def _held(self, name: str) -> ParamValue:
        touch, spec = self._desk.controls.get(name), self._desk.spec(name, self.parameters)
        if touch is None:
            return None
        return touch.value if spec is None else touch.on(spec)

    def values(self) -> Mapping[str, float | None]:
        """What every target rests on, 0..1 over its range, for knobs that pick a value up; None where unknown."""
        found: dict[str, float | None] = {f"macro/{name}": self._desk.macros[name] for name in MACROS}
        for effect in EFFECTS:
            level = self.anchor(f"fx/{effect}")
            found[f"fx/{effect}"] = None if level is None else float(level)
        for name in (*self.parameters.names(), *LOCAL_SPECS):
            spec, value = self._desk.spec(name, self.parameters), self.anchor(name)
            found[f"param/{name}"] = None if spec is None or value is None else normalised(spec, value)
        return found
