"""What a guide's frame costs at 512x512, each guide against copying the frame that it makes.

python -m benchmarks.guide
"""

from __future__ import annotations

import statistics
import time

# First: it keeps numpy to one thread, as in the daemon, and can only do so before numpy is imported.
import bridge  # noqa: F401

# isort: split
import numpy as np

from bridge.model.guide import GUIDES
from bridge.render.guides import Cue, GuidePainter

SIZE = (512, 512)
FRAMES = 120


def main() -> int:
    """Measure and print."""
    painter = GuidePainter(*SIZE)
    for guide in GUIDES:
        paint, copy = [], []
        for number in range(FRAMES):
            cue = Cue(guide, "magenta neon", number / 30, number / 15, 0.7, 0.8, 0.5, 0.4, 0.5)
            began = time.perf_counter()
            picture = painter.paint(cue)
            paint.append(time.perf_counter() - began)
            began = time.perf_counter()
            np.copy(picture)
            copy.append(time.perf_counter() - began)
        cost, floor = (1000 * statistics.median(times) for times in (paint, copy))
        print(f"{guide:10} {cost:5.2f} ms a frame, {cost * 3:4.1f} % of a core at 30 fps (copying it: {floor:.2f} ms)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
