"""Kick, snare and hat: told apart, on time, and never without music. Figures over many kits: benchmarks/drums.py."""

from __future__ import annotations

import io

import numpy as np
import pytest

from bridge.ears import Drums, Ears, EarsSettings, make_ears
from bridge.ears._drums import INPUTS
from bridge.inputs.audio import DEMO_SECTIONS, _voices, demo_beats, demo_track
from bridge.model.board import ProblemBoard
from bridge.model.errors import WeightsBroken
from bridge.model.features import HOP, SAMPLE_RATE

EVERY_S = 0.5
STROKES = 12


def played(sound: np.ndarray, gain: float = 0.6) -> np.ndarray:
    """One sound every half second from half a second on, over a little noise."""
    out = 1e-3 * np.random.default_rng(2).standard_normal(int((STROKES + 2) * EVERY_S * SAMPLE_RATE))
    for stroke in range(1, STROKES + 1):
        start = int(stroke * EVERY_S * SAMPLE_RATE)
        out[start : start + len(sound)] += gain * sound[: len(out) - start]
    return out.astype(np.float32)


def strokes(heard, name: str) -> np.ndarray:
    """When the likelihood rises past 0.5."""
    over = np.array([getattr(h.features, name) > 0.5 for h in heard])
    rises = over & ~np.concatenate(([False], over[:-1]))
    return np.array([h.features.t for h in heard])[rises]


def told(found: np.ndarray, truth: np.ndarray) -> float:
    """Share of ``truth`` with exactly one stroke from its attack to 30 ms after it."""
    return float(np.mean([np.sum((found > at) & (found < at + 0.03)) == 1 for at in truth]))


@pytest.fixture
def ears() -> Ears:
    return Ears(EarsSettings(), drums=Drums())


def snare() -> np.ndarray:
    """A body at 190 Hz and noise from 1 to 8 kHz."""
    t = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    hertz = np.fft.rfftfreq(len(t), 1 / SAMPLE_RATE)
    noise = np.fft.rfft(np.random.default_rng(3).standard_normal(len(t))) * ((hertz > 1000) & (hertz < 8000))
    rattle = np.fft.irfft(noise, len(t))
    return 0.4 * np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.06) + 0.5 * rattle / rattle.std() / 3 * np.exp(-t / 0.08)


@pytest.mark.parametrize(("voice", "never"), [("kick", ()), ("snare", ("kick",)), ("hat", ("kick", "snare"))])
def test_each_voice_alone_is_told_on_the_hop_of_its_attack_or_the_next(listen, ears, voice, never):
    rng = np.random.default_rng(11)
    sounds = {"kick": _voices.kick(rng), "snare": snare(), "hat": _voices.hat(rng, is_open=False)}
    heard = listen(played(sounds[voice]), ears=ears)
    truth = np.arange(1, STROKES + 1) * EVERY_S
    assert told(strokes(heard, voice), truth) > 0.9
    for other in never:
        assert told(strokes(heard, other), truth) < 0.2, other


def test_the_kicks_of_the_demo_track(listen, ears):
    first, end = DEMO_SECTIONS["groove"]
    beats = demo_beats()
    start = int(beats[4 * first] * SAMPLE_RATE) // HOP * HOP
    heard = listen(demo_track()[start : int(beats[4 * end] * SAMPLE_RATE)], ears=ears)
    kicks = beats[4 * first + 1 : 4 * end] - start / SAMPLE_RATE
    found = strokes(heard, "kick")
    assert told(found, kicks) > 0.9
    assert len(found) < 1.6 * len(kicks), "the bass between them is not taken for a kick too often"


def test_steady_sound_strikes_nothing(listen, noises):
    for name in ("white", "pink", "hum", "pad", "silence", "whisper"):
        heard = listen(noises[name][: 8 * SAMPLE_RATE], ears=Ears(EarsSettings(), drums=Drums()))
        assert sum(len(strokes(heard[20:], voice)) for voice in ("kick", "snare", "hat")) <= 2, name


def test_without_the_net_starts_in_the_bands_stand_for_the_drums(listen):
    heard = [h.features for h in listen(played(_voices.kick(np.random.default_rng(11))))]
    assert any(f.kick for f in heard)
    assert [f.kick for f in heard] == [float(f.onset_low) for f in heard]
    assert [f.snare for f in heard] == [float(f.onset_mid) for f in heard]
    assert [f.hat for f in heard] == [float(f.onset_high) for f in heard]


def stored(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        stored(),
        stored(weight_0=np.zeros((INPUTS, 2)), bias_0=np.zeros(2)),
        stored(weight_0=np.zeros((INPUTS - 1, 3)), bias_0=np.zeros(3)),
        stored(weight_0=np.zeros((INPUTS, 3)), bias_0=np.full(3, np.nan)),
        stored(weight_1=np.zeros((INPUTS, 3)), bias_1=np.zeros(3)),
        stored(weight_0=np.zeros((INPUTS, 3)), bias_0=np.zeros(())),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path, content):
    path = tmp_path / "drums.npz"
    path.write_bytes(content)
    with pytest.raises(WeightsBroken, match="kick, snare and hat"):
        Drums(path)


def test_broken_weights_are_on_the_board_and_the_ears_still_hear(monkeypatch, tmp_path, listen):
    board = ProblemBoard()
    monkeypatch.setattr("bridge.ears._drums.SHIPPED", tmp_path / "missing.npz")
    ears = make_ears(EarsSettings(tracker="none"), board)
    assert [problem.code for problem in board.problems] == ["drum_weights"]
    assert any(h.features.kick for h in listen(played(_voices.kick(np.random.default_rng(11))), ears=ears))
    monkeypatch.undo()
    make_ears(EarsSettings(tracker="none"), board)
    assert not board.problems
