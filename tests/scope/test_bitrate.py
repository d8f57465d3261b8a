"""What a sender is told of the line."""

from __future__ import annotations

import pytest

from bridge.scope.bitrate import SteadyEstimator

M = 1_000_000


class Estimates:
    """Gives the estimates it was made with, one after the other."""

    def __init__(self, *rates: float | None) -> None:
        self._rates = list(rates)

    def add(self, **packet: int) -> tuple[int, list[int]] | None:
        rate = self._rates.pop(0)
        return None if rate is None else (int(rate * M), [7])


def told(*rates: float | None) -> list[float | None]:
    steady = SteadyEstimator(Estimates(*rates))
    answers = [steady.add(abs_send_time=0, arrival_time_ms=0, payload_size=1200, ssrc=7) for _ in rates]
    assert all(answer is None or answer[1] == [7] for answer in answers)
    return [answer and answer[0] / M for answer in answers]


@pytest.mark.parametrize(
    ("estimates", "expected"),
    [
        ((None, 7, 7.5, 8.1, 8.8, 9.5, 10.2), [None] * 7),
        ((7, 6.5, 7), [None] * 3),
        ((7, 6, 6.4, 7, 7.6), [None, 6, 6, 7, 7]),
        ((10, 4, 4.3, 5, 5.7, 6.2, 9, 10.5), [None, 4, 4, 4, 5.7, 5.7, 9, 10]),
        ((10, 8, 5, 4.6, 4.4), [None, 8, 5, 5, 4.4]),
    ],
    ids=["silent while it climbs", "small dips", "back to the old level", "rises in few steps", "every fall at once"],
)
def test_the_line(estimates: tuple[float | None, ...], expected: list[float | None]) -> None:
    assert told(*estimates) == expected
