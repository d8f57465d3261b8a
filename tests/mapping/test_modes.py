"""What each mode makes of presses, turns and values."""

from __future__ import annotations

import pytest

from bridge.mapping import Mapper, MappingSet
from bridge.mapping.slots import decode_ticks
from bridge.model.facts import ParamSpec, PipelineSchema
from bridge.model.targets import Intent
from tests.mapping.makers import MakeMapper, cc, midi, note, osc

BOX = """
[controls]
knob = {cc = 7, ch = 1}
encoder = {cc = 9, ch = 1, relative = "twos_complement"}
pad = {note = "36-39", ch = 1}
button = {cc = 20, ch = 1}
bend = {pitch_bend = true, ch = 1}
fine = {cc14 = 0, ch = 1}
program = {program = [0, 1]}
pressure = {aftertouch = true, ch = 1}
key_pressure = {aftertouch = 60, ch = 1}
"""


def one(start: str, target: str, more: str = "") -> str:
    return f'{BOX}[[map]]\nfrom = "{start}"\nto = "{target}"\n{more}\n'


def told(intents: tuple[Intent, ...]) -> list[tuple[str, str, object]]:
    return [(intent.target, intent.kind, intent.value) for intent in intents]


def test_parameters_without_a_range_are_normalised(mapper: MakeMapper) -> None:
    (intent,) = mapper(one("knob", "param/noise_scale")).feed(cc(7, 127), {}, 0.0)
    assert intent == Intent(0.0, "param/noise_scale", "set", 1.0, True, "midi:Box MIDI 1")


def test_a_range_is_in_the_targets_own_unit(mapper: MakeMapper) -> None:
    (intent,) = mapper(one("knob", "param/noise_scale", "range = [0.3, 0.9]")).feed(cc(7, 0), {}, 0.0)
    assert (intent.value, intent.normalised) == (0.3, False)


@pytest.mark.parametrize(
    ("start", "event", "value"),
    [
        ("knob", cc(7, 127), 1.0),
        ("bend", midi("pitch_bend", 0, 8192), 8192 / 16383),
        ("fine", midi("cc14", 0, 16383), 1.0),
        ("pressure", midi("aftertouch", 0, 127), 1.0),
        ("key_pressure", midi("poly_aftertouch", 60, 127), 1.0),
    ],
)
def test_every_midi_source(mapper: MakeMapper, start: str, event: object, value: float) -> None:
    (intent,) = mapper(one(start, "fx/hue")).feed(event, {}, 0.0)  # type: ignore[arg-type]
    assert intent.value == pytest.approx(value)


def test_other_channels_ports_and_numbers_are_not_ours(mapper: MakeMapper) -> None:
    knob = mapper(one("knob", "fx/hue"))
    assert knob.feed(cc(7, 1, channel=2), {}, 0.0) == ()
    assert knob.feed(cc(8, 1), {}, 0.0) == ()
    assert knob.feed(cc(7, 1, port="Other"), {}, 0.0) == ()
    assert knob.feed(cc(7, 1, port="my BOX 2"), {}, 0.0)


def test_no_channel_means_any(mapper: MakeMapper) -> None:
    knob = mapper('[controls]\nknob = {cc = 7}\n[[map]]\nfrom = "knob"\nto = "fx/hue"\n')
    assert all(knob.feed(cc(7, 1, channel=channel), {}, 0.0) for channel in range(1, 17))


def test_input_cuts_the_travel(mapper: MakeMapper) -> None:
    knob = mapper(one("knob", "fx/hue", "input = [20, 100]"))
    assert [knob.feed(cc(7, raw), {}, 0.0)[0].value for raw in (0, 20, 60, 100, 127)] == [0, 0, 0.5, 1, 1]


def test_deadband_ignores_jitter_but_never_the_ends(mapper: MakeMapper) -> None:
    knob = mapper(one("knob", "fx/hue", "deadband = 0.05"))
    assert [bool(knob.feed(cc(7, raw), {}, 0.0)) for raw in (60, 62, 58, 70, 126, 127)] == [1, 0, 0, 1, 1, 1]


