"""A knob meets a value that moved without it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.takeover import SOON_S, THRESHOLD, Takeover, TakeoverMode
from bridge.model.status import TakeoverStatus
from tests.mapping.makers import MakeMapper, cc, note, osc

CLOSE = THRESHOLD / 2
FAR = 0.3
LATER = SOON_S * 2
SOON = SOON_S / 2

KNOB = """
[controls]
knob = {cc = 7, ch = 1}
other = {cc = 8, ch = 1}
shift = {note = 27, ch = 1}
[layers]
fine = {control = "shift"}
[[map]]
from = "knob"
to = "macro/reaction"
"""


def test_threshold_and_time_are_mixxx_own() -> None:
    assert THRESHOLD == 3 / 128
    assert SOON_S == 0.05


@pytest.mark.parametrize(
    ("side", "previous", "new", "arrives", "acts"),
    [
        ("opposite", CLOSE, CLOSE, LATER, True),
        ("opposite", CLOSE, FAR, LATER, True),
        ("opposite", FAR, CLOSE, LATER, True),
        ("opposite", FAR, FAR, LATER, True),
        ("same", CLOSE, CLOSE, LATER, True),
        ("same", CLOSE, FAR, LATER, True),
        ("same", FAR, CLOSE, LATER, True),
        ("same", FAR, FAR, LATER, False),
        ("opposite", CLOSE, CLOSE, SOON, True),
        ("opposite", CLOSE, FAR, SOON, True),
        ("opposite", FAR, CLOSE, SOON, True),
        ("opposite", FAR, FAR, SOON, True),
        ("same", CLOSE, CLOSE, SOON, True),
        ("same", CLOSE, FAR, SOON, True),
        ("same", FAR, CLOSE, SOON, True),
        ("same", FAR, FAR, SOON, True),
    ],
)
@pytest.mark.parametrize("above", [True, False])
def test_truth_table(side: str, previous: float, new: float, arrives: float, acts: bool, above: bool) -> None:
    """Only far and far on one side, long after the knob last acted, is ignored."""
    way = 1.0 if above else -1.0
    value = 0.5
    knob = Takeover("pickup")
    at = value + way * previous
    assert knob.accept(at, at, 10.0) == at  # the value was in its hand, then moved without it
    to = value + (way if side == "same" else -way) * (new + (0.01 if previous == new else 0.0))
    assert (knob.accept(to, value, 10.0 + arrives) is not None) is acts


def test_first_position_acts_only_on_the_value_itself() -> None:
    assert Takeover("pickup").accept(0.9, 0.5, 0.0) is None
    assert Takeover("pickup").accept(0.51, 0.5, 0.0) == 0.51


def test_unknown_value_needs_no_protection() -> None:
    assert Takeover("pickup").accept(0.9, None, 0.0) == 0.9
    assert Takeover("scale").accept(0.9, None, 0.0) == 0.9


def test_a_fast_turn_is_never_lost_half_way() -> None:
    knob = Takeover("pickup")
    assert knob.accept(0.5, 0.5, 0.0) == 0.5
    for step in range(1, 6):
        assert knob.accept(0.5 + 0.08 * step, 0.5, step * 0.02) is not None


def test_scale_meets_at_the_end_of_travel() -> None:
    knob = Takeover("scale")
    value = 0.2
    assert knob.accept(0.6, value, 0.0) is None
    for position in (0.7, 0.8, 0.9, 1.0):
        moved = knob.accept(position, value, 0.0)
        assert moved is not None
        assert moved > value
        value = moved
    assert value == pytest.approx(1.0)


@given(
    st.sampled_from(["jump", "pickup", "scale"]),
    st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(0, 1), st.floats(0, 1)), max_size=40),
)
def test_never_leaves_the_travel(mode: TakeoverMode, moves: list[tuple[float, float | None, float]]) -> None:
    knob, now = Takeover(mode), 0.0
    for position, current, dt in moves:
        now += dt
        accepted = knob.accept(position, current, now)
        assert accepted is None or -1e-9 <= accepted <= 1 + 1e-9


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_pickup_never_jumps_a_resting_value(value: float, positions: list[float]) -> None:
    """With every message late, the value only moves once the knob is on it or has passed it."""
    knob, previous = Takeover("pickup"), None
    for number, position in enumerate(positions):
        accepted = knob.accept(position, value, number * 1.0)
        if accepted is not None and previous is not None and abs(position - value) > THRESHOLD:
            assert abs(previous - value) <= THRESHOLD or (previous > value) != (position > value)
        if accepted is not None:
            value = accepted
        previous = position


def test_midi_knobs_pick_up_and_say_how_far(mapper: MakeMapper) -> None:
    knob = mapper(KNOB)
    values = {"macro/reaction": 0.5}
    assert knob.feed(cc(7, 20), values, 0.0) == ()
    assert knob.takeover(values) == (TakeoverStatus("Test: knob", "macro/reaction", round(0.5 - 20 / 127, 4)),)
    assert knob.feed(cc(7, 63), values, 1.0)[0].value == pytest.approx(63 / 127)
    assert knob.takeover(values) == ()


def test_state_is_per_control(mapper: MakeMapper) -> None:
    knobs = mapper(KNOB + '[[map]]\nfrom = "other"\nto = "macro/reaction"\n')
    values = {"macro/reaction": 0.5}
    assert knobs.feed(cc(7, 64), values, 0.0)
    assert knobs.feed(cc(8, 0), values, 0.01) == ()


def test_state_is_per_target(mapper: MakeMapper) -> None:
    knobs = mapper(KNOB + '[[map]]\nfrom = "knob"\nto = "macro/beat"\n')
    intents = knobs.feed(cc(7, 64), {"macro/reaction": 0.5, "macro/beat": 0.0}, 0.0)
    assert [intent.target for intent in intents] == ["macro/reaction"]


def test_coming_back_from_a_layer_picks_up_afresh(mapper: MakeMapper) -> None:
    """Mixxx #16947: the knob was turned elsewhere while the other layer was on."""
    knob = mapper(KNOB + '[[map]]\nfrom = "knob"\nto = "macro/beat"\nlayer = "fine"\n')
    values = {"macro/reaction": 0.25, "macro/beat": 0.75}
    assert knob.feed(cc(7, 32), values, 0.0)[0].target == "macro/reaction"
    knob.feed(note(27, 127), values, 0.01)
    assert knob.feed(cc(7, 33), values, 0.02) == ()
    assert knob.feed(cc(7, 96), values, 0.03)[0].target == "macro/beat"
    knob.feed(note(27, 0), values, 0.04)
    assert knob.feed(cc(7, 97), values, 0.05) == ()
    assert knob.feed(cc(7, 30), values, 0.06)[0].target == "macro/reaction"


