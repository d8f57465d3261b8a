"""The show: theme, intents, beats and music in; one desired state and one effect state out."""

from __future__ import annotations

__all__ = ["Show", "ShowOutput"]

import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.desired import DesiredState, FxState, ParamValue
from bridge.model.document import suggest
from bridge.model.errors import Issue
from bridge.model.events import BeatEvent, SectionEvent
from bridge.model.facts import ParamSpec
from bridge.model.guide import GuideWish
from bridge.model.length import Length, parse_length
from bridge.model.quantize import QUANTIZE_MODES
from bridge.model.targets import ACTIONS, Intent
from bridge.model.world import World
from bridge.show.ambient import Ambient
from bridge.show.arbitration import Touch
from bridge.show.bands import TEMPO_CONFIDENCE, Bands, BandsSeen
from bridge.show.beats import AFTER_THEME_S, BeatActor, SpikeDetector, spike_strength, variation_weight
from bridge.show.desk import PARAM_ALIASES, Desk, takes, wrong
from bridge.show.director import Director
from bridge.show.library import MINIMAL, slugged
from bridge.show.mixer import Mixer
from bridge.show.profiles import PACE, REACTIVITY
from bridge.show.quantizer import Quantizer
from bridge.show.repair import number_of
from bridge.show.report import ShowReport, report_of
from bridge.show.settings import ShowSettings
from bridge.show.theme import Theme

_MAX_TEXT: Final = 1000
_MAX_CHANGE_S: Final = 60.0
_MAX_TICK_S: Final = 0.5
_PART_WAITS_S: Final = 8.0
_TARGETS: Final = ("param", "action", "theme", "macro", "fx", "prompt")
TIMING_SPECS: Final[Mapping[str, ParamSpec]] = {
    "quantize_mode": ParamSpec("quantize_mode", "string", choices=QUANTIZE_MODES),
    "lookahead_ms": ParamSpec("lookahead_ms", "number", 0.0, 1000.0),
}
"""Scope's own words for timing changes, which the show carries out itself."""

_BASE_BANDS: Final = Bands()


@dataclass(frozen=True, slots=True)
class ShowOutput:
    """What Scope should be doing, and what the program does to the returned frames."""

    desired: DesiredState
    fx: FxState


