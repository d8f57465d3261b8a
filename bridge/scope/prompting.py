"""Prompts on their way to the server: the pair, the cut, the weights (scope-protocol section 6.5).

A ``prompts`` without its ``transition`` kills a running transition and leaves the picture on the old prompt for ever.
So a change of text leaves as the pair of both, repeats repeat the pair, and weights alone wait until no transition
can be running. A hard cut is ``prompts`` alone, or the pair with 0 steps while a transition may be running.
"""

from __future__ import annotations

__all__ = ["PromptLine"]

import math
from typing import Any, Final

from bridge.model.desired import Prompt, PromptPlan
from bridge.model.quantize import Due
from bridge.scope.admit import clean
from bridge.scope.quantize import is_held

_MARGIN_CHUNKS: Final = 4  # until the last repeat of the pair is taken, should all before it have been lost
_MOST_STEPS: Final = 1000
_METHODS: Final = frozenset({"linear", "slerp"})


class PromptLine:
    """Decides which prompt keys the next message carries. Time is counted in chunks, by ``advance``."""

    def __init__(self) -> None:
        self._wanted: PromptPlan | None = None
        self._sent: PromptPlan | None = None
        self._last: dict[str, Any] | None = None
        self._running = 0.0

    def want(self, plan: PromptPlan | None) -> bool:
        """Aim at ``plan``; True when that replaces a change which had not been sent yet."""
        if plan is not None and not plan.prompts:
            plan = None
        replaced = self.pending and not _same(plan, self._wanted)
        self._wanted = plan
        return replaced

    def advance(self, chunks: float) -> None:
        """So many pipeline calls went by."""
        self._running = max(0.0, self._running - chunks)

    def forget(self) -> None:
        """A new session: the server knows nothing of what was sent."""
        self._sent = self._last = None
        self._running = 0.0

    @property
    def pending(self) -> bool:
        """Whether the server has yet to be told something, now or later."""
        wanted, sent = self._wanted, self._sent
        return wanted is not None and (sent is None or wanted.id != sent.id or wanted.prompts != sent.prompts)

    @property
    def due(self) -> Due | None:
        """The boundary that what is pending is meant for."""
        return self._wanted.due if self._wanted is not None and self.pending else None

    def ready(self, now: float) -> bool:
        """Whether what is pending may leave now."""
        return self.pending and not is_held(self.due, now) and (self._is_new_text() or self._running <= 0.0)

    def take(self, period: float, now: float) -> dict[str, Any]:
        """The keys to send now, taken as sent; ``period`` is the chunk period in seconds. Empty when not ready."""
        plan = self._wanted
        if plan is None or not self.ready(now):
            return {}
        new_text, first = self._is_new_text(), self._sent is None
        self._sent = plan
        prompts = _as_json(plan.prompts)
        steps = _steps(plan.seconds, period) if new_text and not first else 0
        if steps or (new_text and self._running > 0.0):
            method = plan.method if plan.method in _METHODS else "linear"
            target = {"target_prompts": prompts, "num_steps": steps, "temporal_interpolation_method": method}
            self._last = {"prompts": prompts, "transition": target}
            self._running = steps + _MARGIN_CHUNKS
        else:
            self._last = {"prompts": prompts}
        return self._last

    def repeat(self) -> dict[str, Any]:
        """The keys that assert again what was sent last; empty where that could kill a transition."""
        if self._last is None:
            return {}
        is_safe = "transition" in self._last or self._running <= 0.0
        return self._last if is_safe else {}

    def _is_new_text(self) -> bool:
        wanted, sent = self._wanted, self._sent
        if wanted is None or sent is None:
            return wanted is not None
        return wanted.id != sent.id or _texts(wanted) != _texts(sent)


def _same(plan: PromptPlan | None, other: PromptPlan | None) -> bool:
    """Whether two plans ask for the same; another boundary is no other change."""
    if plan is None or other is None:
        return plan is other
    return plan.id == other.id and plan.prompts == other.prompts


def _texts(plan: PromptPlan) -> tuple[str, ...]:
    return tuple(prompt.text for prompt in plan.prompts)


def _steps(seconds: float, period: float) -> int:
    """Chunks of a transition: 0 or at least 2, because Scope never leaves the old prompt with 1."""
    if not math.isfinite(seconds) or seconds <= 0:
        return 0
    return max(2, min(_MOST_STEPS, round(seconds / period)))


def _as_json(prompts: tuple[Prompt, ...]) -> list[dict[str, Any]]:
    weights = [prompt.weight if math.isfinite(prompt.weight) else 0.0 for prompt in prompts]
    weights = [max(0.0, weight) for weight in weights]
    if sum(weights) <= 0.0:
        weights = [1.0] * len(weights)
    return [{"text": clean(prompt.text), "weight": weight} for prompt, weight in zip(prompts, weights, strict=True)]
