"""Our own tracker: what it finds in the demo track and in clicks, what it stays silent on, and what it survives."""

from __future__ import annotations

import io
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bridge.ears import Ears, EarsSettings, ScopeTracker, make_ears
from bridge.ears import _net as net_module
from bridge.ears._mel import BANDS, INPUTS, MelBands, Rise, levelled
from bridge.ears._net import BeatNet, load_weights
from bridge.ears._spectrum import Spectrum
from bridge.inputs.audio import DEMO_BPM, demo_beats, demo_track
from bridge.inputs.audio._blocks import Blocker
from bridge.model.board import ProblemBoard
from bridge.model.errors import WeightsBroken
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock
from tests.ears.clicks import clicks


@pytest.fixture(scope="module")
def demo():
    ears = Ears(EarsSettings(), ScopeTracker())
    blocks = demo_track()[: 24 * SAMPLE_RATE // HOP * HOP].reshape(-1, HOP)
    return [ears.push(AudioBlock((n + 1) * HOP / SAMPLE_RATE, block)) for n, block in enumerate(blocks)]


@pytest.fixture(scope="module")
def demo_found(demo):
    return np.array([beat.announced for heard in demo for beat in heard.beats])


def distances(found, truth):
    return np.abs(found[:, None] - truth[None, :]).min(axis=1)


def test_finds_the_beats_of_the_demo_track(demo_found):
    truth = demo_beats()
    truth = truth[(truth > 5) & (truth < 23.9)]
    found = demo_found[demo_found > 4.95]
    assert distances(truth, found).max() < 0.07
    assert abs(len(found) - len(truth)) <= 1


def test_beats_are_told_on_time(demo_found):
    errors = distances(demo_found[demo_found > 5], demo_beats())
    assert np.median(errors) < 0.006
    assert np.percentile(errors, 95) < 0.02


def test_knows_the_tempo(demo):
    assert np.median([b.bpm for h in demo[800:] for b in h.beats]) == pytest.approx(DEMO_BPM, rel=0.01)


def test_locks_within_three_seconds(demo_found):
    truth = demo_beats()
    early = truth[(truth > 3) & (truth < 6)]
    assert distances(early, demo_found).max() < 0.07


@pytest.mark.parametrize("bpm", [92, 120, 174])
def test_follows_clicks(listen, bpm):
    heard = listen(clicks(bpm, 10), tracker=ScopeTracker())
    found = np.array([b.announced for h in heard for b in h.beats])
    late = found[(found > 5) & (found < 9.5)]
    assert np.median(np.diff(late)) == pytest.approx(60 / bpm, rel=0.02)
    assert np.median(distances(late, np.arange(0.5, 10, 60 / bpm))) < 0.015


@pytest.mark.parametrize("kind", ["white", "pink", "pad", "hum", "whisper", "silence"])
def test_few_beats_without_music(listen, noises, kind):
    heard = listen(noises[kind][: 12 * SAMPLE_RATE], tracker=ScopeTracker())
    assert sum(len(h.beats) for h in heard) <= 3


def test_level_does_not_matter(listen):
    piece = clicks(128, 7)
    loud = [b.t for h in listen(piece, tracker=ScopeTracker()) for b in h.beats]
    quiet = [b.t for h in listen(piece * np.float32(0.05), tracker=ScopeTracker()) for b in h.beats]
    assert np.array(quiet) == pytest.approx(np.array(loud), abs=0.02)


def test_the_same_samples_give_the_same_beats(listen):
    piece = demo_track()[: 6 * SAMPLE_RATE]
    assert listen(piece, tracker=ScopeTracker()) == listen(piece, tracker=ScopeTracker())


def test_how_the_samples_arrive_makes_no_difference():
    piece = demo_track()[: 6 * SAMPLE_RATE // HOP * HOP]
    rng = np.random.default_rng(6)
    ears, blocker, heard = Ears(EarsSettings(), ScopeTracker()), Blocker(), []
    at = 0
    while at < len(piece):
        chunk = piece[at : at + int(rng.integers(1, 3000))]
        at += len(chunk)
        heard += [ears.push(block) for block in blocker.push(chunk, at / SAMPLE_RATE + rng.uniform(0, 0.01))]
    steady = Ears(EarsSettings(), ScopeTracker())
    told = [steady.push(AudioBlock((n + 1) * HOP / SAMPLE_RATE, x)) for n, x in enumerate(piece.reshape(-1, HOP))]
    assert any(h.beats for h in told)
    assert [beats_of(h) for h in heard] == [beats_of(h) for h in told]


def beats_of(heard):
    """What is said of each beat, its time against the hop's."""
    return [(round(b.t - heard.features.t, 9), b.bpm, b.confidence, b.downbeat) for b in heard.beats]


def test_never_looks_ahead():
    piece = demo_track()[: 6 * SAMPLE_RATE // HOP * HOP].reshape(-1, HOP)
    changed = piece.copy()
    changed[300:] = 0
    one, two = ScopeTracker(), ScopeTracker()
    for n in range(300):
        assert one.push(piece[n], gated=False) == two.push(changed[n], gated=False)


def test_beats_lie_close_to_the_hop_that_tells_them_and_never_crowd(demo):
    times = []
    for heard in demo:
        for beat in heard.beats:
            assert -0.1 < beat.t - heard.features.t <= HOP / SAMPLE_RATE + 1e-9
            times.append(beat.t)
    assert np.diff(times).min() > 0.5 * 60 / 180


def test_starts_anew_after_a_pause(listen):
    piece = np.concatenate((clicks(100, 8), np.zeros(3 * SAMPLE_RATE, np.float32), clicks(140, 9)))
    heard = listen(piece, tracker=ScopeTracker())
    pause = [b for h in heard for b in h.beats if 10 < b.t < 11.2]
    late = [b.t for h in heard for b in h.beats if b.t > 15]
    assert not pause
    assert np.median(np.diff(late)) == pytest.approx(60 / 140, rel=0.02)


def sane(track):
    assert 0 <= track.confidence <= 1
    assert 0 <= track.activation <= 1
    assert track.bpm is None or 70 < track.bpm < 200
    assert all(-0.2 < beat.offset < 0.02 for beat in track.beats)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    arrays.arrays(np.float32, (3, HOP), elements=st.floats(-1, 1, width=32, allow_subnormal=False), fill=st.just(0.0)),
    st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_any_finite_sound_is_survived(pieces, gates):
    tracker = ScopeTracker()
    for n, gated in enumerate(gates):
        sane(tracker.push(pieces[n % 3], gated=gated))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 1.0, -1.0])
def test_broken_samples_are_survived_by_the_whole_ear(listen, value):
    piece = demo_track()[: 3 * SAMPLE_RATE].copy()
    piece[SAMPLE_RATE : SAMPLE_RATE + 3000] = value
    piece[2 * SAMPLE_RATE :: 999] = value
    for heard in listen(piece, tracker=ScopeTracker()):
        assert np.isfinite(heard.features.energy)
        assert all(np.isfinite((b.t, b.bpm, b.confidence)).all() for b in heard.beats)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_tracker_itself_forgets_broken_samples():
    blocks = demo_track()[: 12 * SAMPLE_RATE // HOP * HOP].reshape(-1, HOP).copy()
    blocks[200] = np.nan
    blocks[300, 7] = np.inf
    blocks[400] = 1e30
    tracker = ScopeTracker()
    for block in blocks:
        track = tracker.push(block, gated=False)
        sane(track)
    assert track.bpm == pytest.approx(DEMO_BPM, rel=0.01)
    assert track.confidence > 0.5


def test_nothing_grows(listen):
    """Music, noise and silence again and again; hours of it: benchmarks/long_listen.py."""
    noise = np.random.default_rng(1).standard_normal(SAMPLE_RATE) * 0.1
    piece = np.concatenate((demo_track()[: 2 * SAMPLE_RATE], noise, np.zeros(3 * SAMPLE_RATE)))
    ears = Ears(EarsSettings(), ScopeTracker())
    listen(piece, ears=ears)
    tracemalloc.start()
    try:
        listen(piece, ears=ears)
        before = tracemalloc.get_traced_memory()[0]
        listen(piece, ears=ears)
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", ["square", "direct", "impulses"])
def test_hostile_sounds_keep_the_output_sane(shape):
    t = np.arange(5 * SAMPLE_RATE // HOP * HOP)
    piece = {
        "square": np.where(t // 25 % 2, 1.0, -1.0),
        "direct": np.ones(len(t)),
        "impulses": (t % 7919 == 0).astype(float),
    }[shape].astype(np.float32)
    tracker = ScopeTracker()
    for block in piece.reshape(-1, HOP):
        sane(tracker.push(block, gated=False))


def test_bands_hop_by_hop_and_at_once_are_the_same():
    rng = np.random.default_rng(3)
    bands = (rng.gamma(1, 0.05, (400, BANDS)) * np.linspace(1, 0, 400)[:, None]).astype(np.float32)
    rise = Rise()
    steps = np.stack([rise.step(row).copy() for row in bands])
    assert steps.shape == (400, INPUTS)
    assert levelled(bands) == pytest.approx(steps, abs=2e-4)


def test_a_tone_fills_the_band_it_lies_in():
    spectrum = Spectrum()
    mel = MelBands(spectrum.hertz)
    tone = np.sin(2 * np.pi * 1000 * np.arange(8 * HOP) / SAMPLE_RATE).astype(np.float32).reshape(-1, HOP)
    for block in tone:
        bands = mel.of(spectrum.push(block))
    middles = 700 * (
        10 ** (np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + 16000 / 700), 34) / 2595) - 1
    )
    assert bands.argmax() == np.abs(middles[1:-1] - 1000).argmin()


def test_the_net_gives_what_it_gave():
    """A golden trace: fixed weights and inputs."""
    rng = np.random.default_rng(5)
    fixed = {
        name: rng.normal(0, 0.05, array.shape).astype(np.float32) for name, array in sorted(load_weights().items())
    }
    net = BeatNet(fixed)
    inputs = rng.uniform(0, 1, (40, INPUTS)).astype(np.float32)
    outputs = np.array([net.step(row) for row in inputs])
    assert outputs == pytest.approx(reference(fixed, inputs), abs=1e-4)


def reference(weights, inputs):
    """The same net over a whole recording, written as plain convolutions."""

    def elu(x):
        return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))

    def convolved(x, name, reach):
        weight, bias = weights[f"{name}_weight"].astype(float), weights[f"{name}_bias"]
        padded = np.concatenate((np.zeros((2 * reach, x.shape[1])), x))
        return sum(padded[k * reach : k * reach + len(x)] @ weight[:, :, k].T for k in range(3)) + bias

    y = elu(convolved(inputs.astype(float), "enter", 1))
    for k in range(sum(name.endswith("look_weight") for name in weights)):
        found = elu(convolved(y, f"blocks_{k}_look", 2**k))
        y = y + found @ weights[f"blocks_{k}_add_weight"][:, :, 0].astype(float).T + weights[f"blocks_{k}_add_bias"]
    return 1 / (1 + np.exp(-(elu(y) @ weights["out_weight"].T + weights["out_bias"])))


