"""Which boundary a discrete change is meant for, and when that is (issue 3 part 1)."""

from __future__ import annotations

__all__ = ["Quantizer", "Waiting"]

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from bridge.model.beatgrid import BeatGrid
from bridge.model.desired import OneShot, ParamValue, PromptPlan
from bridge.model.facts import ScopeFacts
from bridge.model.quantize import Due, Quantize, boundary_beats

PRIOR_CHUNKS: Final = 1.5
CUTS: Final = frozenset({"denoising_step_list", "base_seed"})
"""Parameters whose change is a cut; all others are continuous and never wait."""

_STEADY_S: Final = 0.002
_NONE: Final[Mapping[str, Due]] = MappingProxyType({})
_UNSET: Final = object()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that waits: ``in_s`` seconds until it shall be seen."""

    what: str
    in_s: float


@dataclass(frozen=True, slots=True)
class _Aim:
    """The beat a change is meant for, with the boundary it was taken from."""

    beat: int
    mode: Quantize
    due: Due
    sooner: float


class Quantizer:
    """Stamps discrete changes with their boundary, and follows the tempo while they wait.

    Pure: give it the newest plan, one-shots and parameters with every :meth:`follow`; ask ``plan``, ``shots`` and
    ``dues`` after. A boundary nearer than the latency is passed over for the next. Without a trusted tempo, or with
    the mode ``none``, nothing waits, and what waited goes at once.
    """

    def __init__(self, mode: Quantize, lookahead_s: float) -> None:
        self.mode: Quantize = mode
        self.lookahead_s = lookahead_s
        self.plan: PromptPlan | None = None
        self.shots: tuple[OneShot, ...] = ()
        self.dues: Mapping[str, Due] = _NONE
        self._aims: dict[str, _Aim] = {}
        self._asked: PromptPlan | None = None
        self._recent: tuple[OneShot, ...] = ()
        self._values: dict[str, ParamValue] = {}
        self._highest = 0
        self._lead = 0.0
        self.measured = False

    @property
    def lead_s(self) -> float:
        """Seconds from message to pixel, lookahead included: measured, else one and a half chunks."""
        return self._lead

    def follow(
        self,
        plan: PromptPlan | None,
        shots: tuple[OneShot, ...],
        params: Mapping[str, ParamValue],
        *,
        mode: Quantize | None,
        at_once: bool,
        grid: BeatGrid,
        facts: ScopeFacts,
        now: float,
    ) -> None:
        """Take the newest in. ``mode`` is the plan's own, None for the usual; ``at_once``: the plan does not wait."""
        self.measured = facts.latency_s is not None
        latency = PRIOR_CHUNKS * facts.chunk.period_s if facts.latency_s is None else facts.latency_s
        self._lead = latency + self.lookahead_s
        for key, aim in list(self._aims.items()):
            if now >= aim.due.leave:
                del self._aims[key]
            else:
                self._renew(key, aim, grid, now)
        self._follow_plan(plan, self.mode if mode is None else mode, at_once, grid, facts.chunk.period_s, now)
        self._follow_shots(shots, grid, now)
        self._follow_params(params, grid, now)

    def leave(self, now: float) -> float:
        """When the plan leaves; ``now`` where it does not wait."""
        due = None if self.plan is None else self.plan.due
        return now if due is None else max(now, due.leave)

    def waiting(self, now: float) -> tuple[Waiting, ...]:
        """What waits, the first to come first."""
        found = [Waiting(key.partition("#")[0], aim.due.at - now) for key, aim in self._aims.items()]
        return tuple(sorted((w for w in found if w.in_s > 0.0), key=lambda waiting: waiting.in_s))

    def _follow_plan(
        self, plan: PromptPlan | None, mode: Quantize, at_once: bool, grid: BeatGrid, chunk_s: float, now: float
    ) -> None:
        if plan is None or self._asked is None or plan.id != self._asked.id:
            self._aims.pop("prompts", None)
            if plan is not None and plan.id > 1:
                # The first chunk of a transition is still the old picture, so it leaves one chunk sooner.
                self._aim("prompts", mode, grid, now, sooner=chunk_s if plan.seconds > 0.0 else 0.0)
        if at_once:
            self._aims.pop("prompts", None)
        due = self._due("prompts")
        if plan is not self._asked or (self.plan is not None and due is not None and due is not self.plan.due):
            self.plan = plan if plan is None or due is None else replace(plan, due=due)
        elif self.plan is not None and self.plan.due is not None and due is None and now < self.plan.due.leave:
            self.plan = plan
        self._asked = plan

    def _follow_shots(self, shots: tuple[OneShot, ...], grid: BeatGrid, now: float) -> None:
        for shot in shots:
            if shot.id > self._highest:
                self._highest = shot.id
                for key in [key for key in self._aims if key.startswith(f"{shot.name}#")]:
                    del self._aims[key]
                self._aim(f"{shot.name}#{shot.id}", self.mode, grid, now)
        stamped = tuple(self._stamped(shot, now) for shot in shots)
        if shots is not self._recent or stamped != self.shots:
            self._recent, self.shots = shots, stamped

    def _stamped(self, shot: OneShot, now: float) -> OneShot:
        due = self._due(f"{shot.name}#{shot.id}")
        before = next((old.due for old in self.shots if old.id == shot.id), None)
        if due is None and before is not None and now >= before.leave:
            due = before  # it left, or is about to: its boundary stays what it was
        return shot if due is None else replace(shot, due=due)

    def _follow_params(self, params: Mapping[str, ParamValue], grid: BeatGrid, now: float) -> None:
        dues = dict(self.dues)
        for name in CUTS:
            value = params.get(name, _UNSET)
            if name in self._values and value != self._values[name] and value is not _UNSET:
                self._aims.pop(name, None)
                dues.pop(name, None)
                self._aim(name, self.mode, grid, now)
            if value is not _UNSET:
                self._values[name] = value
        for name in CUTS:
            due = self._due(name)
            if due is not None:
                dues[name] = due
            elif name in dues and now < dues[name].leave:
                del dues[name]
        if dues != self.dues:
            self.dues = MappingProxyType(dues)

    def _due(self, key: str) -> Due | None:
        aim = self._aims.get(key)
        return None if aim is None else aim.due

    def _aim(self, key: str, mode: Quantize, grid: BeatGrid, now: float, *, sooner: float = 0.0) -> None:
        step = boundary_beats(mode, grid.beats_per_bar)
        lead = self._lead + sooner
        period = grid.period
        if not step or period is None:
            return
        position = grid.position_at(now + lead) - grid.downbeat
        beat = grid.downbeat + math.ceil(position / step - 1e-6) * step
        at = grid.time_of(beat)
        if at is not None:
            self._aims[key] = _Aim(beat, mode, Due(at, lead, period, grid.uncertainty.sd_at(at)), sooner)

    def _renew(self, key: str, aim: _Aim, grid: BeatGrid, now: float) -> None:
        """Follow tempo and latency; a clock that jumped gives the next boundary, a clock that went sends at once."""
        step, at, period = boundary_beats(aim.mode, grid.beats_per_bar), grid.time_of(aim.beat), grid.period
        if at is None or period is None or not step:
            del self._aims[key]
            return
        lead = self._lead + aim.sooner
        aligned = (aim.beat - grid.downbeat) % step == 0
        if not aligned or at - now > lead + step * period + _STEADY_S or now > at:
            del self._aims[key]
            self._aim(key, aim.mode, grid, now, sooner=aim.sooner)
        elif max(abs(at - aim.due.at), abs(lead - aim.due.lead)) > _STEADY_S:
            self._aims[key] = replace(aim, due=Due(at, lead, period, grid.uncertainty.sd_at(at)))
