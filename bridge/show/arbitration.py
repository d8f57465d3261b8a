"""Who decides a target's value, in one place and in this order.

1. the theme's base,
2. a control: the last touch wins and holds until the theme changes or it is released,
3. an audio or beat reaction around that, scaled by the reaction macro (0.5 is as the theme says),
4. repair and clamp to the pipeline's schema.
"""

from __future__ import annotations

__all__ = ["Controls", "Touch", "decide"]

from dataclasses import dataclass

from bridge.model.desired import ParamValue
from bridge.model.facts import ParamSpec
from bridge.show.repair import number_of, repair, spread


@dataclass(frozen=True, slots=True)
class Touch:
    """A control's value as it came; ``normalised`` ones are spread over the schema when they are used."""

    value: ParamValue
    normalised: bool = False

    def on(self, spec: ParamSpec) -> ParamValue | None:
        """The value in the parameter's own unit, mended; None where it does not fit."""
        if not self.normalised:
            return repair(spec, self.value)
        share = number_of(self.value)
        return None if share is None else spread(spec, share)


class Controls:
    """Values that people hold, by target name; ``version`` grows with every change."""

    def __init__(self) -> None:
        self._held: dict[str, Touch] = {}
        self.version = 0

    def touch(self, name: str, touch: Touch) -> None:
        """The last touch wins."""
        if self._held.get(name) != touch:
            self._held[name] = touch
            self.version += 1

    def release(self, name: str) -> None:
        """Let go: the value goes back to what stands below it."""
        if self._held.pop(name, None) is not None:
            self.version += 1

    def clear(self) -> None:
        """Let everything go."""
        if self._held:
            self._held.clear()
            self.version += 1

    def get(self, name: str) -> Touch | None:
        """What is held on ``name``."""
        return self._held.get(name)

    def names(self) -> tuple[str, ...]:
        """Everything held, oldest touch of each first."""
        return tuple(self._held)


def decide(
    spec: ParamSpec,
    base: float,
    touch: Touch | None = None,
    *,
    reaction: float = 0.0,
    macro: float = 0.5,
    theme_range: tuple[float, float] | None = None,
    boost: float = 0.0,
    ceiling: float | None = None,
) -> float:
    """The value of a number, in its own unit.

    Args:
        base: the theme's.
        touch: what a control holds; it replaces the base, and frees the reaction from the theme's range.
        reaction: how far the music moves it at ``macro`` 0.5, in its own unit.
        boost: a beat's or spike's, added on top of the theme's range.
        ceiling: what reaction and boost may not exceed; a control may.
    """
    held = touch.on(spec) if touch is not None else None
    anchor = base if held is None else float(held)
    value = anchor + reaction * 2.0 * macro
    if held is None and theme_range is not None:
        value = min(max(value, min(theme_range[0], anchor)), max(theme_range[1], anchor))
    value += boost
    if ceiling is not None:
        value = min(value, max(ceiling, anchor))
    mended = repair(spec, value)
    return anchor if mended is None else float(mended)
