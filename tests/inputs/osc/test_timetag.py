from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.osc import IMMEDIATELY
from bridge.inputs.osc.timetag import TimedQueue, seconds_ahead, timetag_of


def test_ntp_counts_from_1900_in_fractions_of_a_second() -> None:
    assert timetag_of(0.5) == 0x83AA7E80_80000000


def test_immediately_is_never_ahead() -> None:
    assert seconds_ahead(IMMEDIATELY, 1_800_000_000.0) == 0.0


@given(st.floats(0, 4e9), st.floats(-1e6, 1e6))
def test_the_difference_survives_the_end_of_the_ntp_era(wall: float, ahead: float) -> None:
    assert seconds_ahead(timetag_of(wall + ahead), wall) == pytest.approx(ahead, abs=1e-5)


@given(st.lists(st.integers(0, 5), max_size=40))
def test_things_leave_at_their_time_and_equal_times_keep_their_order(dues: list[int]) -> None:
    queue: TimedQueue[tuple[int, int]] = TimedQueue(100)
    for number, due in enumerate(dues):
        assert queue.push(due, (due, number))
    left = []
    for now in range(6):
        while (item := queue.pop_due(now)) is not None:
            assert item[0] == now
            left.append(item)
    assert left == sorted((due, number) for number, due in enumerate(dues))
    assert queue.next_due is None


def test_a_full_queue_refuses() -> None:
    queue: TimedQueue[str] = TimedQueue(1)
    assert queue.push(1.0, "kept")
    assert not queue.push(0.5, "refused")
    assert len(queue) == 1
    assert queue.next_due == 1.0
    queue.clear()
    assert queue.pop_due(9.0) is None