def test_values_are_said_once(mapper: MakeMapper) -> None:
    knob = mapper(one("knob", "theme", 'values = ["neon-foundry", "digital-forest"]'))
    assert [told(knob.feed(cc(7, raw), {}, 0.0)) for raw in (0, 30, 100, 127)] == [
        [("theme", "set", "neon-foundry")],
        [],
        [("theme", "set", "digital-forest")],
        [],
    ]


def test_lists_of_numbers_can_be_chosen(mapper: MakeMapper) -> None:
    knob = mapper(one("knob", "param/denoising_step_list", "values = [[1000, 750], [1000, 750, 500, 250]]"))
    assert knob.feed(cc(7, 127), {}, 0.0)[0].value == (1000, 750, 500, 250)


@pytest.mark.parametrize(
    ("encoding", "raw", "ticks"),
    [
        ("twos_complement", 1, 1),
        ("twos_complement", 63, 63),
        ("twos_complement", 127, -1),
        ("twos_complement", 65, -63),
        ("binary_offset", 65, 1),
        ("binary_offset", 63, -1),
        ("binary_offset", 64, 0),
        ("sign_magnitude", 1, 1),
        ("sign_magnitude", 65, -1),
        ("sign_magnitude", 0x43, -3),
    ],
)
def test_encoders_count(encoding: str, raw: int, ticks: int) -> None:
    assert decode_ticks(raw, encoding) == ticks  # type: ignore[arg-type]


def test_relative_moves_from_where_the_target_stands(mapper: MakeMapper) -> None:
    encoder = mapper(one("encoder", "fx/hue", "step = 0.1"))
    assert encoder.feed(cc(9, 1), {"fx/hue": 0.3}, 0.0)[0].value == pytest.approx(0.4)
    assert encoder.feed(cc(9, 1), {"fx/hue": 0.3}, 0.1)[0].value == pytest.approx(0.5), "the value is still on its way"
    assert encoder.feed(cc(9, 127), {"fx/hue": 0.9}, 9.0)[0].value == pytest.approx(0.8)
    assert encoder.feed(cc(9, 63), {"fx/hue": 0.9}, 20.0)[0].value == 1.0


def test_trigger_fires_on_the_press_only(mapper: MakeMapper) -> None:
    pad = mapper(one("pad.1", "action/tap"))
    assert told(pad.feed(note(36, 3), {}, 0.0)) == [("action/tap", "trigger", None)]
    assert pad.feed(note(36, 0), {}, 0.1) == ()


def test_velocity_is_strength(mapper: MakeMapper) -> None:
    pad = mapper(one("pad.1", "fx/pulse", "velocity = true"))
    assert pad.feed(note(36, 127), {}, 0.0)[0].value == 1.0
    assert pad.feed(note(36, 32), {}, 0.0)[0].value == pytest.approx(32 / 127)
    assert told(mapper(one("pad.1", "fx/pulse")).feed(note(36, 32), {}, 0.0)) == [("fx/pulse", "trigger", 1.0)]


def test_cc_buttons_fire_when_they_rise(mapper: MakeMapper) -> None:
    button = mapper(one("button", "action/tap"))
    assert [bool(button.feed(cc(20, raw), {}, 0.0)) for raw in (127, 127, 0, 63, 64, 0)] == [1, 0, 0, 0, 1, 0]
    again = mapper(one("button", "action/tap", "retrigger = true"))
    assert [bool(again.feed(cc(20, raw), {}, 0.0)) for raw in (127, 127)] == [1, 1]


def test_a_trigger_sets_its_value(mapper: MakeMapper) -> None:
    pad = mapper(one("pad.1", "macro/reaction", 'mode = "trigger"\nvalues = [0.5]'))
    assert told(pad.feed(note(36, 1), {}, 0.0)) == [("macro/reaction", "set", 0.5)]


