"""The named state of the input, what the board says of it, and that both heal."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from bridge.ears import Ears, EarsSettings, EarsThread
from bridge.ears._dynamics import HOP_S
from bridge.ears._input import InputWatch
from bridge.model.board import ProblemBoard
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

FINE = {"mended": False, "offset": 0.0, "lamp": False, "level_db": -20.0, "gated": False}


def watch(watcher: InputWatch, seconds: float, **state) -> list[str]:
    return [watcher.step(**FINE | state) for _ in range(round(seconds / HOP_S))]


def test_music_is_sound_a_pause_is_quiet_and_digital_silence_silent_after_ten_seconds():
    watcher = InputWatch()
    assert set(watch(watcher, 5)) == {"sound"}
    assert set(watch(watcher, 60, level_db=-70, gated=True)) == {"quiet"}
    states = watch(watcher, 20, level_db=-120, gated=True)
    assert states.index("silent") * HOP_S == pytest.approx(10, abs=0.1)
    assert watch(watcher, 1)[0] == "sound"


def test_clipping_is_told_when_it_lasts_and_heals():
    watcher = InputWatch()
    assert set(watch(watcher, 3, lamp=True)) == {"sound"}, "a short one lights the lamp alone"
    assert watch(watcher, 10, lamp=True)[-1] == "clipping"
    states = watch(watcher, 60)
    assert states[0] == "clipping"
    assert states[-1] == "sound"


def test_an_offset_is_told_after_five_seconds_and_heals_after_two():
    watcher = InputWatch()
    states = watch(watcher, 8, offset=-0.3)
    assert states.index("offset") * HOP_S == pytest.approx(5, abs=0.1)
    assert set(watch(watcher, 5, offset=0.07)) == {"offset"}
    states = watch(watcher, 5)
    assert states.index("sound") * HOP_S == pytest.approx(2, abs=0.1)


def test_broken_samples_come_first_and_are_forgotten_after_five_seconds():
    watcher = InputWatch()
    watch(watcher, 20, lamp=True, offset=0.5)
    assert watcher.step(**FINE | {"mended": True}) == "broken"
    assert watch(watcher, 60)[-1] == "sound"


@pytest.mark.parametrize(
    ("samples", "state", "gated"),
    [
        (np.full(HOP, np.nan), "broken", True),
        (np.full(HOP, np.inf), "broken", True),
        (np.full(HOP, 0.5), "offset", True),
        (np.full(HOP, 1.0), "offset", True),
        (np.tile([1.0] * 64 + [-1.0] * 64, 4), "clipping", False),
        (np.zeros(HOP), "silent", True),
        (np.full(HOP, 1e-42), "silent", True),
        (np.full(HOP, 3e38), "offset", True),
    ],
    ids=["nan", "inf", "half", "full", "square", "zeros", "denormal", "huge"],
)
def test_bad_input_has_a_name_and_harms_nothing(listen, samples, state, gated):
    heard = listen(np.tile(samples, round(12 / HOP_S)))[-1].features
    assert heard.input_state == state
    assert heard.gated == gated
    for value in (heard.energy, heard.low, heard.energy_long, heard.harmonic_change, *heard.bands, *heard.raw.bands):
        assert 0 <= value <= 1
    assert heard.kick == heard.snare == heard.hat == 0


def test_an_hour_of_silence_leaves_the_ears_as_they_were(listen):
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32)
    ears = Ears(EarsSettings())
    before = listen(np.tile(tone, 5), ears=ears)[-1].features
    silence = AudioBlock(0.0, np.zeros(HOP, np.float32))
    for _ in range(round(20 / HOP_S)):
        last = ears.push(silence).features
    assert last.input_state == "silent"
    assert last.energy == pytest.approx(0, abs=1e-9)
    after = listen(np.tile(tone, 5), ears=ears)[-1].features
    assert after.energy == pytest.approx(before.energy, rel=0.05)
    assert after.bands == pytest.approx(before.bands, rel=0.05)


def test_the_board_names_the_fault_and_is_cleared_when_it_heals():
    board, changed = ProblemBoard(), threading.Event()
    square = np.tile(np.repeat(np.float32([1.0, -1.0]), 64), 4)
    seen = []

    def on_heard(heard):
        seen.append(heard.features.input_state)
        if len(seen) == count:
            changed.set()

    thread = EarsThread(Ears(EarsSettings()), on_heard=on_heard, board=board)
    thread.start()
    for samples, codes in ((square, ["audio_clipping"]), (np.zeros(HOP, np.float32), [])):
        hops = round(25 / HOP_S)
        for first in range(0, hops, 50):
            changed.clear()
            count = len(seen) + 50
            for n in range(50):
                thread.feed(AudioBlock(float(first + n), samples))
            assert changed.wait(20)
        if not codes:
            thread.stop()
        assert [problem.code for problem in board.problems if problem.code != "ears_late"] == codes
