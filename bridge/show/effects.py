"""The local side of the show: pulses, held effects, blackout and freeze, as one frozen value."""

from __future__ import annotations

__all__ = ["EffectDeck", "Latch"]

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.model.desired import FxState

_KEEP: Final = 16
_KEEP_S: Final = 2.0
_TAP_S: Final = 0.4


class Latch:
    """An action that stays on until it is undone.

    A tap turns it over. A press held longer than 0.4 s ends with its release, so that a pad can hold a freeze
    and a toggle button's 0 turns it off.
    """

    def __init__(self, *, momentary: bool = True) -> None:
        self.on = False
        self._momentary = momentary
        self._since = float("-inf")

    def trigger(self, now: float) -> None:
        """Turn over."""
        self.on = not self.on
        self._since = now

    def set(self, on: bool, now: float) -> None:
        """Turn on or off."""
        if on != self.on:
            self.trigger(now)

    def release(self, now: float) -> None:
        """The button was let go."""
        if self._momentary and self.on and now - self._since > _TAP_S:
            self.on = False


class EffectDeck:
    """Collects what the program shall do to the returned frames."""

    def __init__(self) -> None:
        self.blackout = Latch()
        self.freeze = Latch()
        self._pulses: tuple[tuple[float, str, float], ...] = ()
        self._state = FxState()

    def pulse(self, t: float, effect: str, strength: float) -> None:
        """One trigger of a local effect at monotonic time ``t``, strength 0..1."""
        strength = round(min(strength, 1.0), 3)
        if strength > 0.0:
            self._pulses = tuple(sorted((*self._pulses, (t, effect, strength)))[-_KEEP:])

    def clear_pulses(self) -> None:
        """Forget every pulse."""
        self._pulses = ()

    def state(self, levels: Mapping[str, float], brightness: float, now: float, *, paused: bool = False) -> FxState:
        """The state for now; the same object while nothing changes. Old pulses are forgotten."""
        if self._pulses and self._pulses[0][0] < now - _KEEP_S:
            self._pulses = tuple(pulse for pulse in self._pulses if pulse[0] >= now - _KEEP_S)
        old = self._state
        if (
            old.pulses != self._pulses
            or old.levels != levels
            or old.brightness != brightness
            or old.blackout is not self.blackout.on
            or old.freeze is not self.freeze.on
            or old.paused is not paused
        ):
            held = MappingProxyType(dict(levels))
            self._state = FxState(held, self._pulses, brightness, self.blackout.on, self.freeze.on, paused)
        return self._state