def test_held_actions_say_when_they_are_let_go(mapper: MakeMapper) -> None:
    pad = mapper(one("pad.1", "action/freeze"))
    assert told(pad.feed(note(36, 9), {}, 0.0)) == [("action/freeze", "trigger", None)]
    assert told(pad.feed(note(36, 0), {}, 0.0)) == [("action/freeze", "release", None)]
    assert pad.feed(note(36, 0), {}, 0.0) == ()


@pytest.mark.parametrize(
    ("target", "more", "on", "off"),
    [
        ("fx/trails", "", ("set", 1.0), ("set", 0.0)),
        ("macro/beat", "", ("set", 1.0), ("release", None)),
        ("param/noise_scale", "", ("set", 1.0), ("release", None)),
        ("param/noise_scale", "range = [0.2, 0.8]", ("set", 0.8), ("set", 0.2)),
        ("param/noise_scale", "values = [0.8]", ("set", 0.8), ("release", None)),
        ("param/noise_controller", "", ("set", True), ("set", False)),
    ],
)
def test_momentary_is_on_while_held(
    mapper: MakeMapper, target: str, more: str, on: tuple[str, object], off: tuple[str, object]
) -> None:
    pad = mapper(one("pad.1", target, f'mode = "momentary"\n{more}'))
    assert told(pad.feed(note(36, 5), {}, 0.0)) == [(target, *on)]
    assert told(pad.feed(note(36, 0), {}, 0.0)) == [(target, *off)]


def test_toggle_turns_over_what_the_target_is(mapper: MakeMapper) -> None:
    pad = mapper(one("pad.1", "fx/trails", 'mode = "toggle"'))
    assert told(pad.feed(note(36, 5), {"fx/trails": 0.0}, 0.0)) == [("fx/trails", "set", 1.0)]
    assert told(pad.feed(note(36, 5), {"fx/trails": 0.0}, 0.0)) == [("fx/trails", "set", 1.0)], "others set it to 0"
    assert told(pad.feed(note(36, 5), {"fx/trails": 1.0}, 0.0)) == [("fx/trails", "set", 0.0)]
    assert told(pad.feed(note(36, 5), {}, 0.0)) == [("fx/trails", "set", 1.0)], "unknown: the last press counts"


def test_step_cycles(mapper: MakeMapper) -> None:
    pad = mapper(one("pad.1", "theme", 'values = ["a", "b", "c"]'))
    assert [pad.feed(note(36, 5), {}, 0.0)[0].value for _ in range(4)] == ["a", "b", "c", "a"]
    back = mapper(one("pad.1", "fx/hue", 'mode = "step"\nsteps = 3\nstep = -1'))
    assert [back.feed(note(36, 5), {}, 0.0)[0].value for _ in range(4)] == [1.0, 0.5, 0.0, 1.0]
    assert back.feed(note(36, 5), {"fx/hue": 0.55}, 0.0)[0].value == 0.0, "steps on from the target's own value"


def test_radio_switches_the_one_before_off(mapper: MakeMapper) -> None:
    pads = mapper(f'{BOX}[[map]]\nfrom = "pad.1-2"\nto = ["fx/trails", "fx/hue"]\nmode = "radio"\n')
    assert told(pads.feed(note(36, 5), {}, 0.0)) == [("fx/trails", "set", 1.0)]
    assert pads.feed(note(36, 0), {}, 0.0) == ()
    assert told(pads.feed(note(37, 5), {}, 0.0)) == [("fx/trails", "set", 0.0), ("fx/hue", "set", 1.0)]
    assert told(pads.feed(note(37, 5), {}, 0.0)) == [("fx/hue", "set", 1.0)]


