"""The latency is known when cuts agree, unknown before, and not led astray by cuts nobody sent."""

import random
from typing import Any

import numpy as np
import pytest

from bridge.scope.cuts import CutDetector
from bridge.scope.latency import LatencyMeter, is_hard
from bridge.scope.phase import CallPhase

RESET: dict[str, Any] = {"reset_cache": True}
PROMPT: dict[str, Any] = {"prompts": [{"text": "fox", "weight": 1.0}]}


def perform(
    meter: LatencyMeter, *, way: float, period: float, cuts: int, seed: int = 1, strays: float = 0.0, began: float = 0.0
) -> float:
    """Send cuts at odd moments and let them be seen when a server shows them; returns the time after."""
    dice, now = random.Random(seed), began
    for _ in range(cuts):
        now += dice.uniform(4.0, 6.0) * period + 2 * way
        meter.sent(now, PROMPT)
        call = (now // period + 1) * period
        seen = call + period + way + dice.uniform(0.0, 0.01)
        if dice.random() < strays:
            meter.seen(now + dice.uniform(0.0, 3.0) * period, period)
        meter.seen(seen, period)
    return now


@pytest.mark.parametrize(
    ("period", "way"), [(0.16, 0.03), (0.16, 0.25), (0.27, 0.25), (0.8, 0.03), (0.8, 0.25), (0.8, 1.6), (1.5, 1.6)]
)
def test_the_way_is_found_from_cuts_alone(period: float, way: float) -> None:
    errors = []
    for seed in range(5):
        meter = LatencyMeter()
        known = meter.estimate(perform(meter, way=way, period=period, cuts=16, seed=seed))
        if known is not None:
            errors.append(abs(known[0] - (way + 1.5 * period)) / period)
    assert len(errors) >= 3
    assert sorted(errors)[len(errors) // 2] <= 0.35


def test_cuts_that_nobody_sent_are_no_evidence() -> None:
    meter = LatencyMeter()
    for second in range(40):
        meter.seen(float(second), 0.8)
    assert meter.estimate(40.0) is None and meter.strays == 40


def test_strays_between_do_not_lead_astray() -> None:
    errors = []
    for seed in range(7):
        meter = LatencyMeter()
        known = meter.estimate(perform(meter, way=0.2, period=0.8, cuts=20, seed=seed, strays=0.3))
        if known is not None:
            errors.append(abs(known[0] - 1.4) / 0.8)
    assert len(errors) >= 4 and sorted(errors)[len(errors) // 2] <= 0.3


def test_nothing_is_said_before_cuts_agree() -> None:
    meter = LatencyMeter()
    assert meter.estimate(perform(meter, way=0.2, period=0.8, cuts=1)) is None


def test_the_deviation_holds_the_wait_and_grows_until_nothing_is_known() -> None:
    meter = LatencyMeter()
    now = perform(meter, way=0.05, period=0.8, cuts=20)
    known, later = meter.estimate(now), meter.estimate(now + 40)
    assert known is not None and later is not None
    assert 0.8 / 12**0.5 <= known[1] <= 0.5 and known[1] < later[1]
    assert known[0] == later[0] and meter.estimate(now + 600) is None


def test_a_growing_queue_is_followed_and_a_reset_empties_it() -> None:
    meter, phase, now, period = LatencyMeter(), _Told(), 0.0, 0.8
    for number in range(30):
        now += 4.3
        way = 0.1 + 0.025 * (number % 15) * 4.3  # as measured on Scope 0.2.4, whose track is slower than its pipeline
        meter.sent(now, RESET if number % 15 == 0 else PROMPT)
        phase.call = (now // period + 1) * period
        meter.settle(phase)
        known = meter.estimate(now)
        if number % 15 > 4:
            assert known is not None and abs(known[0] - (way + 1.5 * period)) < 0.4 * period
        meter.seen(phase.call + period + way, period)


class _Told(CallPhase):
    """Knows which call takes a message."""

    call = 0.0

    def taken(self, sent: float) -> float | None:
        return self.call if sent < self.call else None


@pytest.mark.parametrize(
    ("message", "hard"),
    [
        (RESET, True),
        (PROMPT, True),
        ({**PROMPT, "transition": {"num_steps": 4}}, False),
        ({"denoising_step_list": [1000, 750]}, True),
        ({"vace_context_scale": 0.4}, False),
    ],
)
def test_what_makes_a_cut(message: dict[str, Any], hard: bool) -> None:
    assert is_hard(message) is hard


def _moving(seconds: float, scene: int, dice: np.random.Generator) -> np.ndarray[Any, np.dtype[np.uint8]]:
    rows, columns = np.mgrid[0:216, 0:256]
    wave = np.sin(columns / (17 + 5 * scene) + 2 * seconds) + np.cos(rows / (23 - 4 * scene) - seconds + scene)
    noise = dice.normal(0.0, 2.0, wave.shape)
    return np.clip(118 + 45 * wave + noise, 16, 235).astype(np.uint8)


def test_a_cut_is_seen_once_and_motion_never() -> None:
    dice, detector = np.random.default_rng(1), CutDetector()
    cuts = [frame for frame in range(240) if detector.look(_moving(frame / 15, frame // 60, dice))]
    assert cuts == [60, 120, 180]


def test_skipped_frames_are_no_cut() -> None:
    dice, detector = np.random.default_rng(1), CutDetector()
    for frame in range(60):
        assert not detector.look(_moving(frame / 15, 0, dice))
    assert not detector.look(_moving(64 / 15, 0, dice), count=5)


def test_another_size_is_no_cut() -> None:
    detector = CutDetector()
    for _ in range(20):
        detector.look(np.zeros((216, 256), np.uint8))
    assert not detector.look(np.full((432, 512), 200, np.uint8))
