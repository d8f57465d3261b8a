"""Draws ``docs/pictures/guides.png``: each guide at four moments of a beat (``python docs/guides.py``)."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bridge.model.guide import GUIDES
from bridge.render.guides import Cue, GuidePainter
from bridge.render.png import png_bytes

SIZE = (256, 144)
WORDS = ("violet and cyan nebula", "magenta and amber neon", "pink and turquoise", "ice blue crystal", "emerald forest")
BEATS = (8.02, 8.3, 8.6, 9.05)


def main() -> None:
    """Write the picture."""
    painter = GuidePainter(*SIZE)
    rows = []
    for guide, words in zip(GUIDES, WORDS, strict=True):
        cues = (Cue(guide, words, 4 + beat / 2, beat, 0.7, 0.8, 0.5, 0.4, 0.5) for beat in BEATS)
        pictures = (av.VideoFrame.from_ndarray(painter.paint(cue), format="yuv420p") for cue in cues)
        rows.append(np.concatenate([picture.to_ndarray(format="rgb24") for picture in pictures], axis=1))
    (Path(__file__).parent / "pictures" / "guides.png").write_bytes(png_bytes(np.concatenate(rows)))


if __name__ == "__main__":
    main()
