"""What the program shows and when, with an injected clock at 30 ticks a second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.desired import FxState
from bridge.model.facts import ChunkFacts, ScopeFacts
from bridge.model.frames import Frame
from bridge.program import Composer, ProgramSettings
from tests.program.pictures import RED_601, RED_709, at, close, flat, noise, split

TICK = 1 / 30
FACTS = ScopeFacts(state="live", url="http://10.1.2.3:8000")
BLACK = (16, 128, 128)


class Player:
    """Feeds a composer tick by tick."""

    def __init__(self, **given: object) -> None:
        self.composer = Composer(ProgramSettings(**({"width": 320, "height": 180} | given)))
        self.now = 100.0
        self.frame: Frame | None = None
        self.fx = FxState()
        self.facts = FACTS
        self.shown = self.tick()

    def tick(self, *, live: tuple[int, int, int] | None = None) -> Frame:
        self.now += TICK
        if live:
            self.frame = flat(live, 320, 180, self.now)
        self.shown = self.composer.compose(self.frame, self.fx, self.facts, self.now)
        return self.shown

    def play(self, seconds: float, live: tuple[int, int, int] | None = None) -> Frame:
        for _ in range(round(seconds / TICK)):
            self.tick(live=live)
        return self.shown

    @property
    def middle(self) -> tuple[int, int, int]:
        return at(self.shown, 160, 170)


def test_it_opens_on_a_slate_that_is_not_black() -> None:
    player = Player()
    y, u, _ = split(player.shown.data)
    assert player.composer.state == "slate"
    assert y.mean() > 20 and y.std() > 5 and u.mean() > 130
    assert (player.shown.width, player.shown.height, player.shown.matrix) == (320, 180, "bt709")


def test_live_fades_in_and_is_exact_at_the_end() -> None:
    player = Player()
    slate = player.middle
    player.tick(live=RED_601)
    player.play(0.2, RED_601)
    assert slate[2] < player.middle[2] < RED_709[2]
    player.play(0.5, RED_601)
    assert close(player.middle, RED_709)
    assert player.composer.state == "live"
    assert player.composer.age(player.now + 0.25) == pytest.approx(0.25)


def test_loss_holds_then_fades_to_the_slate_and_back() -> None:
    player = Player()
    slate = player.shown.data
    player.play(1.0, RED_601)
    player.play(0.9)
    assert close(player.middle, RED_709), "the last picture is held"
    player.play(0.3)
    assert player.middle[2] < RED_709[2] - 5, "then it fades"
    player.play(0.5)
    assert player.composer.state == "slate"
    assert player.composer.age(player.now) is None
    assert np.abs(split(player.shown.data)[0][:60].astype(int) - split(slate)[0][:60]).max() == 0
    player.play(0.6, RED_601)
    assert close(player.middle, RED_709)


def test_a_slow_pipeline_is_not_taken_for_a_loss() -> None:
    player = Player()
    player.facts = replace(FACTS, chunk=ChunkFacts(frames=12, period_s=3.0, measured=True))
    player.play(1.0, RED_601)
    player.play(3.5)
    assert player.composer.state == "live"
    player.play(0.5)
    assert player.composer.state == "slate"


def test_lost_hold_dims_the_last_picture_and_writes_why() -> None:
    player = Player(lost="hold")
    player.play(1.0, RED_601)
    player.facts = replace(FACTS, state="stalled")
    player.play(2.0)
    y, _, v = split(player.shown.data)
    assert player.composer.state == "held"
    assert 25 < int(np.median(y)) < 50
    assert int(np.median(v)) > 160, "it is still that picture"
    assert y.max() == 200, "with a caption"


def test_a_pause_on_purpose_holds_the_picture() -> None:
    player = Player()
    player.play(1.0, RED_601)
    player.fx = FxState(paused=True)
    player.play(5.0)
    assert close(player.middle, RED_709)
    player.fx = FxState()
    player.play(1.0)
    assert player.composer.state == "slate"


def test_blackout_takes_half_a_second_holds_and_is_undone() -> None:
    player = Player()
    player.play(1.0, RED_601)
    player.fx = FxState(blackout=True)
    player.play(0.25, RED_601)
    assert BLACK[0] < player.middle[0] < RED_709[0]
    player.play(0.3, RED_601)
    assert player.middle == BLACK
    assert player.composer.state == "black"
    player.play(3.0)
    assert player.middle == BLACK, "also without video"
    player.fx = FxState()
    player.play(0.6, RED_601)
    assert close(player.middle, RED_709)


def test_freeze_holds_whatever_comes_and_blackout_still_works() -> None:
    player = Player()
    player.play(1.0, RED_601)
    player.fx = FxState(freeze=True)
    player.play(0.5, (120, 128, 128))
    assert close(player.middle, RED_709)
    player.play(3.0)
    assert close(player.middle, RED_709), "also when the video is lost meanwhile"
    assert player.composer.state == "frozen"
    player.fx = FxState(freeze=True, blackout=True)
    player.play(0.6)
    assert player.middle == BLACK
    player.fx = FxState()
    player.play(1.0, (120, 128, 128))
    assert close(player.middle, (120, 128, 128))


def test_brightness_scales_towards_black() -> None:
    player = Player()
    player.fx = FxState(brightness=0.5)
    player.play(1.0, RED_601)
    assert close(player.middle, (16 + (63 - 16) // 2, 115, 184))


def test_nothing_is_drawn_again_while_nothing_changes() -> None:
    player = Player()
    player.play(1.0, RED_601)
    first = player.tick()
    second = player.tick()
    assert first.data is second.data
    assert second.t > first.t and second.seq == first.seq + 1


def test_pictures_handed_out_are_never_written_to_again() -> None:
    player = Player(lost="hold")
    kept = []
    for n in range(90):
        player.fx = FxState(
            levels={"trails": 0.5, "hue": n / 90}, pulses=((100.0 + n // 10, "pulse", 1.0), (100.5, "zoom", 1.0))
        )
        shown = player.tick(live=(40 + n, 100, 200) if n < 45 else None)
        kept.append((shown, shown.data.copy()))
    assert all(np.array_equal(shown.data, copy) for shown, copy in kept)


def test_a_pulse_is_brightest_on_its_beat_and_decays() -> None:
    player = Player()
    grey = (90, 128, 128)
    player.play(1.0, grey)
    beat = player.now + 3 * TICK - 0.001
    player.fx = FxState(pulses=((beat, "pulse", 1.0),))
    lumas = []
    for _ in range(60):
        player.tick(live=grey)
        lumas.append(player.middle[0])
    assert lumas[:2] == [90, 90], "not before its time"
    assert lumas[2] == max(lumas) > 115
    assert lumas[2:] == sorted(lumas[2:], reverse=True)
    assert lumas[-1] == 90


@pytest.mark.parametrize(("early", "first"), [(0.4, 2), (0.6, 1)])
def test_a_pulse_is_shown_in_the_picture_nearest_to_it(early: float, first: int) -> None:
    """Told ahead, it does not wait for the tick after it where the one before is nearer."""
    player = Player(fps=30)
    grey = (90, 128, 128)
    player.play(1.0, grey)
    player.fx = FxState(pulses=((player.now + (3 - early) * TICK, "pulse", 1.0),))
    lumas = [(player.tick(live=grey), player.middle[0])[1] for _ in range(4)]
    assert next(n for n, luma in enumerate(lumas) if luma > 90) == first


def test_a_pulse_leaves_bars_and_black_alone() -> None:
    player = Player(width=320, height=320)
    player.play(1.0, (90, 128, 128))
    player.fx = FxState(levels={"pulse": 1.0})
    player.play(0.2, (90, 128, 128))
    assert at(player.shown, 160, 10) == BLACK
    assert at(player.shown, 160, 160)[0] > 115


def test_hue_turns_the_colours_and_a_full_turn_is_none() -> None:
    player = Player()
    player.fx = FxState(levels={"hue": 0.5})
    player.play(1.0, (120, 100, 160))
    opposite = player.middle
    assert close((opposite[1] + at(flat((0, 103, 161)), 0, 0)[1], 0, 0), (256, 0, 0), within=6)
    assert opposite[2] < 110
    player.fx = FxState(levels={"hue": 1.0})
    player.play(0.2, (120, 100, 160))
    assert player.middle[2] > 145


def test_trails_keep_what_was_and_settle_on_what_is() -> None:
    player = Player(flash_guard=False)
    player.fx = FxState(levels={"trails": 0.8})
    player.play(1.0, (60, 128, 128))
    player.play(2 * TICK, (200, 128, 128))
    assert 62 < player.middle[0] < 120
    player.play(0.9)
    assert 170 < player.middle[0] < 200
    player.fx = FxState(levels={"trails": 0.8}, paused=True)
    player.play(6.0)
    settled = player.tick().data
    assert player.middle[0] == 200
    assert player.tick().data is settled


def test_a_pulse_from_the_time_without_picture_is_over() -> None:
    player = Player()
    player.fx = FxState(pulses=((player.now + 0.1, "pulse", 1.0),))
    player.play(3.0)
    player.play(1.0, (90, 128, 128))
    assert player.middle[0] == 90


def test_a_bad_frame_changes_nothing_and_the_one_before_still_shows() -> None:
    player = Player()
    player.play(1.0, RED_601)
    bad = Frame(np.zeros((10, 10), np.uint8), 320, 180, player.now)
    with pytest.raises(ValueError, match="320x180"):
        player.composer.compose(bad, player.fx, player.facts, player.now + TICK)
    player.tick()
    assert close(player.middle, RED_709)


STEP = st.tuples(
    st.sampled_from(["new", "same", "none"]),
    st.booleans(),
    st.booleans(),
    st.floats(0.0, 1.0),
    st.sampled_from(["offline", "connecting", "loading", "live", "stalled", "failed"]),
    st.floats(0.0, 2.0),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, min_size=1, max_size=30), lost=st.sampled_from(["slate", "hold"]))
def test_whatever_happens_there_is_a_whole_picture_of_the_canvas_size(steps: list, lost: str) -> None:
    composer = Composer(ProgramSettings(width=64, height=64, lost=lost))
    now, frame = 0.0, None
    for n, (what, blackout, freeze, level, state, dt) in enumerate(steps):
        now += dt
        frame = noise(n, 64, 36, now) if what == "new" else frame
        fx = FxState(
            levels={"trails": level, "hue": level},
            pulses=((now - 0.01, "pulse", level), (now, "zoom", level)),
            brightness=level,
            blackout=blackout,
            freeze=freeze,
        )
        shown = composer.compose(frame, fx, ScopeFacts(state=state), now)
        assert shown.data.shape == (96, 64) and shown.data.dtype == np.uint8 and shown.data.flags.c_contiguous
        assert (shown.t, shown.seq, shown.matrix) == (now, n + 1, "bt709")


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({}, (1280, 720)),
        ({"canvas": "9:16"}, (720, 1280)),
        ({"canvas": "source"}, (576, 320)),
        ({"canvas": "9:16", "width": 1920, "height": 1080}, (1920, 1080)),
    ],
)
def test_the_canvas_is_what_the_settings_say(given: dict, size: tuple[int, int]) -> None:
    composer = Composer(ProgramSettings(**given), source_size=(576, 320))
    assert (composer.width, composer.height) == size
    assert composer.compose(None, FxState(), FACTS, 0.0).data.shape == (size[1] * 3 // 2, size[0])


@pytest.mark.parametrize("given", [{"width": 640}, {"width": 641, "height": 360}, {"width": 32, "height": 32}])
def test_sizes_that_cannot_be_are_refused(given: dict) -> None:
    with pytest.raises(ValueError, match="width and height"):
        ProgramSettings(**given)
