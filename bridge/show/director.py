"""The prompt director: which words Scope should be on now, and how it gets there."""

from __future__ import annotations

__all__ = ["Director"]

from dataclasses import replace
from typing import Final, get_args

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.desired import Prompt, PromptPlan
from bridge.model.facts import ChunkFacts
from bridge.model.features import Section
from bridge.model.length import Length
from bridge.model.quantize import Quantize
from bridge.show.bands import Bands
from bridge.show.prompts import Scene, prompts_of
from bridge.show.theme import PartName, Theme, Trigger
from bridge.show.transitions import Running

PARTS: Final[frozenset[str]] = frozenset(get_args(PartName))
WEIGHT_STEP: Final = 0.05
"""Weights move in steps of 5 %: each change costs the server a pass of its text encoder."""
WEIGHT_SLEW: Final = 0.2
"""The most that music moves a weight in one chunk, so that the picture glides after a transition."""


class Director:
    """Holds the scene and turns its changes into prompt plans.

    What a person does (another theme, a text, the next variation) goes out at once, also in the middle of a
    transition. What music does waits for a running transition to end, and for the dwell.
    """

    def __init__(self, theme: Theme) -> None:
        self.scene = Scene(theme)
        self.plan = PromptPlan(0, ())
        self.running = Running()
        self.grid: BeatGrid = NO_GRID
        """The tempo that lengths in beats have when a change begins."""
        self.quantize: Quantize | None = None
        """The boundary of the newest change where it has one of its own."""
        self.at_once = False
        """Whether the newest change waits for no boundary: an answer to the music's own moment, or panic."""
        self.by_music = False
        """Whether the newest change is an answer to the music; a part of the track need not wait for its end."""
        self._changed = float("-inf")
        self._asked: float | None = 0.0
        self._weight = 0.5
        self._weighed = float("-inf")
        self._slerp = True
        self._return_s = 0.0
        self._turns: dict[str, int] = {}
        self._part = ""

    def busy(self, chunk: ChunkFacts, now: float) -> bool:
        """Whether a transition runs, or is decided and not yet in the plan."""
        return self._asked is not None or self.running.at(now, chunk)

    def wait_until(self, time: float) -> None:
        """The newest change leaves only then, so its transition begins then."""
        if time > self.running.since:
            self.running = replace(self.running, since=time)

    def change_theme(self, theme: Theme, seconds: float) -> None:
        """Go to another theme: variations, blends, accents and the performer's text are left behind."""
        self.scene = Scene(theme, self.scene.bands, self.scene.two_ends)
        self._turns.clear()
        self._part = ""
        self._ask(seconds, quantize=theme.change.quantize)

    def reload(self, theme: Theme, seconds: float) -> None:
        """The same theme with other words in it: everything else stays."""
        self.scene = replace(self.scene, theme=theme)
        self._ask(seconds)

    def back_to_base(self, seconds: float) -> None:
        """Drop variation, blend, accent and the performer's text."""
        self.change_theme(self.scene.theme, seconds)
        self._ask(seconds, at_once=True)

    def override(self, text: str, seconds: float) -> None:
        """The performer's own text; an empty one goes back to the theme."""
        self.scene = replace(self.scene, override=text, blended="")
        self._ask(seconds)

    def can_blend(self, trigger: Trigger) -> bool:
        """Whether the theme has prompts for this, and no text of the performer stands."""
        return not self.scene.override and bool(self.scene.theme.variations_for(trigger))

    def blend(self, trigger: Trigger, weight: float) -> bool:
        """Blend the trigger's next prompt in; it goes back by itself. False when the theme has none."""
        found = self._next(trigger)
        if found is None or self.scene.override:
            return False
        text, length = found
        self._return_s = length.seconds(self.grid)
        self.scene = replace(self.scene, blended=text, blend=weight)
        self._ask(self._return_s, at_once=trigger == "energy_spike", by_music=True)
        return True

    def enter(self, section: Section) -> None:
        """A part of the track begins: its prompts stand in for the base while it plays, or the accent changes."""
        if self.scene.override:
            return
        found = self._next("section", section)
        if found is not None:
            text, length = found
            self._part, self._return_s = text, length.seconds(self.grid)
            self.scene = replace(self.scene, variation=text, blended="")
            self._ask(self._return_s, by_music=True)
        elif self._part and self.scene.variation == self._part:
            self._part = ""
            self.scene = replace(self.scene, variation="")
            self._ask(self._return_s, by_music=True)
        elif section in PARTS and (found := self._next("section")) is not None:
            self.scene = replace(self.scene, accent=found[0])
            self._ask(found[1].seconds(self.grid), by_music=True)

    def cycle(self, seconds: float | None = None) -> bool:
        """The next of the theme's prompts: base, each variation, base again. False when there is only one."""
        theme = self.scene.theme
        row = theme.variations_for("beat") or tuple((p, v.blend_s) for v in theme.variations for p in v.prompts)
        if not row:
            return False
        turn = (self._turns.get("cycle", 0) + 1) % (len(row) + 1)
        self._turns["cycle"] = turn
        text, blend = row[turn - 1] if turn else ("", row[-1][1])
        self.scene = replace(self.scene, variation=text, blended="", override="")
        self._ask(blend.seconds(self.grid) if seconds is None else seconds)
        return True

    def _ask(
        self, seconds: float, *, quantize: Quantize | None = None, at_once: bool = False, by_music: bool = False
    ) -> None:
        self._asked, self.quantize, self.at_once, self.by_music = seconds, quantize, at_once, by_music

    def _next(self, trigger: Trigger, section: Section | None = None) -> tuple[str, Length] | None:
        row = self.scene.theme.variations_for(trigger, section)
        if not row and trigger == "beat":
            trigger, row = "energy_spike", self.scene.theme.variations_for("energy_spike")
        if not row:
            return None
        key = f"{trigger} {section or ''}"
        turn = self._turns.get(key, 0)
        self._turns[key] = turn + 1
        return row[turn % len(row)]

    def update(
        self,
        bands: Bands,
        weight: float,
        *,
        two_ends: bool,
        seconds: float,
        dwell_s: float,
        chunk: ChunkFacts,
        now: float,
        slerp: bool = True,
        by_hand: bool = False,
    ) -> PromptPlan:
        """The plan for now; the same object while nothing changes.

        Args:
            weight: share of the intense prompt, 0..1.
            two_ends: whether this mode moves prompt weights.
            seconds: length of a transition that a change of bands asks for.
            dwell_s: how long words stand before music may change them.
            slerp: whether two prompts are blended on the sphere; any other number of prompts is linear.
            by_hand: the weight is a control's, so it moves at once; the music's glides, a step per chunk.
        """
        self._slerp = slerp
        busy = self.running.at(now, chunk)
        two_ends = two_ends and bool(self.scene.theme.prompt.calm)
        if self._asked is None and self.scene.blended and not busy:
            self.scene = replace(self.scene, blended="")
            self._ask(self._return_s, by_music=True)
        if self._asked is not None:
            length, self._asked = self._asked, None
            return self._go(replace(self.scene, bands=bands, two_ends=two_ends), weight, length, now)
        moved = bands != self.scene.bands or two_ends != self.scene.two_ends
        if moved and not busy and now - self._changed >= dwell_s:
            scene = replace(self.scene, bands=bands, two_ends=two_ends)
            if bands.intensity != self.scene.bands.intensity and (found := self._next("section")):
                scene = replace(scene, accent=found[0])
            self.quantize, self.at_once, self.by_music = None, False, True
            return self._go(scene, weight, seconds, now)
        if not busy and two_ends and abs(weight - self._weight) >= WEIGHT_STEP - 1e-9:
            if by_hand:
                self._reweigh(weight, now)
            elif now - self._weighed >= chunk.period_s:
                self._reweigh(min(max(weight, self._weight - WEIGHT_SLEW), self._weight + WEIGHT_SLEW), now)
        return self.plan

    def _go(self, scene: Scene, weight: float, seconds: float, now: float) -> PromptPlan:
        self.scene = scene
        prompts = prompts_of(scene, _stepped(weight))
        if _texts(prompts) == _texts(self.plan.prompts):
            return self.plan
        self._weight = _stepped(weight)
        length = seconds if self.plan.id else 0.0
        method = "slerp" if len(prompts) == 2 and self._slerp else "linear"
        self.plan = PromptPlan(self.plan.id + 1, prompts, length, method)
        self.running = Running(now, length)
        self._changed = now
        return self.plan

    def _reweigh(self, weight: float, now: float) -> None:
        if self.scene.override or self.scene.blended or not self.scene.two_ends:
            return
        self._weight, self._weighed = _stepped(weight), now
        prompts = prompts_of(self.scene, self._weight)
        if prompts != self.plan.prompts:
            self.plan = replace(self.plan, prompts=prompts)


def _stepped(weight: float) -> float:
    return round(round(weight / WEIGHT_STEP) * WEIGHT_STEP, 2)


def _texts(prompts: tuple[Prompt, ...]) -> tuple[str, ...]:
    return tuple(prompt.text for prompt in prompts)
