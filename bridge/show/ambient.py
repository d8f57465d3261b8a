"""Ambient mode: what the picture does while there is no sound (soundscape section 10)."""

from __future__ import annotations

__all__ = ["AFTER_S", "Ambient"]

from typing import Final

from bridge.model.features import Features

AFTER_S: Final = 2.0
_IN_S: Final = 4.0
_OUT_S: Final = 0.3


class Ambient:
    """Enters after two seconds of silence, leaves on the first sound.

    ``amount`` 0..1 fades the drift in slowly and out quickly, so that no lever jumps; ``seconds`` is the age of
    the drift.
    """

    def __init__(self) -> None:
        self.active = False
        self.amount = 0.0
        self.seconds = 0.0
        self._sound: float | None = None

    def follow(self, features: Features, now: float, dt: float, *, wanted: bool) -> bool:
        """Take the newest features; returns whether the input is silent now (gated, or no features for long)."""
        silent = features.gated or not now - features.t < AFTER_S
        if not silent or self._sound is None:
            self._sound = now
        self.active = wanted and silent and now - self._sound >= AFTER_S
        if self.active:
            self.amount = min(1.0, self.amount + dt / _IN_S)
            self.seconds += dt
        elif self.amount:
            self.amount = max(0.0, self.amount - dt / _OUT_S)
            self.seconds = self.seconds + dt if self.amount else 0.0
        return silent
