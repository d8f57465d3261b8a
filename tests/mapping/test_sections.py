"""Parts of the track as buttons."""

from __future__ import annotations

from bridge.model.events import SectionEvent
from bridge.model.features import Section
from tests.mapping.makers import Load, MakeMapper


def part(section: Section, confidence: float = 0.8) -> SectionEvent:
    return SectionEvent(1.0, section, confidence)


def test_a_drop_fires_once_each_time(mapper: MakeMapper) -> None:
    made = mapper('[[map]]\nfrom = "section:drop"\nto = ["action/theme_next", "fx/zoom"]\n')
    for _ in range(2):
        assert made.feed(part("build_up"), {}, 1.0) == ()
        first, second = made.feed(part("drop"), {}, 1.0)
        assert (first.target, first.kind, first.origin) == ("action/theme_next", "trigger", "audio")
        assert (second.target, second.kind, second.value) == ("fx/zoom", "trigger", 1.0)
        assert made.feed(part("steady"), {}, 1.0) == ()


def test_a_value_holds_while_the_part_plays(mapper: MakeMapper) -> None:
    made = mapper('[[map]]\nfrom = "section:breakdown"\nto = "fx/trails"\nrange = [0.0, 0.6]\n')
    (down,) = made.feed(part("breakdown"), {}, 1.0)
    (up,) = made.feed(part("drop"), {}, 2.0)
    assert (down.value, up.value) == (0.6, 0.0)


def test_velocity_is_how_sure_the_ears_are(mapper: MakeMapper) -> None:
    made = mapper('[[map]]\nfrom = "section:drop"\nto = "fx/pulse"\nvelocity = true\n')
    assert made.feed(part("drop", 0.4), {}, 1.0)[0].value == 0.4


def test_values_are_stepped_through_from_drop_to_drop(mapper: MakeMapper) -> None:
    made = mapper('[[map]]\nfrom = "section:drop"\nto = "theme"\nvalues = ["a", "b"]\n')
    said = []
    for _ in range(3):
        said += [intent.value for intent in made.feed(part("drop"), {}, 1.0)]
        made.feed(part("steady"), {}, 1.0)
    assert said == ["a", "b", "a"]


def test_the_monitor_is_told_what_a_part_reaches(mapper: MakeMapper) -> None:
    made = mapper('[[map]]\nfrom = "section:drop"\nto = "action/theme_next"\n')
    (match,) = made.matches(part("drop"))
    assert match.endswith("section:drop to action/theme_next")
    assert made.matches(part("steady")) == ()


def test_a_misspelt_part_is_told(load: Load) -> None:
    _, issues = load('[[map]]\nfrom = "section:drops"\nto = "action/theme_next"\n')
    assert 'unknown section "drops".' in issues[0].message
    assert "drop" in issues[0].hint