def test_radio_chooses_among_values(mapper: MakeMapper) -> None:
    pads = mapper(f'{BOX}[[map]]\nfrom = "pad.1-2"\nto = "theme"\nmode = "radio"\nvalues = ["a", "b"]\n')
    assert told(pads.feed(note(37, 5), {}, 0.0)) == [("theme", "set", "b")]
    assert told(pads.feed(note(36, 5), {}, 0.0)) == [("theme", "set", "a")]


def test_program_change_is_a_press(mapper: MakeMapper) -> None:
    program = mapper(f'{BOX}[[map]]\nfrom = "program"\nto = ["theme/a", "theme/b"]\n')
    assert told(program.feed(midi("program", 1, 1), {}, 0.0)) == [("theme/b", "trigger", None)]
    assert told(program.feed(midi("program", 0, 0), {}, 0.0)) == [("theme/a", "trigger", None)]


def test_one_control_to_many_targets(mapper: MakeMapper) -> None:
    knob = mapper(f'{BOX}[[map]]\nfrom = "knob"\nto = ["fx/hue", "macro/beat"]\n')
    assert [intent.target for intent in knob.feed(cc(7, 1), {}, 0.0)] == ["fx/hue", "macro/beat"]


def test_when_looks_at_a_value(mapper: MakeMapper) -> None:
    knob = mapper(one("knob", "fx/hue", 'when = {target = "macro/reaction", above = 0.5}'))
    assert knob.feed(cc(7, 1), {"macro/reaction": 0.6}, 0.0)
    assert knob.feed(cc(7, 2), {"macro/reaction": 0.4}, 0.0) == ()
    assert knob.feed(cc(7, 2), {}, 0.0) == ()


def test_layers_take_the_place_of_the_base(mapper: MakeMapper) -> None:
    shifted = mapper(
        f"""{BOX}[layers]
fine = {{control = "pad.1"}}
page = {{control = "pad.2", mode = "toggle"}}
[[map]]
from = ["knob", "button"]
to = ["fx/hue", "action/tap"]
[[map]]
from = "knob"
to = "fx/trails"
layer = "fine"
[[map]]
from = "knob"
to = "macro/beat"
layer = "page"
"""
    )

    def turned() -> str:
        return shifted.feed(cc(7, 64), {}, 0.0)[0].target

    assert turned() == "fx/hue"
    shifted.feed(note(36, 1), {}, 0.0)
    assert turned() == "fx/trails"
    assert shifted.feed(cc(20, 127), {}, 0.0)[0].target == "action/tap", "not on the layer: as before"
    shifted.feed(note(37, 1), {}, 0.0)
    shifted.feed(note(37, 0), {}, 0.0)
    assert turned() == "macro/beat", "the layer switched on last counts"
    shifted.feed(note(36, 0), {}, 0.0)
    assert turned() == "macro/beat", "a toggled layer stays"
    shifted.feed(note(37, 1), {}, 0.0)
    assert turned() == "fx/hue"


def test_what_was_pressed_on_a_layer_is_released_there(mapper: MakeMapper) -> None:
    pads = mapper(
        f'{BOX}[layers]\nfine = {{control = "pad.4"}}\n[[map]]\nfrom = "pad.1"\nto = "fx/trails"\n'
        '[[map]]\nfrom = "pad.1"\nto = "fx/hue"\nlayer = "fine"\n'
    )
    pads.feed(note(36, 9), {}, 0.0)
    pads.feed(note(39, 9), {}, 0.0)
    assert told(pads.feed(note(36, 0), {}, 0.0)) == [("fx/trails", "set", 0.0)]


def test_osc_arguments_and_ranges(mapper: MakeMapper) -> None:
    pad = mapper('[controls]\nxy = {osc = "/xy", arg = 1, input = [0, 127]}\n[[map]]\nfrom = "xy"\nto = "fx/hue"\n')
    assert pad.feed(osc("/xy", 3, 127), {}, 0.0)[0].value == 1.0
    assert pad.feed(osc("/xy", 3, "63.5"), {}, 0.0)[0].value == 0.5
    assert pad.feed(osc("/xy", 3), {}, 0.0) == ()
    assert pad.feed(osc("/xy"), {}, 0.0) == ()


