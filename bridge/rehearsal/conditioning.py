"""What the prompt blocks of Scope make of prompts and transitions, chunk by chunk (scope-protocol section 6.5).

Real conditioning is an embedding; here it is a :data:`Mixture` of prompt texts, in which every linear blend of
embeddings is exact. What this reproduces is *when* it moves, and the cases in which it is stuck for ever.
"""

from __future__ import annotations

__all__ = ["Conditioning", "Mixture", "PromptError", "blend", "interpolate"]

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

Mixture: TypeAlias = tuple[tuple[str, float], ...]
"""Prompt texts with their shares, sorted by text; the shares are above 0 and sum to 1 (empty: no prompt)."""

_MAX_STEPS: Final = 10_000
_HUGE: Final = 10**15


class PromptError(ValueError):
    """Raised when prompts or a transition do not have the shape the blocks expect."""


class Conditioning:
    """The conditioning of one pipeline instance, shared by every session on it."""

    def __init__(self) -> None:
        self.value: Mixture = ()
        self._settled: Mixture = ()
        self._incoming: tuple[Any, ...] | None = None
        self._target: Mixture | None = None
        self._steps: list[Mixture] = []

    @property
    def transition_active(self) -> bool:
        """True while steps of a transition are still to come."""
        return bool(self._steps)

    def step(self, params: Mapping[str, Any], *, init_cache: bool) -> bool:
        """Advance by one pipeline call.

        Args:
            params: the merged parameters; ``prompts``, ``prompt_interpolation_method`` and ``transition`` count.
            init_cache: True on a reset; ends a transition at its target.

        Returns:
            True when the prompt changed without a transition (in video mode that also cuts).

        Raises:
            PromptError: prompts or transition are not what the blocks expect; nothing has changed then.
        """
        prompts = blend(params.get("prompts"), params.get("prompt_interpolation_method"))
        incoming = (prompts, params.get("prompt_interpolation_method"))
        target, steps, method = _transition(params.get("transition"), params.get("prompt_interpolation_method"))
        changed = self._incoming is not None and incoming != self._incoming

        if init_cache:
            running = self._steps or (target is not None and target != self._settled)
            goal = (target if target is not None else self._target) if running else prompts
            self._settle(goal if goal is not None else prompts)
            changed = False
        elif target is not None:
            self._follow(target, steps, method)
            changed = False
        elif self._incoming is None or incoming != self._incoming:
            self._settle(prompts)
        elif self._steps:
            # The transition was taken away in mid-flight: the blocks go back to the prompt they last settled on.
            self._settle(self._settled)
        self._incoming = incoming
        return changed

    def _follow(self, target: Mixture, steps: int, method: str) -> None:
        if not (self._steps and target == self._target):
            if target == self._settled and not self._steps:
                return
            if steps == 0:
                self._settle(target)
                return
            start = self.value
            self._target = target
            self._steps = [interpolate(start, target, share, method) for share in _linspace(steps)]
        self.value = self._steps.pop(0)
        if not self._steps:
            self._settle(self.value)

    def _settle(self, value: Mixture) -> None:
        self.value = self._settled = value
        self._steps = []
        self._target = None


def blend(prompts: Any, method: Any = None) -> Mixture:
    """Prompts as a mixture with normalised weights; ``slerp`` counts for exactly two prompts.

    Raises:
        PromptError: not a list of ``{"text": str, "weight": number >= 0}`` with at least one weight above 0.
    """
    if prompts is None:
        return ()
    if isinstance(prompts, str) or not isinstance(prompts, Sequence):
        raise PromptError(f"prompts is a {type(prompts).__name__}, not a list of {{text, weight}}")
    shares: dict[str, float] = {}
    for prompt in prompts:
        text, weight = _prompt(prompt)
        shares[text] = shares.get(text, 0.0) + weight
    total = sum(shares.values())
    if shares and total <= 0:
        raise PromptError("all prompt weights are 0")
    if method == "slerp" and len(shares) == 2:
        (first, _), (second, weight) = shares.items()
        return interpolate(((first, 1.0),), ((second, 1.0),), weight / total, "slerp")
    return _mixture({text: weight / total for text, weight in shares.items()})


def interpolate(start: Mixture, end: Mixture, share: float, method: str = "linear") -> Mixture:
    """Between two mixtures, ``share`` 0..1 of the way.

    ``slerp`` follows the arc between two unrelated embeddings (at right angles, as a stand-in), scaled to sum 1.
    """
    if method == "slerp":
        quarter = math.pi / 2
        near, far = math.sin((1 - share) * quarter), math.sin(share * quarter)
        share = far / (near + far)
    mixed = {text: weight * (1 - share) for text, weight in start}
    for text, weight in end:
        mixed[text] = mixed.get(text, 0.0) + weight * share
    return _mixture(mixed)


def _prompt(prompt: Any) -> tuple[str, float]:
    if not isinstance(prompt, Mapping) or not isinstance(prompt.get("text"), str):
        raise PromptError(f"prompt {prompt!r} has no text")
    weight = prompt.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < _HUGE:
        raise PromptError(f"prompt weight is {str(weight)[:80]!r}, not a number of at least 0")
    return prompt["text"], float(weight)


def _transition(transition: Any, spatial: Any) -> tuple[Mixture | None, int, str]:
    if transition is None:
        return None, 0, "linear"
    if not isinstance(transition, Mapping):
        raise PromptError(f"transition is a {type(transition).__name__}, not an object")
    steps = transition.get("num_steps", 4)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 0 <= steps <= _MAX_STEPS:
        raise PromptError(f"num_steps is {steps!r}, not a whole number of at least 0")
    target = blend(transition.get("target_prompts"), spatial)
    if not target:
        return None, 0, "linear"
    return target, steps, str(transition.get("temporal_interpolation_method", "linear"))


def _linspace(steps: int) -> list[float]:
    # One step is [0]: it never leaves the source, as on the real server.
    return [index / (steps - 1) for index in range(steps)] if steps > 1 else [0.0]


def _mixture(shares: Mapping[str, float]) -> Mixture:
    return tuple((text, weight) for text, weight in sorted(shares.items()) if weight > 0)
