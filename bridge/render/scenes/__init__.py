"""The scenes, by the names that :mod:`bridge.render.words` finds in a prompt."""

from __future__ import annotations

__all__ = ["SCENES", "Brush", "Drawing"]

from collections.abc import Callable, Mapping
from typing import Final

from bridge.render.scenes.brush import Brush, Drawing
from bridge.render.scenes.places import forest, grid, ocean
from bridge.render.scenes.rooms import crystal, forge, tunnel
from bridge.render.scenes.skies import aurora, cosmos, silk

SCENES: Final[Mapping[str, Callable[[Brush], Drawing]]] = {
    "aurora": aurora,
    "cosmos": cosmos,
    "crystal": crystal,
    "forest": forest,
    "forge": forge,
    "grid": grid,
    "ocean": ocean,
    "silk": silk,
    "tunnel": tunnel,
}
