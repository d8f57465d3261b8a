"""Mapping files: what is wrong is said once, in the right line, and the good files stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.mapping import Mapper, describe, list_mappings, load_mappings, mapping_directories
from bridge.mapping.settings import MappingSettings
from tests.mapping.makers import HEAD, Load, cc

GOOD = """[controls]
knob = {cc = 7, ch = 1}
row = {cc = "16-19", ch = 1}
pad = {note = [1, 3], ch = 1}
"""
LINE = HEAD.count("\n") + GOOD.count("\n")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[[map]]\nfrom = "knb"\nto = "fx/hue"', 2, 'unknown control "knb". Did you mean "knob"?'),
        ('[[map]]\nfrom = "row.5"\nto = "fx/hue"', 2, 'no "row.5". The row row has 4 controls.'),
        ('[[map]]\nfrom = "row.3-9"\nto = "fx/hue"', 2, 'no "row.3-9". The row row has 4 controls.'),
        ('[[map]]\nfrom = "knob"\nto = "fx/hu"', 3, 'unknown effect. Did you mean "fx/hue"?'),
        ('[[map]]\nfrom = "knob"\nto = "macro/reactoin"', 3, 'unknown macro. Did you mean "macro/reaction"?'),
        ('[[map]]\nfrom = "pad.1"\nto = "action/tapp"', 3, 'unknown action. Did you mean "action/tap"?'),
        ('[[map]]\nfrom = "knob"\nto = "param/noise_scal"', 3, 'Did you mean "param/noise_scale"?'),
        ('[[map]]\nfrom = "knob"\nto = "param/glow"', 3, 'add plugin_params = ["glow"] under [about]'),
        ('[[map]]\nfrom = "knob"\nto = "param/reset_cache"', 3, 'Use "action/reset_cache".'),
        ('[[map]]\nfrom = "pad.1"\nto = "theme/Neon"', 3, "Theme names are lower case"),
        ('[[map]]\nfrom = "pad.1"\nto = "theme/neon-fondry"', 3, 'unknown theme. Did you mean "neon-foundry"?'),
        ('[[map]]\nfrom = "knob"\nto = "parm/noise_scale"', 3, "unknown target."),
        (
            '[[map]]\nfrom = "row"\nto = ["fx/hue", "fx/hue", "fx/hue", "fx/hue", "fx/hue"]',
            3,
            "5 targets for 4 controls.",
        ),
        ('[[map]]\nfrom = "signal:audio.energi"\nto = "fx/hue"', 2, 'Did you mean "audio.energy"?'),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\ncurve = "lineer"', 4, 'Did you mean "linear"?'),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\ncurve = 0', 4, "must be a power from 0.05 to 20"),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nmode = "absolut"', 4, 'Did you mean "absolute"?'),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nrange = [0.5, 0.5]', 4, "the two ends are the same"),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nrange = [0, 2]', 4, "takes numbers from 0 to 1"),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nrange = 0.5', 4, "must be two numbers"),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nsmooth = -1', 4, "must be seconds from 0 to 60"),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nsmooth = {atack = 1}', 4, "must be seconds from 0 to 60"),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\ndeadband = 2', 4, "less than or equal to 0.5"),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nvalues = []', 4, "must be a list of"),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\ninvrt = true', 4, 'unknown key. Did you mean "invert"?'),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nlayer = "fine"', 4, 'unknown layer "fine".'),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nretrigger = true', 4, '"retrigger" does nothing in mode "absolute".'),
        ('[[map]]\nfrom = "row"\nto = "fx/hue"\nvelocity = true', 4, '"velocity" does nothing in mode "absolute".'),
        ('[[map]]\nfrom = "pad.1"\nto = "action/tap"\nmode = "absolute"', 4, "is fired, not set."),
        ('[[map]]\nfrom = "pad.1"\nto = "action/tap"\nvalues = [1]', 4, "takes no value."),
        ('[[map]]\nfrom = "pad.1"\nto = "fx/hue"\nmode = "step"', 4, "needs something to step through."),
        ('[[map]]\nfrom = "pad.1"\nto = "fx/hue"\nmode = "trigger"', 4, "a trigger needs the value that it sets."),
        ('[[map]]\nfrom = "pad.1"\nto = "fx/hue"\nmode = "toggle"\nvalues = [0, 0.5, 1]', 5, "a toggle has two values"),
        ('[[map]]\nfrom = "pad.1"\nto = "fx/hue"\nmode = "relative"', 4, "endless encoder"),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nmode = "direct"', 4, "only OSC carries values"),
        ('[[map]]\nfrom = "knob"\nto = "theme"', 3, "needs values to choose from."),
        ('[[map]]\nfrom = "knob"\nto = "theme"\nvalues = [1, 2]', 4, "takes texts."),
        ('[[map]]\nfrom = "knob"\nto = "param/denoising_step_list"', 3, "needs values to choose from."),
        ('[[map]]\nfrom = "knob"\nto = "tempo/bpm"', 3, "needs a range."),
        (
            '[[map]]\nfrom = "pad"\nto = "theme"\nmode = "radio"\nvalues = ["a", "b", "c"]',
            5,
            "3 values for 2 controls.",
        ),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\n[[map]]\nfrom = "knob"\nto = "fx/hue"', 4, "is mapped twice."),
        ('[[map]]\nfrom = "knob"\nto = "fx/hue"\nwhen = {target = "fx/hew"}', 4, 'Did you mean "fx/hue"?'),
        ('[[map]]\nto = "fx/hue"', 1, "is missing."),
        ('[layers]\nfine = {control = "pda.1"}', 2, 'unknown control "pda.1".'),
        ("[layers]\nfine = {}", 2, "is missing."),
        ("[contrls]\nx = {cc = 1}", 1, 'unknown key. Did you mean "controls"?'),
        ("[program]\nlisten_port = 11001\nsend_port = 99999", 3, "less than or equal to 65535"),
        ('[program]\nlisten_port = 1\nsend_port = 2\nhello = ["live"]', 4, "each message is an address"),
    ],
)
def test_one_issue_in_the_right_line(load: Load, text: str, line: int, words: str) -> None:
    mappings, issues = load(GOOD + text, themes=["neon-foundry"])
    assert mappings.files == ()
    assert len(issues) == 1, issues
    assert issues[0].line == LINE + line
    assert words in f"{issues[0].message} {issues[0].hint}"


@pytest.mark.parametrize(
    ("control", "words"),
    [
        ("x = {cc = 128}", "128 is not between 0 and 127"),
        ("x = {cc14 = 32}", "32 is not between 0 and 31"),
        ("x = {cc = 1, ch = 17}", "17 is not between 1 and 16"),
        ("x = {cc = 1, note = 1}", "exactly one of"),
        ("x = {ch = 1}", "exactly one of"),
        ('x = {cc = "19-16"}', "is not a row"),
        ("x = {cc = true}", "must be a number"),
        ("x = {cc = []}", "a row has 1 to 256 numbers"),
        ("x = {cc = [1, 2, 3], ch = [1, 2]}", "3 numbers on 2 channels."),
        ("x = {note = 1, relative = 'twos_complement'}", "only a cc can be an endless encoder."),
        ('x = {osc = "fader"}', "not an OSC address."),
        ('x = {osc = "/fader*"}', "not an OSC address."),
        ('x = {osc = "/fader{n}"}', 'the key "n" belong together.'),
        ('x = {osc = "/fader", n = "1-8"}', 'the key "n" belong together.'),
        ('x = {osc = "/bridge/bpm"}', "always works by itself."),
        ('x = {osc = "/x", ch = 1}', "belong to MIDI."),
        ("x = {cc = 1, arg = 2}", "belong to OSC"),
        ("x = {cc = 1, progam = 2}", 'unknown key. Did you mean "program"?'),
        ('"a b" = {cc = 1}', "not a name for a control."),
    ],
)
def test_bad_controls(load: Load, control: str, words: str) -> None:
    _, issues = load(f"[controls]\n{control}\n")
    assert len(issues) == 1, issues
    assert issues[0].line == HEAD.count("\n") + 2
    assert words in f"{issues[0].message} {issues[0].hint}"


@pytest.mark.parametrize(
    ("head", "line", "words"),
    [
        ("", None, "is missing"),
        ('version = 2\n[about]\nname = "x"\n', 1, "Input should be 1"),
        ('version = 1\n[about]\nname = "x"\nmatch = "("\n', 4, "is not a regular expression"),
        ('version = 1\n[about]\nname = "x"\n', 2, "match is missing."),
        ('version = 1\n[about]\nname = "x"\nprofile = "akai_midimx"\n', 4, 'no mapping file "akai_midimx".'),
        ("version = 1\nname = \n", 2, "not valid TOML"),
    ],
)
def test_bad_heads(load: Load, head: str, line: int | None, words: str) -> None:
    _, issues = load("[controls]\nknob = {cc = 1}\n", head=head)
    assert issues[0].line == line
    assert words in issues[0].message


def test_every_mistake_is_told_at_once(load: Load) -> None:
    _, issues = load(GOOD + '[[map]]\nfrom = "knb"\nto = "fx/hue"\n[[map]]\nfrom = "knob"\nto = "fx/hu"\n')
    assert [issue.line for issue in issues] == [LINE + 2, LINE + 6]


def test_a_bad_file_is_left_out_and_good_ones_stay(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(HEAD + "[[map]]\n")
    (tmp_path / "good.toml").write_text(HEAD + GOOD)
    mappings, issues = load_mappings([tmp_path])
    assert [file.stem for file in mappings.files] == ["good"]
    assert {issue.source for issue in issues} == {str(tmp_path / "bad.toml")}


def test_users_files_take_the_place_of_shipped_ones(tmp_path: Path) -> None:
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    for directory, name in ((own, "Mine"), (shipped, "Theirs")):
        directory.mkdir()
        (directory / "box.toml").write_text(f'version = 1\n[about]\nname = "{name}"\n')
    mappings, issues = load_mappings([own, shipped])
    assert ([file.name for file in mappings.files], issues) == (["Mine"], [])
    (own / "box.toml").write_text("version = 1\n[abuot]\n")
    mappings, issues = load_mappings([own, shipped])
    assert [file.name for file in mappings.files] == ["Theirs"]
    assert "stands in" in issues[-1].message


def test_a_profile_lends_its_controls(tmp_path: Path) -> None:
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    own.mkdir()
    shipped.mkdir()
    (shipped / "box.toml").write_text(HEAD + GOOD + '[[map]]\nfrom = "knob"\nto = "fx/hue"\n')
    text = 'version = 1\n[about]\nname = "Mine"\nprofile = "box"\n[[map]]\nfrom = "knob"\nto = "fx/trails"\n'
    for stem in ("box", "mine"):
        (own / f"{stem}.toml").write_text(text)
        mappings, issues = load_mappings([own, shipped])
        assert issues == []
        assert [(file.stem, file.match) for file in mappings.files] == [(stem, "Box")]
        intents = Mapper(mappings).feed(cc(7, 1), {}, 0.0)
        assert [intent.target for intent in intents] == ["fx/trails"]
        (own / f"{stem}.toml").unlink()


def test_names_choose_files(tmp_path: Path) -> None:
    for stem in ("a", "b", "c"):
        (tmp_path / f"{stem}.toml").write_text(f'version = 1\n[about]\nname = "{stem}"\n')

    def chosen(*names: str) -> list[str]:
        return [file.stem for file in load_mappings([tmp_path], names)[0].files]

    assert chosen("auto") == ["a", "b", "c"]
    assert chosen("c", "a") == ["c", "a"]
    assert chosen("auto", "-b") == ["a", "c"]
    assert chosen() == []
    assert load_mappings([tmp_path], ["aa"])[1][0].hint == 'Did you mean "a"?'


def test_directories_follow_xdg(tmp_path: Path) -> None:
    own, shipped = mapping_directories(MappingSettings(), {"XDG_CONFIG_HOME": str(tmp_path)})
    assert own == tmp_path / "scope-bridge" / "mappings"
    assert (shipped / "akai_midimix.toml").is_file()
    assert mapping_directories(MappingSettings(directory="/elsewhere"))[0] == Path("/elsewhere")


def test_listing_and_showing(load: Load) -> None:
    mappings, _ = load(
        GOOD + '[[map]]\nfrom = "knob"\nto = "param/noise_scale"\nrange = [0.3, 0.9]\ninvert = true\ncurve = 2\n'
    )
    (info,) = list_mappings(mappings)
    assert (info.name, info.title, info.device, info.controls, info.mappings) == ("mine", "Test", "Box", 7, 1)
    shown = describe(mappings.files[0])
    assert "knob  param/noise_scale  (cc 7 ch 1; absolute; 0.3 to 0.9; inverted; curve 2.0; pickup)" in shown


def test_rows_and_channels(load: Load) -> None:
    mappings, issues = load(
        '[controls]\na = {cc = 7, ch = "1-3"}\nb = {cc = [1, 2], ch = [5, 6]}\nc = {osc = "/f/{n}", n = "1-2"}\n'
        'd = {osc = ["/x", "/y"]}\n'
    )
    assert issues == []
    assert [f"{c.name} {c.source}" for c in mappings.files[0].controls] == [
        "a.1 cc 7 ch 1",
        "a.2 cc 7 ch 2",
        "a.3 cc 7 ch 3",
        "b.1 cc 1 ch 5",
        "b.2 cc 2 ch 6",
        "c.1 /f/1",
        "c.2 /f/2",
        "d.1 /x",
        "d.2 /y",
    ]
