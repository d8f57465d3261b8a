"""The shipped files say what the makers' documents and the sources in inputs.md section 4 say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.mapping import Mapper, MappingFile, load_mappings, mapping_directories
from bridge.model.events import OscEvent
from bridge.model.targets import ACTIONS, EFFECTS
from tests.mapping.makers import cc, midi, note, osc

THEMES = ["cosmic-voyage", "neon-foundry", "digital-forest", "synthwave-highway", "crystal-sanctuary"]
SHIPPED, ISSUES = load_mappings([mapping_directories()[1]], themes=THEMES)
FILES = {file.stem: file for file in SHIPPED.files}


def row(kind: str, numbers: list[int], channel: int | None = 1) -> list[tuple[str, int, int | None]]:
    return [(kind, number, channel) for number in numbers]


def sources(file: MappingFile, name: str) -> list[tuple[str, int, int | None]]:
    found = [c.source for c in file.controls if c.name == name or c.name.startswith(f"{name}.")]
    return [(source.kind, source.number, source.channel) for source in found]


def span(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


FACTS: dict[str, dict[str, list[tuple[str, int, int | None]]]] = {
    "akai_midimix": {
        "knob_row1": row("cc", [16, 20, 24, 28, 46, 50, 54, 58]),
        "knob_row2": row("cc", [17, 21, 25, 29, 47, 51, 55, 59]),
        "knob_row3": row("cc", [18, 22, 26, 30, 48, 52, 56, 60]),
        "fader": row("cc", [19, 23, 27, 31, 49, 53, 57, 61]),
        "master": row("cc", [62]),
        "mute": row("note", [1, 4, 7, 10, 13, 16, 19, 22]),
        "rec_arm": row("note", [3, 6, 9, 12, 15, 18, 21, 24]),
        "bank_left": row("note", [25]),
        "bank_right": row("note", [26]),
        "solo": row("note", [27]),
    },
    "korg_nanokontrol2": {
        "fader": row("cc", span(0, 7)),
        "knob": row("cc", span(16, 23)),
        "solo": row("cc", span(32, 39)),
        "mute": row("cc", span(48, 55)),
        "rec": row("cc", span(64, 71)),
        "play": row("cc", [41]),
        "stop": row("cc", [42]),
        "rewind": row("cc", [43]),
        "forward": row("cc", [44]),
        "record": row("cc", [45]),
        "cycle": row("cc", [46]),
        "marker_set": row("cc", [60]),
        "marker_left": row("cc", [61]),
        "marker_right": row("cc", [62]),
        "track_left": row("cc", [58]),
        "track_right": row("cc", [59]),
    },
    "akai_apc_mini_mk1": {
        "pad": row("note", span(0, 63), None),
        "bottom": row("note", span(64, 71), None),
        "side": row("note", span(82, 89), None),
        "shift": row("note", [98], None),
        "fader": row("cc", span(48, 56), None),
    },
    "akai_apc_mini_mk2": {
        "pad": row("note", span(0, 63), None),
        "track": row("note", span(100, 107), None),
        "scene": row("note", span(112, 119), None),
        "shift": row("note", [122], None),
        "fader": row("cc", span(48, 56), None),
    },
    "novation_launch_control_xl": {
        "send_a": row("cc", span(13, 20), None),
        "send_b": row("cc", span(29, 36), None),
        "pan": row("cc", span(49, 56), None),
        "fader": row("cc", span(77, 84), None),
        "focus": row("note", [41, 42, 43, 44, 57, 58, 59, 60], None),
        "control": row("note", [73, 74, 75, 76, 89, 90, 91, 92], None),
        "nav": row("cc", [104, 105, 106, 107], None),
    },
    "behringer_xtouch_mini": {
        "encoder_a": row("cc", span(1, 8), 11),
        "encoder_b": row("cc", span(11, 18), 11),
        "push_a": row("note", span(0, 7), 11),
        "push_b": row("note", span(24, 31), 11),
        "button_a": row("note", span(8, 23), 11),
        "button_b": row("note", span(32, 47), 11),
        "fader_a": row("cc", [9], 11),
        "fader_b": row("cc", [10], 11),
    },
    "midi_fighter_twister": {"encoder": row("cc", span(0, 15), 1), "push": row("cc", span(0, 15), 2)},
    "arturia_beatstep": {
        "encoder": row("cc", [10, 74, 71, 76, 77, 93, 73, 75, 114, 18, 19, 16, 17, 91, 79, 72]),
        "big_knob": row("cc", [7]),
        "pad_top": row("note", span(44, 51)),
        "pad_bottom": row("note", span(36, 43)),
    },
    "pioneer_ddj_400": {
        "deck1_play": row("note", [11], 1),
        "deck2_play": row("note", [11], 2),
        "deck1_cue": row("note", [12], 1),
        "deck1_shift": row("note", [63], 1),
        "deck2_sync": row("note", [88], 2),
        "deck1_jog": row("cc", [34], 1),
        "deck1_tempo": row("cc14", [0], 1),
        "deck2_fader": row("cc14", [19], 2),
        "deck1_trim": row("cc14", [4], 1),
        "deck1_eq_high": row("cc14", [7], 1),
        "deck1_eq_mid": row("cc14", [11], 1),
        "deck1_eq_low": row("cc14", [15], 1),
        "crossfader": row("cc14", [31], 7),
        "deck1_filter": row("cc14", [23], 7),
        "deck2_filter": row("cc14", [24], 7),
        "beat_fx_level": row("cc", [2], 5),
        "beat_fx_on": row("note", [71], 5),
        "deck1_sampler": row("note", span(48, 55), 8),
        "deck2_sampler": row("note", span(48, 55), 10),
    },
    "xone_k2": {
        "encoder": row("cc", span(0, 3), 15),
        "pot": row("cc", span(4, 15), 15),
        "fader": row("cc", span(16, 19), 15),
        "button": row("note", span(24, 55), 15),
    },
}

PORTS = {
    "akai_midimix": ["MIDI Mix", "MIDI Mix MIDI 1"],
    "korg_nanokontrol2": ["nanoKONTROL2 SLIDER/KNOB", "nanoKONTROL2:nanoKONTROL2 MIDI 1"],
    "akai_apc_mini_mk1": ["APC MINI MIDI 1"],
    "akai_apc_mini_mk2": ["APC mini mk2 Control"],
    "novation_launch_control_xl": ["Launch Control XL", "Launch Control XL HUI"],
    "behringer_xtouch_mini": ["X-TOUCH MINI MIDI 1"],
    "midi_fighter_twister": ["Midi Fighter Twister"],
    "arturia_beatstep": ["Arturia BeatStep MIDI 1"],
    "pioneer_ddj_400": ["DDJ-400 MIDI 1"],
    "xone_k2": ["XONE:K2 MIDI 1"],
}


def test_every_file_loads_without_issues() -> None:
    assert ISSUES == []
    assert set(FACTS) | {"abletonosc", "touchdesigner", "resolume", "open_stage_control", "virtualdj"} == set(FILES)


@pytest.mark.parametrize(("stem", "name"), [(stem, name) for stem, rows in FACTS.items() for name in rows])
def test_numbers_and_channels_are_the_facts(stem: str, name: str) -> None:
    assert sources(FILES[stem], name) == FACTS[stem][name]


@pytest.mark.parametrize("stem", PORTS)
def test_each_controller_finds_its_own_port_only(stem: str) -> None:
    import re

    for port in PORTS[stem]:
        found = [file.stem for file in SHIPPED.files if file.match and re.search(file.match, port, re.IGNORECASE)]
        assert found == [stem]


def test_another_xl_is_not_taken_for_this_one() -> None:
    import re

    assert not re.search(FILES["novation_launch_control_xl"].match, "Launch Control XL 3", re.IGNORECASE)


def test_a_midimix_evening() -> None:
    mapper, port = Mapper(SHIPPED), "MIDI Mix MIDI 1"
    (noise,) = mapper.feed(cc(16, 127, port=port), {}, 0.0)
    assert (noise.target, noise.value, noise.normalised) == ("param/noise_scale", 1.0, True)
    (fine,) = (mapper.feed(note(27, 127, port=port), {}, 0.0), *[mapper.feed(cc(16, 127, port=port), {}, 0.0)])[1]
    assert (fine.value, fine.normalised) == (0.68, False)
    assert [mapper.feed(note(n, 127, port=port), {}, 0.0)[0].target for n in (1, 4, 7, 10, 13)] == [
        f"theme/{slug}" for slug in THEMES
    ]
    assert mapper.feed(note(24, 127, port=port), {}, 0.0)[0].target == "action/panic"


def test_a_nanokontrol_evening() -> None:
    mapper, port = Mapper(SHIPPED), "nanoKONTROL2 SLIDER/KNOB"
    assert [mapper.feed(cc(n, 127, port=port), {}, 0.0)[0].target for n in (32, 33, 34, 35, 36)] == [
        f"theme/{slug}" for slug in THEMES
    ]
    assert [mapper.feed(cc(41, raw, port=port), {}, 0.0) != () for raw in (127, 0, 127)] == [True, False, True]
    assert mapper.feed(cc(7, 0, port=port), {}, 0.0)[0].target == "macro/brightness"


def test_ddj_400_faders_are_14_bit() -> None:
    mapper = Mapper(SHIPPED)
    assert {pair.port for pair in mapper.cc14} == {"DDJ-400"}
    assert {pair.number for pair in mapper.cc14 if pair.channel == 7} == {31, 23, 24}
    (hue,) = mapper.feed(midi("cc14", 31, 16383, channel=7, port="DDJ-400 MIDI 1"), {}, 0.0)
    assert (hue.target, hue.value) == ("fx/hue", 1.0)
    jogs = [c.relative for c in FILES["pioneer_ddj_400"].controls if c.name.endswith("_jog")]
    assert jogs == ["binary_offset", "binary_offset"]


def test_abletonosc_is_greeted() -> None:
    (program,) = Mapper(SHIPPED).programs
    assert (program.name, program.listen_port, program.send_port) == ("AbletonOSC", 11001, 11000)
    assert [address for address, _ in program.hello] == [
        "/live/test",
        "/live/song/start_listen/tempo",
        "/live/song/start_listen/is_playing",
        "/live/song/start_listen/beat",
    ]
    assert program.restart_address == "/live/startup"


def test_abletonosc_as_recorded() -> None:
    """What AbletonOSC really sent, from the capture, becomes tempo, beats and transport."""
    capture = Path(__file__).parents[1] / "fixtures" / "captures" / "osc_abletonosc_stub.json"
    mapper, intents = Mapper(SHIPPED), []
    for packet in json.loads(capture.read_text())["packets"]:
        for message in packet["means"]:
            event = OscEvent(
                packet["t"], "127.0.0.1:11001", ("127.0.0.1", 11000), message["address"], tuple(message["args"])
            )
            intents += [(intent.target, intent.value) for intent in mapper.feed(event, {}, packet["t"])]
    assert intents[:4] == [
        ("tempo/bpm", 120.0),
        ("tempo/playing", False),
        ("tempo/bpm", 120.0),
        ("tempo/playing", False),
    ]
    assert [value for target, value in intents if target == "tempo/beat"][:6] == [0, 1, 2, 3, 4, 5]
    assert ("tempo/bpm", 128.0) in intents
    assert mapper.is_trigger("/live/song/get/beat")
    assert not mapper.is_trigger("/live/song/get/tempo")


def test_touchdesigner_channels() -> None:
    mapper = Mapper(SHIPPED)
    (noise,) = mapper.feed(osc("/noise_scale", 0.4, 0.5, 0.55), {}, 0.0)
    assert (noise.target, noise.value, noise.normalised) == ("param/noise_scale", 0.55, False)
    fired = [len(mapper.feed(osc("/pulse", level), {}, 0.0)) for level in (0.0, 1.0, 1.0, 1.0, 0.0, 1.0)]
    assert fired == [0, 1, 0, 0, 0, 1]
    assert mapper.feed(osc("/bpm", 127.5), {}, 0.0)[0].target == "tempo/bpm"
    assert not mapper.is_trigger("/noise_scale")
    assert mapper.is_trigger("/pulse")


def test_resolume_addresses() -> None:
    mapper = Mapper(SHIPPED)
    assert mapper.feed(osc("/composition/columns/2/connect", 1), {}, 0.0)[0].target == "theme/neon-foundry"
    assert mapper.feed(osc("/composition/layers/1/video/opacity", 0.5), {}, 0.0)[0].value == 0.5
    assert mapper.feed(osc("/composition/tempocontroller/tempotap", 1), {}, 0.0)[0].target == "action/tap"


def test_virtualdj_pads_and_knobs() -> None:
    mapper = Mapper(SHIPPED)
    assert mapper.feed(osc("/os2l/btn/blackout", 1.0), {}, 0.0)[0].target == "action/blackout"
    assert mapper.feed(osc("/os2l/btn/blackout", 0.0), {}, 0.1)[0].kind == "release"
    assert mapper.feed(osc("/os2l/btn/neon-foundry", 1.0), {}, 0.0)[0].target == "theme/neon-foundry"
    assert mapper.feed(osc("/os2l/cmd/1", 75.0), {}, 0.0)[0].value == 0.75


def test_targets_exist() -> None:
    for file in SHIPPED.files:
        for rule in file.rules:
            kind, _, name = rule.target.partition("/")
            assert kind != "action" or name in ACTIONS
            assert kind != "fx" or name in EFFECTS


def test_every_file_has_a_full_header() -> None:
    for file in SHIPPED.files:
        assert file.name
        assert file.description
        assert file.author
        assert file.rules
