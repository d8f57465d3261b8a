"""The flash guard, held against a count of flashes that knows nothing of how the guard works."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.desired import FxState
from bridge.model.facts import ScopeFacts
from bridge.program import Composer, ProgramSettings
from bridge.program.flashguard import FlashGuard, FlashLimiter
from tests.program.pictures import flat, split

WIDTH, HEIGHT, TICK = 192, 96, 1 / 30


def luminance(luma: np.ndarray) -> np.ndarray:
    """Relative luminance of video-range luma, as WCAG has it up to the display curve."""
    return np.clip((luma.astype(float) - 16) / 219, 0, 1) ** 2.4


def flashes(values: list[float]) -> int:
    """Pairs of opposing changes of at least a tenth with the darker under 0.8, counted as generously as can be."""
    swings, direction, high, low = 0, 0, values[0], values[0]
    for value in values:
        high, low = max(high, value), min(low, value)
        if direction != 1 and value - low >= 0.1 and low < 0.8:
            swings, direction, high, low = swings + 1, 1, value, value
        elif direction != -1 and high - value >= 0.1 and value < 0.8:
            swings, direction, high, low = swings + 1, -1, value, value
    return swings // 2


def worst_second(times: list[float], values: list[float]) -> int:
    return max(flashes([v for u, v in zip(times, values, strict=True) if t <= u <= t + 1.0]) for t in times)


def zone_means(data: np.ndarray) -> list[float]:
    y = luminance(split(data)[0])
    return [float(part.mean()) for row in np.array_split(y, 6) for part in np.array_split(row, 6, axis=1)]


@settings(max_examples=150, deadline=None)
@given(levels=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=90), tick=st.sampled_from([0.02, TICK, 0.1]))
def test_the_limiter_never_agrees_to_a_fourth_flash(levels: list[float], tick: float) -> None:
    limiter = FlashLimiter(1)
    times, shown = [], []
    for n, level in enumerate(levels):
        value = np.array([level])
        if n and not limiter.allows(value, n * tick):
            value = np.array([shown[-1]])
            assert limiter.allows(value, n * tick), "what is shown may always stay"
        limiter.show(value, n * tick)
        times.append(n * tick)
        shown.append(float(value[0]))
    assert worst_second(times, shown) <= 3


@settings(max_examples=25, deadline=None)
@given(lumas=st.lists(st.tuples(st.integers(16, 235), st.integers(16, 235)), min_size=10, max_size=60))
def test_no_zone_of_guarded_pictures_flashes_more_than_three_times(lumas: list[tuple[int, int]]) -> None:
    guard = FlashGuard(WIDTH, HEIGHT)
    times, zones = [], []
    for n, (left, right) in enumerate(lumas):
        picture = flat((left, 128, 128), WIDTH, HEIGHT).data
        split(picture)[0][:, WIDTH // 2 :] = right
        zones.append(zone_means(guard(picture, n * TICK)))
        times.append(n * TICK)
    for zone in zip(*zones, strict=True):
        assert worst_second(times, list(zone)) <= 3


PULSES = st.lists(
    st.tuples(st.floats(0.0, 0.5), st.sampled_from(["pulse", "pulse", "zoom"]), st.floats(0.0, 1.0)), max_size=24
)


@settings(max_examples=25, deadline=None)
@given(gaps=PULSES, grey=st.integers(30, 200), level=st.floats(0.0, 1.0))
def test_no_sequence_of_pulses_makes_more_than_three_flashes_a_second(gaps: list, grey: int, level: float) -> None:
    composer = Composer(ProgramSettings(width=WIDTH, height=HEIGHT, pulse_amount=1.0, pulse_s=0.05))
    pulses, when = [], 1.0
    for gap, effect, strength in gaps:
        when += gap
        pulses.append((when, effect, strength))
    frame = flat((grey, 128, 128), WIDTH, HEIGHT)
    times, values = [], []
    for n in range(int((when + 0.5) / TICK)):
        now = n * TICK
        recent = tuple(p for p in pulses if p[0] <= now)[-16:]
        fx = FxState(pulses=recent, levels={"pulse": level * (n % 2)}, paused=True)
        shown = composer.compose(frame, fx, ScopeFacts(), now)
        times.append(now)
        values.append(float(luminance(split(shown.data)[0]).mean()))
    assert worst_second(times, values) <= 3


def test_a_strobe_is_held_back_and_a_slow_one_is_not() -> None:
    def play(period: int) -> tuple[FlashGuard, int]:
        guard = FlashGuard(WIDTH, HEIGHT)
        values = []
        for n in range(60):
            luma = 235 if n // period % 2 else 16
            values.append(
                float(luminance(split(guard(flat((luma, 128, 128), WIDTH, HEIGHT).data, n * TICK))[0]).mean())
            )
        return guard, flashes(values)

    strobe, seen = play(2)
    assert strobe.limited > 10
    assert seen <= 7
    slow, seen = play(6)
    assert slow.limited == 0, "two and a half flashes a second pass untouched"
    assert seen >= 4


def test_an_ordinary_moving_picture_is_never_touched() -> None:
    guard = FlashGuard(WIDTH, HEIGHT)
    x = np.arange(WIDTH)[None, :]
    for n in range(90):
        picture = flat((100, 128, 128), WIDTH, HEIGHT).data
        split(picture)[0][...] = 110 + 60 * np.sin(x / 8 + n / 3)
        assert guard(picture, n * TICK) is picture


def test_the_guard_can_be_switched_off() -> None:
    composer = Composer(ProgramSettings(width=WIDTH, height=HEIGHT, flash_guard=False, fade_s=0.0))
    values = []
    for n in range(30):
        frame = flat((235 if n % 2 else 16, 128, 128), WIDTH, HEIGHT, n * TICK)
        values.append(int(composer.compose(frame, FxState(), ScopeFacts(), n * TICK).data[50, 50]))
    assert set(values) == {16, 235}
    assert composer.limited == 0