def damaged(kind):
    if kind == "no zip":
        return b"nothing of use"
    if kind == "empty":
        return b""
    weights = load_weights()
    if kind == "shape":
        weights["out_bias"] = np.zeros(5, np.float32)
    elif kind == "number":
        weights["enter_bias"] = np.full_like(weights["enter_bias"], np.nan)
    elif kind == "part":
        del weights["blocks_3_add_weight"]
    elif kind == "nothing":
        weights = {}
    file = io.BytesIO()
    np.savez(file, **weights)
    return file.getvalue()[: 4000 if kind == "cut" else None]


@pytest.mark.parametrize("kind", ["no zip", "empty", "shape", "number", "part", "nothing", "cut"])
def test_damaged_weights_are_named(tmp_path, kind):
    path = tmp_path / "beats.npz"
    path.write_bytes(damaged(kind))
    with pytest.raises(WeightsBroken, match="aubio"):
        ScopeTracker(weights=path)


def test_missing_weights_fall_back_to_aubio_and_the_board_says_so(monkeypatch, tmp_path, listen):
    monkeypatch.setattr(net_module, "SHIPPED", tmp_path / "gone.npz")
    board = ProblemBoard()
    heard = listen(clicks(120, 10), ears=make_ears(EarsSettings(), board))
    assert any(h.beats for h in heard)
    (problem,) = board.problems
    assert problem.code == "tracker_weights"
    assert "aubio" in problem.message
    monkeypatch.undo()
    make_ears(EarsSettings(), board)
    assert board.problems == ()


def test_without_weights_and_aubio_features_go_on(monkeypatch, tmp_path):
    monkeypatch.setattr(net_module, "SHIPPED", tmp_path / "gone.npz")
    monkeypatch.setitem(sys.modules, "aubio", None)
    board = ProblemBoard()
    ears = make_ears(EarsSettings(), board)
    assert ears.push(AudioBlock(0.0, np.zeros(HOP, np.float32))).beats == ()
    assert {p.code for p in board.problems} == {"tracker_weights", "tracker_missing"}


def test_the_weights_are_small():
    with net_module.SHIPPED.open("rb") as file:
        assert len(file.read()) < 300_000
        file.seek(0)
        assert zipfile.is_zipfile(file)
