"""The whole way of live sound, from the driver's call to features and beats, with everything that can be wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.ears import EarsSettings, Heard, make_ears
from bridge.inputs.audio import DEMO_BPM, InputDevice, demo_track
from bridge.inputs.audio._blocks import Resampler
from bridge.model.features import signals_of
from tests.inputs.audio.rig import Rig

CODES = {"audio_device", "audio_rate", "audio_overflow"}
RATES = (8000, 11025, 44100, 48000, 96000, 192000)


def device(rate: float, channels: int) -> InputDevice:
    return InputDevice(0, "Line", "ALSA", channels, rate)


class Way:
    """A device, the live source and the ears with the tracker that the program uses."""

    def __init__(self, rate: int = 48000, channels: int = 2, picks: tuple[int, ...] = ()) -> None:
        self.rate, self.channels = rate, channels
        self.rig = Rig(device(rate, channels), device="line", channels=picks)
        self.ears = make_ears(EarsSettings(), self.rig.board)
        self.rig.step()

    def play(self, frames: np.ndarray, *, pause: float = 0.0, age: float = 0.0, lost: bool = False) -> list[Heard]:
        """One call of the driver; the device is opened again where it was given up."""
        self.rig.now += len(frames) / self.rate + pause
        stream = self.rig.system.streams[-1]
        if not stream.closed:
            stream.play(frames, age=age, lost=lost)
        heard = [self.ears.push(block) for block in self.rig.step()]
        if not self.rig.live.running:
            assert self.rig.codes, "a named state"
            self.rig.step(2.1)
        for one in heard:
            wrong = {name: value for name, value in signals_of(one.features).items() if not math.isfinite(value)}
            assert not wrong
            assert 0 <= one.features.energy <= 1
            assert all(math.isfinite(beat.t) and 20 < beat.bpm < 400 for beat in one.beats)
        assert set(self.rig.codes) <= CODES
        return heard

    def music(self, seconds: float) -> list[Heard]:
        """The demo track, at the device's rate and on all its channels."""
        mono = np.tile(demo_track(), 2)[: int(seconds * 44100)]
        if self.rate != 44100:
            at = np.arange(int(seconds * self.rate)) * 44100 / self.rate
            mono = np.interp(at, np.arange(len(mono)), mono).astype(np.float32)
        size = self.rate // 86
        heard: list[Heard] = []
        for start in range(0, len(mono) - size, size):
            heard += self.play(np.repeat(mono[start : start + size, None], self.channels, axis=1))
        return heard


def bad(kind: str, way: Way, count: int = 80) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng(1)
    size = way.rate // 86
    for number in range(count):
        frames = rng.normal(0, 0.2, (size, way.channels)).astype(np.float32)
        more: dict[str, object] = {}
        match kind:
            case "nan":
                frames[rng.random(frames.shape) < 0.3] = np.nan
            case "infinite":
                frames[:] = np.inf * (-1) ** number
            case "huge":
                frames *= np.float32(1e37)
            case "dc":
                frames[:] = 0.9
            case "square":
                frames[:] = np.where(np.arange(size) % 96 < 48, 1.0, -1.0)[:, None]
            case "no channels":
                frames = frames[:, :0]
            case "no samples":
                frames = frames[:0]
            case "xruns":
                more = {"lost": number % 3 == 0, "pause": float(rng.random() < 0.2) * 0.06}
            case "times":
                more = {"pause": float(rng.choice([0, 0, 0, 0.3, 3, -0.05])), "age": float(rng.uniform(-1, 1))}
        yield {"frames": frames, **more}


@pytest.mark.parametrize(
    "kinds",
    [("nan", "infinite", "huge", "dc", "square"), ("no channels", "no samples", "xruns", "times")],
    ids=["samples", "calls"],
)
def test_bad_sound_leaves_ears_that_hear_music_again(kinds):
    way = Way()
    for kind in kinds:
        for call in bad(kind, way):
            way.play(**call)
    beats = [beat for one in way.music(12) for beat in one.beats]
    assert np.median([beat.bpm for beat in beats[-8:]]) == pytest.approx(DEMO_BPM, abs=2)
    assert np.median(np.diff([beat.t for beat in beats[-8:]])) == pytest.approx(60 / DEMO_BPM, rel=0.05)
    assert "audio_device" not in way.rig.codes


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (192000, 2), (44100, 32)])
def test_any_rate_and_layout_gives_the_beat(rate, channels):
    beats = [beat for one in Way(rate, channels).music(10) for beat in one.beats]
    assert np.median([beat.bpm for beat in beats[-8:]]) == pytest.approx(DEMO_BPM, abs=2)


def test_a_device_that_lies_about_its_rate_gives_the_true_tempo():
    way = Way(48000)
    way.rate = 44100  # what it really delivers
    beats = [beat for one in way.music(18) for beat in one.beats]
    assert way.rig.codes == ["audio_rate"]
    assert np.median([beat.bpm for beat in beats[-8:]]) == pytest.approx(DEMO_BPM, abs=2)


def test_silence_is_silent_and_music_is_heard_after_it():
    way = Way()
    quiet = np.zeros((4800, 2), np.float32)
    heard = [one for _ in range(300) for one in way.play(quiet)]
    assert not any(one.beats for one in heard)
    assert all(one.features.gated and one.features.energy == 0 for one in heard[100:])
    assert way.rig.codes == []
    assert sum(len(one.beats) for one in way.music(10)) > 5


WILD = st.fixed_dictionaries(
    {
        "level": st.sampled_from([0.0, 1e-30, 0.5, 1.0, 50.0, 3e38, math.inf, -math.inf, math.nan]),
        "noise": st.booleans(),
        "size": st.sampled_from([0, 1, 63, 512, 1115, 9000]),
        "channels": st.integers(0, 33),
        "pause": st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.9, 4.0, -0.2]),
        "age": st.sampled_from([0.0, 0.0, 0.02, -0.02, 2.0]),
        "lost": st.booleans(),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(RATES), st.integers(1, 32), st.sampled_from([(), (1,), (3, 4)]), st.lists(WILD, max_size=40))
def test_whatever_a_driver_delivers_nothing_breaks(rate, channels, picks, calls):
    way = Way(rate, max(channels, *picks, 1), picks)
    for call in calls:
        frames = np.full((call["size"], call["channels"]), call["level"], np.float32)
        if call["noise"]:
            frames[::2] *= -1
        way.play(frames, pause=call["pause"], age=call["age"], lost=call["lost"])


@pytest.mark.parametrize("rate", [0.0, -1.0, 12.0, 5e6])
def test_a_rate_that_no_sound_has_is_named_and_opens_nothing(rate):
    rig = Rig(device(rate, 2), device="line")
    for _ in range(5):
        assert rig.step(2.1) == []
    assert rig.codes == ["audio_device"]
    assert "sample rate" in rig.board.problems[0].message
    assert rig.system.streams == []


def test_resampling_is_the_same_however_it_is_cut():
    wave = np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32)
    whole = Resampler(48000).push(wave)
    cut = Resampler(48000)
    pieces = np.concatenate([cut.push(piece) for piece in np.array_split(wave, 301)])
    assert np.array_equal(whole[: len(pieces)], pieces)
