"""The chunk period from frames that arrive in bursts, singly or with gaps."""

import pytest

from bridge.scope.chunks import ChunkMeter


def play(meter: ChunkMeter, arrivals: list[float]) -> None:
    for t in arrivals:
        meter.add(1, t)


def test_before_two_chunks_there_is_only_a_prior() -> None:
    meter = ChunkMeter(12)
    play(meter, [i / 15 for i in range(24)])
    assert not meter.facts.measured
    assert meter.fps == 0.0


@pytest.mark.parametrize(("frames", "fps"), [(12, 15.0), (4, 24.0), (1, 58.0), (3, 8.0)])
def test_evenly_spread_frames_give_the_period(frames: int, fps: float) -> None:
    meter = ChunkMeter(frames)
    play(meter, [i / fps for i in range(200)])
    assert meter.facts.measured
    assert meter.facts.period_s == pytest.approx(frames / fps, rel=0.01)
    assert meter.fps == pytest.approx(fps, rel=0.01)


@pytest.mark.parametrize("bunch", [2, 4])
def test_single_frames_that_the_network_bunches_still_give_the_rate(bunch: int) -> None:
    # controller-viz of a real Scope: one frame a call, and several arrive together.
    meter = ChunkMeter(1)
    play(meter, [i // bunch * bunch / 58 + (i % bunch) * 0.0005 for i in range(400)])
    assert meter.fps == pytest.approx(58, rel=0.1)


def test_chunks_that_arrive_at_once_give_the_period() -> None:
    meter = ChunkMeter(12)
    for chunk in range(8):
        play(meter, [chunk * 0.8 + i * 0.001 for i in range(12)])
    assert meter.facts.period_s == pytest.approx(0.8, rel=0.02)


def test_one_gap_of_a_reset_changes_nothing_and_a_long_silence_starts_anew() -> None:
    meter = ChunkMeter(12)
    times = [i / 15 for i in range(60)]
    play(meter, times)
    play(meter, [times[-1] + 1.2 + i / 15 for i in range(1, 20)])
    assert meter.facts.period_s == pytest.approx(0.8, rel=0.05)
    resumed = times[-1] + 60
    play(meter, [resumed + i / 30 for i in range(60)])
    assert meter.facts.period_s == pytest.approx(0.4, rel=0.02)


def test_another_chunk_size_keeps_the_rate_as_its_prior() -> None:
    meter = ChunkMeter(12)
    play(meter, [i / 15 for i in range(60)])
    meter.set_frames(4)
    assert meter.facts.period_s == pytest.approx(4 / 15, rel=0.01)