class Show:
    """Plays themes.

    Pure: it has no clock and no I/O; ``now`` is monotonic seconds, never going back. Call :meth:`tick` about 30
    times a second, :meth:`apply` for every intent, :meth:`on_beat` and :meth:`on_local_beat` for every beat, all from
    one thread.

    Args:
        themes: by slug, as :func:`load_themes` gives them; with none the built-in minimal theme plays.
        standing: parameters with the value they have wherever no theme and no control gives them one.
        rng_seed: where ``new_seed`` starts, so that a run can be repeated.
    """

    def __init__(
        self,
        settings: ShowSettings,
        themes: Mapping[str, Theme],
        *,
        rng_seed: int = 0,
        standing: Mapping[str, ParamValue] | None = None,
    ) -> None:
        self._settings = settings
        self._themes = _ordered(themes, settings.theme_order)
        self._theme = self._themes.get(settings.theme) or next(iter(self._themes.values()))
        self._random = random.Random(rng_seed)
        self._pace = PACE[settings.pace]
        self._desk = Desk()
        self._director = Director(self._theme)
        self._mixer = Mixer(settings, self._desk, self._theme, standing)
        self._bands = BandsSeen(tempo_gain=settings.tempo_gain)
        self._ambient = Ambient()
        self._spikes = SpikeDetector()
        self._beats = BeatActor(settings, self._desk, self._director, self._mixer)
        self._quantizer = Quantizer(settings.quantize, settings.lookahead_ms / 1000.0)
        self._length: tuple[Length, Touch] | None = None
        self._theme_since = float("-inf")
        self._ticked: float | None = None
        self._arrived: float | None = None
        self._part: SectionEvent | None = None
        self._output = ShowOutput(DesiredState(), FxState())
        self._values: tuple[tuple[object, ...], Mapping[str, float | None]] = ((), MappingProxyType({}))

    def _fit(self, world: World) -> None:
        """Follow pipeline, mode and tempo."""
        grid = _trusted(world.grid)
        self._director.grid = grid
        self._mixer.follow(grid)
        self._mixer.fit(self._theme, world.facts)
        if self._length is not None and self._desk.controls.get("transition_s") is self._length[1]:
            self._hold_length(self._length[0], grid)

    def _hold_length(self, length: Length, grid: BeatGrid) -> None:
        """Hold ``transition_s`` on a length in beats: what that is in seconds moves with the tempo."""
        touch = Touch(length.seconds(grid))
        if self._length is None or self._length[1] != touch or self._length[0] != length:
            self._length = (length, touch)
            self._desk.controls.touch("transition_s", touch)

    # What people ask for

    def apply(self, intent: Intent, world: World, now: float) -> Issue | None:
        """Do what an intent asks; returns what is wrong with it, and then nothing has changed."""
        self._fit(world)
        kind, _, name = intent.target.partition("/")
        if kind == "param":
            issue = self._param(name, intent, world, now)
        elif kind == "action":
            issue = self._action(name, intent, world, now)
        elif kind == "theme":
            issue = self._choose(name, intent, world, now)
        elif kind == "macro":
            issue = self._desk.macro(name, intent)
        elif kind == "fx":
            issue = self._desk.effect(name, intent, now)
        elif kind == "prompt":
            issue = self._prompt(intent)
        else:
            issue = wrong(intent, "is not a target of the show.", suggest(kind, _TARGETS))
        if issue is None:
            self._arrived = number_of(intent.t)
        return issue

    def _param(self, name: str, intent: Intent, world: World, now: float) -> Issue | None:
        if name == "prompt":
            return self._prompt(intent)
        if name == "paused":
            return self._desk.latch(self._desk.paused, intent, now)
        if name in ("quantize_mode", "lookahead_ms"):
            return self._time_changes(name, intent)
        if name == "reset_cache":
            return self._action(name, intent, world, now)
        if name == "transition_steps":
            steps = number_of(intent.value)
            if steps is not None and not intent.normalised:
                seconds = max(steps, 0.0) * world.facts.chunk.period_s
                intent = Intent(intent.t, intent.target, intent.kind, seconds, origin=intent.origin)
            name = "transition_s"
        if name == "transition_s" and isinstance(intent.value, str) and intent.kind == "set":
            try:
                length = parse_length(intent.value)
            except ValueError as error:
                return wrong(intent, str(error))
            self._length = None
            self._hold_length(length, _trusted(world.grid))
            return None
        name = PARAM_ALIASES.get(name, name)
        return self._desk.param(name, intent, self._mixer.parameters, self._mixer.anchor(name))

    def _time_changes(self, name: str, intent: Intent) -> Issue | None:
        """The boundary that changes wait for, in Scope's own words; a release goes back to the settings'."""
        spec, settings = TIMING_SPECS[name], self._settings
        if intent.kind == "release":
            value: ParamValue = settings.quantize if name == "quantize_mode" else settings.lookahead_ms
        else:
            value = Touch(intent.value, intent.normalised).on(spec)
        if value is None:
            return wrong(intent, f"cannot take {intent.value!r}.", takes(spec, intent.normalised))
        if name == "quantize_mode":
            self._quantizer.mode = value
        else:
            self._quantizer.lookahead_s = value / 1000.0
        return None

    def _action(self, name: str, intent: Intent, world: World, now: float) -> Issue | None:
        desk = self._desk
        switches = {"blackout": desk.effects.blackout, "freeze": desk.effects.freeze, "pause": desk.paused}
        if name in switches:
            return desk.latch(switches[name], intent, now)
        if name == "panic":
            was = desk.panic.on
            issue = desk.latch(desk.panic, intent, now)
            if desk.panic.on and not was:
                self._calm()
            return issue
        if name not in ACTIONS:
            return wrong(intent, f'there is no action "{name}".', suggest(name, ACTIONS))
        if intent.kind == "release" or (intent.kind == "set" and number_of(intent.value) == 0.0):
            return None
        if name in ("theme_next", "theme_previous"):
            self._go_to(self._neighbour(1 if name == "theme_next" else -1), world, now)
        elif name == "prompt_next":
            if not self._director.cycle(self._mixer.transition_s()):
                return wrong(intent, f"{self._theme.name} has no variations.", "Add [[variations]] to the theme.")
        elif name == "reset_cache":
            desk.shots.add("reset_cache", True)
        elif name == "new_seed":
            self._mixer.seed = self._random.randrange(2**31)
            desk.controls.release("base_seed")
            desk.shots.add("reset_cache", True)
        elif name == "pulse":
            self._beats.pulse(self._theme, world.facts.chunk, now)
        else:
            return wrong(intent, "is for the tempo clock or the Scope client, not for the show.")
        return None

    def _prompt(self, intent: Intent) -> Issue | None:
        seconds = self._mixer.transition_s()
        if intent.kind == "release":
            self._director.override("", seconds)
            return None
        text = " ".join(intent.value.split()) if isinstance(intent.value, str) else ""
        if not text:
            return wrong(intent, "needs a text.", "Release the target to go back to the theme's prompt.")
        if len(text) > _MAX_TEXT:
            return wrong(
                intent, f"is longer than {_MAX_TEXT} characters.", "Shorten it; the encoder reads less anyway."
            )
        if text != self._director.scene.override:
            self._director.override(text, seconds)
        return None

    def _choose(self, slug: str, intent: Intent, world: World, now: float) -> Issue | None:
        order = list(self._themes)
        if slug:
            if intent.kind == "release" or (intent.kind == "set" and number_of(intent.value) == 0.0):
                return None
        elif isinstance(intent.value, str):
            slug = slugged(intent.value)
        else:
            number = number_of(intent.value)
            if number is None:
                return wrong(intent, f"cannot take {intent.value!r}.", "Give a theme's name, or its number from 1.")
            index = int(number * len(order)) if intent.normalised else round(number) - 1
            if intent.normalised:
                index = min(max(index, 0), len(order) - 1)
            if not 0 <= index < len(order):
                return wrong(intent, f"there is no theme number {index + 1}.", f"There are {len(order)}.")
            slug = order[index]
        theme = self._themes.get(slug) or next((t for t in self._themes.values() if slugged(t.name) == slug), None)
        if theme is None:
            return wrong(intent, f'there is no theme "{slug}".', suggest(slug, self._themes))
        self._go_to(theme, world, now)
        return None

    def _neighbour(self, step: int) -> Theme:
        order = list(self._themes)
        return self._themes[order[(order.index(self._theme.id) + step) % len(order)]]

    def _go_to(self, theme: Theme, world: World, now: float) -> None:
        if theme is self._theme:
            return
        self._theme = theme
        self._theme_since = now
        self._desk.controls.clear()
        self._beats.burst.stop()
        self._director.change_theme(theme, _change_s(theme, world.grid))
        self._mixer.fit(theme, world.facts)

    def _calm(self) -> None:
        self._desk.controls.clear()
        self._desk.effects.clear_pulses()
        self._beats.burst.stop()
        self._director.back_to_base(self._theme.change.seconds)

    def replace_themes(self, themes: Mapping[str, Theme]) -> None:
        """Take newly read themes; the current one goes on playing if it is still there, with its new words."""
        self._themes = _ordered(themes, self._settings.theme_order)
        theme = self._themes.get(self._theme.id)
        if theme is None:
            theme = next(iter(self._themes.values()))
            self._desk.controls.clear()
            self._director.change_theme(theme, theme.change.seconds)
        elif theme != self._theme:
            self._director.reload(theme, self._mixer.transition_s())
        self._theme = theme

    # What music does

    def on_beat(self, beat: BeatEvent, world: World, now: float) -> None:
        """A beat of the one clock, for what the server shall do."""
        self._fit(world)
        self._beats.on_beat(beat, self._theme, world.facts.chunk, now)

    def on_local_beat(self, beat: BeatEvent, world: World, now: float) -> None:
        """A beat for local effects; its ``t`` may lie ahead of ``now``."""
        self._fit(world)
        self._beats.on_local_beat(beat, self._theme, now)

    def on_section(self, event: SectionEvent) -> None:
        """A part of the track begins, as heard; the next tick acts on it."""
        self._part = event

    def _follow_part(self, world: World, now: float) -> None:
        """The newest part acts once a transition that a person asked for is over; parts that wait too long don't."""
        event = self._part
        if event is None:
            return
        if now - event.t > _PART_WAITS_S or not self._settings.sections or self._desk.panic.on:
            self._part = None
        elif not self._director.busy(world.facts.chunk, now) or self._director.by_music:
            self._part = None
            self._director.enter(event.section)

    def _spike(self, rise: float, world: World, now: float) -> None:
        settings, macro = self._settings, self._desk.macros["reaction"]
        threshold = REACTIVITY[settings.reactivity].spike_threshold
        if rise <= threshold or not settings.spikes or macro == 0.0 or self._desk.panic.on or self._ambient.active:
            return
        if now - self._theme_since < AFTER_THEME_S or self._director.busy(world.facts.chunk, now):
            return
        if not self._director.can_blend("energy_spike") or not self._spikes.take(now):
            return
        gain = self._pace.spike * settings.spike_gain * 2.0 * macro
        self._director.blend("energy_spike", variation_weight(spike_strength(rise), settings.variation_gain))
        self._beats.spike(spike_strength(rise) * gain, self._theme, world.facts.chunk, now)

    # What comes out

    def tick(self, world: World, now: float) -> ShowOutput:
        """The state for now; equal states are the same objects as before, so compare them by identity."""
        dt = 1.0 / 30.0 if self._ticked is None else min(max(now - self._ticked, 0.0), _MAX_TICK_S)
        self._ticked = now
        desk, mixer, features, chunk = self._desk, self._mixer, world.features, world.facts.chunk
        self._fit(world)
        silent = self._ambient.follow(features, now, dt, wanted=self._settings.ambient)
        mixer.listen(features, silent=silent, dt=dt)
        energy, brightness, texture = mixer.heard
        bands = self._bands.follow(energy, brightness, texture, world.grid, silent, dt)
        self._follow_part(world, now)
        rise = self._spikes.rise(features)
        if rise and not silent:
            self._spike(rise, world, now)
        calm = desk.panic.on
        push = mixer.push
        push.macro = 0.0 if calm else desk.macros["reaction"]
        push.boost = 0.0 if calm else self._beats.burst.at(now)
        push.drift, push.seconds = self._ambient.amount, self._ambient.seconds
        weight, two_ends = mixer.weight(chunk.period_s, dt)
        plan = self._director.update(
            _BASE_BANDS if calm else bands,
            weight,
            two_ends=two_ends,
            seconds=mixer.transition_s(),
            dwell_s=self._pace.dwell_s,
            chunk=chunk,
            now=now,
            slerp=mixer.slerp(),
            by_hand=desk.controls.get("prompt_weight") is not None,
        )
        params = mixer.params(busy=self._director.busy(chunk, now))
        quantizer = self._quantizer
        quantizer.follow(
            plan if mixer.parameters.prompts else None,
            desk.shots.recent,
            params,
            mode=self._director.quantize,
            at_once=self._director.at_once,
            grid=_trusted(world.grid),
            facts=world.facts,
            now=now,
        )
        self._director.wait_until(quantizer.leave(self._director.running.since))
        desired = self._desired(params)
        fx = desk.effects.state(mixer.levels(), round(desk.macros["brightness"], 3), now, paused=desk.paused.on)
        if desired is not self._output.desired or fx is not self._output.fx:
            self._output = ShowOutput(desired, fx)
        return self._output

    def _desired(self, params: dict[str, ParamValue]) -> DesiredState:
        old, quantizer, paused = self._output.desired, self._quantizer, self._desk.paused.on
        plan, shots, dues = quantizer.plan, quantizer.shots, quantizer.dues
        same = plan is old.prompts and shots is old.one_shots and paused is old.paused and dues == old.dues
        if same and params == old.params and old.revision:
            return old
        held = old.params if params == old.params else MappingProxyType(params)
        return DesiredState(old.revision + 1, plan, held, shots, paused, self._arrived, dues)

    @property
    def theme(self) -> str:
        """The theme that plays, by slug."""
        return self._theme.id

    @property
    def guide(self) -> GuideWish:
        """The theme's guide and the words that colour it; may be asked from any thread."""
        plan = self._output.desired.prompts
        words = plan.prompts[0].text if plan is not None and plan.prompts else self._theme.prompt.base
        return GuideWish(self._theme.video.guide, words)

    @property
    def values(self) -> Mapping[str, float | None]:
        """What every target rests on now, 0..1, for pickup; None where it has no such value."""
        key = (
            tuple(self._themes),
            self._theme.id,
            self._desk.controls.version,
            self._mixer.fitted,
            self._mixer.seed,
            tuple(self._desk.macros.values()),
        )
        if self._values[0] != key:
            order = tuple(self._themes)
            place = (order.index(self._theme.id) + 0.5) / len(order)
            self._values = (key, MappingProxyType({**self._mixer.values(), "theme": place}))
        return self._values[1]

    def report(self, world: World) -> ShowReport:
        """What the show does now, in words and numbers, for status."""
        self._fit(world)
        return report_of(
            theme=self._theme,
            themes=tuple(self._themes),
            desk=self._desk,
            mixer=self._mixer,
            director=self._director,
            bands=self._bands.bands,
            beat_action=self._beats.action(self._theme),
            cuts=self._settings.cuts == "allowed",
            ambient=self._ambient.active,
            transition=self._director.busy(world.facts.chunk, self._ticked or 0.0),
            sent=self._output.desired.params,
            quantizer=self._quantizer,
            now=self._ticked or 0.0,
        )


def _change_s(theme: Theme, grid: BeatGrid) -> float:
    """Length of the change into a theme: in beats where a tempo is trusted, otherwise in seconds."""
    grid = _trusted(grid)
    if theme.change.length is not None:
        return min(theme.change.length.seconds(grid), _MAX_CHANGE_S)
    beats, beat_s = theme.change.beats, grid.period
    if not beats or beat_s is None:
        return theme.change.seconds
    return min(beats * beat_s, _MAX_CHANGE_S)


def _trusted(grid: BeatGrid) -> BeatGrid:
    """The grid, or none where its tempo is missing, nonsense or a guess."""
    bpm = number_of(grid.bpm)
    return NO_GRID if bpm is None or bpm < 1.0 or not grid.confidence > TEMPO_CONFIDENCE else grid


def _ordered(themes: Mapping[str, Theme], order: tuple[str, ...]) -> dict[str, Theme]:
    named = [slug for slug in order if slug in themes]
    rest = [slug for slug in themes if slug not in named]
    return {slug: themes[slug] for slug in (*named, *rest)} or {MINIMAL.id: MINIMAL}
