"""Everything a picture depends on, as one frozen value."""

from __future__ import annotations

__all__ = ["Look"]

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Look:
    """What to draw.

    Attributes:
        mixture: prompt texts with their shares, which sum to 1; empty draws a quiet default.
        phase: the picture's own time in seconds; it moves as fast as this grows.
        composition: any whole number; another one is another arrangement of the same scene (a hard cut).
        turbulence: 0 smooth to 1 torn.
        grain: 0 clean to 1 rough.
        detail: 0 soft to 1 finely drawn.
        figure: names a reference; the same name is the same figure. Empty draws none.
        figure_strength: 0 hides the figure, 1 as it is, 2 glowing.
        energy: 0..1, how loud the music is; lifts the light.
        pulse: 0..1, 1 on the beat and decaying after it.
        guide: luma of an input picture, uint8 of any shape (height, width), or None.
        guide_share: 0 ignores the guide, 1 lets it shape the picture wholly.
        label: a few words for the corner; empty writes none.
    """

    mixture: tuple[tuple[str, float], ...] = ()
    phase: float = 0.0
    composition: int = 0
    turbulence: float = 0.5
    grain: float = 0.15
    detail: float = 0.7
    figure: str = ""
    figure_strength: float = 0.0
    energy: float = 0.0
    pulse: float = 0.0
    guide: npt.NDArray[np.uint8] | None = None
    guide_share: float = 0.0
    label: str = ""