def test_own_unit_ranges_meet_their_value(mapper: MakeMapper) -> None:
    """vace_context_scale spans 0..2: at 0.5 of its span it stands at 1.0, the middle of this knob's range."""
    knob = mapper(
        '[controls]\nknob = {cc = 7, ch = 1}\n[[map]]\nfrom = "knob"\nto = "param/vace_context_scale"\nrange = [0.5, 1.5]\n'
    )
    values = {"param/vace_context_scale": 0.5}
    assert knob.feed(cc(7, 10), values, 0.0) == ()
    assert knob.feed(cc(7, 64), values, 1.0)[0].value == pytest.approx(0.5 + 64 / 127)


def test_a_knob_with_few_values_meets_them_too(mapper: MakeMapper) -> None:
    knob = mapper('[controls]\nknob = {cc = 7, ch = 1}\n[[map]]\nfrom = "knob"\nto = "fx/hue"\nsteps = 3\n')
    assert knob.feed(cc(7, 64), {"fx/hue": 0.5}, 0.0)[0].value == 0.5
    assert knob.feed(cc(7, 80), {"fx/hue": 0.5}, 1.0)[0].value == 0.5
    assert knob.feed(cc(7, 110), {"fx/hue": 0.5}, 2.0)[0].value == 1.0


def test_osc_and_asked_for_knobs_jump(mapper: MakeMapper) -> None:
    text = '[controls]\nknob = {cc = 7, ch = 1}\n[[map]]\nfrom = ["knob", "osc:/k"]\nto = "fx/hue"\n'
    jumping = mapper(text + 'takeover = "jump"\n')
    assert jumping.feed(cc(7, 127), {"fx/hue": 0.0}, 0.0)[0].value == 1.0
    usual = mapper(text)
    assert usual.feed(cc(7, 127), {"fx/hue": 0.0}, 0.0) == ()
    assert usual.feed(osc("/k", 1.0), {"fx/hue": 0.0}, 0.0)[0].value == 1.0


def test_settings_choose_the_usual_way(mapper: MakeMapper) -> None:
    knob = mapper(KNOB, takeover="jump")
    assert knob.feed(cc(7, 127), {"macro/reaction": 0.0}, 0.0)[0].value == 1.0


def test_reload_keeps_what_is_in_the_hand(mapper: MakeMapper) -> None:
    knob = mapper(KNOB)
    knob.feed(cc(7, 64), {"macro/reaction": 0.5}, 0.0)
    same = mapper(KNOB + '[[map]]\nfrom = "other"\nto = "fx/hue"\n').mappings
    knob.replace(same)
    assert knob.feed(cc(7, 90), {"macro/reaction": 0.5}, 5.0), "prev was close: still in its hand"
    changed = mapper(KNOB + "invert = true\n").mappings
    knob.replace(changed)
    assert knob.feed(cc(7, 91), {"macro/reaction": 0.9}, 9.0) == ()
