"""An hour without a sound, as fast as it goes: nothing is heard, nothing grows, and then there is music again."""

from __future__ import annotations

import sys

import numpy as np

from tests.test_bad_sound import Way

HOUR_CALLS = 36_000


def test_an_hour_of_silence() -> None:
    way = Way()
    quiet = np.zeros((4800, 2), np.float32)
    objects: list[int] = []
    for number in range(HOUR_CALLS):
        assert not any(one.beats for one in way.play(quiet))
        if number in (HOUR_CALLS // 10, HOUR_CALLS - 1):
            objects.append(sys.getallocatedblocks())
    assert objects[1] - objects[0] < 2000
    assert way.rig.codes == []
    assert sum(len(one.beats) for one in way.music(14)) > 8