def test_osc_buttons_fire_on_every_message(mapper: MakeMapper) -> None:
    button = mapper('[[map]]\nfrom = "osc:/go"\nto = "action/theme_next"\n')
    assert [bool(button.feed(osc("/go", *args), {}, 0.0)) for args in ((), (True,), (1,), (0.2,), (0,), (False,))] == [
        1,
        1,
        1,
        1,
        0,
        0,
    ]


def test_direct_values_are_in_the_targets_own_unit(mapper: MakeMapper) -> None:
    direct = mapper('[[map]]\nfrom = "osc:/v"\nto = "param/vace_context_scale"\nmode = "direct"\n')
    (intent,) = direct.feed(osc("/v", 1.5), {}, 0.0)
    assert (intent.value, intent.normalised) == (1.5, False)


def test_the_schema_says_where_values_stand(mapper: MakeMapper) -> None:
    knob = mapper(one("knob", "param/noise_scale", "range = [0, 1]"))
    knob.set_schema(
        PipelineSchema("x", ("text",), "text", {"noise_scale": ParamSpec("noise_scale", "number", 0.0, 4.0)})
    )
    assert knob.feed(cc(7, 127), {"param/noise_scale": 0.25}, 0.0), "a quarter of 0..4 is the top of 0..1"


def test_reload_keeps_toggled_layers_and_drops_held_ones(mapper: MakeMapper) -> None:
    text = f"""{BOX}[layers]
held = {{control = "pad.1"}}
page = {{control = "pad.2", mode = "toggle"}}
[[map]]
from = "knob"
to = "fx/hue"
[[map]]
from = "knob"
to = "fx/trails"
layer = "held"
[[map]]
from = "knob"
to = "macro/beat"
layer = "page"
"""
    shifted = mapper(text)
    shifted.feed(note(37, 1), {}, 0.0)
    shifted.feed(note(36, 1), {}, 0.0)
    assert shifted.feed(cc(7, 9), {}, 0.0)[0].target == "fx/trails"
    shifted.replace(mapper(text).mappings)
    assert shifted.feed(cc(7, 9), {}, 0.0)[0].target == "macro/beat"
    shifted.feed(note(36, 0), {}, 0.0)
    assert shifted.feed(cc(7, 9), {}, 0.0)[0].target == "macro/beat"


def test_monitor_sees_which_mapping_an_event_reaches(mapper: MakeMapper) -> None:
    knob = mapper(one("knob", "fx/hue"))
    assert knob.matches(cc(7, 1)) == ("mine: knob to fx/hue",)
    assert knob.matches(cc(8, 1)) == ()
    assert knob.matches(osc("/nobody", 1)) == ()


def test_one_bad_message_of_a_mapped_address_is_told(mapper: MakeMapper) -> None:
    told: list[tuple[str, str, str]] = []
    mappings = mapper('[[map]]\nfrom = "osc:/k"\nto = "fx/hue"\n').mappings
    knob = Mapper(mappings, reject=lambda *words: told.append(words))
    assert knob.feed(osc("/k", "loud"), {}, 0.0) == ()
    assert knob.feed(osc("/k"), {}, 0.0) == ()
    assert told == [
        ("osc:127.0.0.1:9700", "not a number", "/k 'loud'. Send a number, such as 0.5."),
        ("osc:127.0.0.1:9700", "no value", "osc:/k to fx/hue: (). Send one number."),
    ]


def test_a_port_may_carry_two_files(mapper: MakeMapper) -> None:
    first, second = mapper(one("knob", "fx/hue")).mappings, mapper(one("knob", "fx/trails"), stem="other").mappings
    both = Mapper(MappingSet(first.files + second.files))
    assert [intent.target for intent in both.feed(cc(7, 1), {}, 0.0)] == ["fx/hue", "fx/trails"]
    assert both.wanted_ports == ("Box",)
