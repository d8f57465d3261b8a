"""Parts of the track and the theme's variations for them."""

from __future__ import annotations

import pytest

from bridge.model.beatgrid import BeatGrid
from bridge.model.errors import ConfigurationError
from bridge.model.events import SectionEvent
from bridge.model.features import Section
from bridge.show import ShowSettings

from .player import THEME, Player, theme_of

PARTS = (
    THEME
    + """
[[variations]]
trigger = "section"
sections = ["drop"]
prompts = ["first drop", "second drop"]
blend_s = "2 beats"
[[variations]]
trigger = "section"
sections = ["build_up", "breakdown"]
prompts = ["waiting"]
blend_s = 3.0
"""
)
ACCENTS = PARTS + '[[variations]]\ntrigger = "section"\nprompts = ["a bird", "a fish"]\n'
GRID = BeatGrid(bpm=120.0, anchor=100.0, confidence=0.9, source="audio")


def player_of(text: str = PARTS, **more: object) -> Player:
    show = ShowSettings(spikes=False, **more)  # type: ignore[arg-type]
    player = Player(show, themes={"card": theme_of(text)}, grid=GRID)
    player.play(1.0)
    return player


def hear(player: Player, section: Section, seconds: float = 6.0) -> str:
    """A part begins; the head of the first prompt ``seconds`` later."""
    player.show.on_section(SectionEvent(player.now, section, 0.9))
    player.play(seconds)
    return player.texts[0].split(",")[0]


def test_a_part_stands_in_for_the_base_while_it_plays() -> None:
    player = player_of()
    heads = [hear(player, part) for part in ("breakdown", "build_up", "drop", "steady", "drop", "none")]
    assert heads == ["waiting", "waiting", "first drop", "a lamp", "second drop", "a lamp"]


def test_it_leaves_at_once_in_the_length_of_its_blend() -> None:
    player = player_of()
    before = player.plan_id
    assert hear(player, "drop", 2 / 30) == "first drop"
    assert player.plan_id == before + 1
    assert player.out.desired.prompts is not None
    assert player.out.desired.prompts.seconds == pytest.approx(1.0)


def test_a_drop_does_not_wait_for_the_build_ups_blend() -> None:
    player = player_of()
    hear(player, "build_up", 0.5)
    assert hear(player, "drop", 0.1) == "first drop"


def test_a_drop_does_not_wait_for_words_that_follow_the_music() -> None:
    player = player_of()
    player.play(4.0, energy=0.9)
    assert hear(player, "drop", 0.1) == "first drop"


def test_a_part_waits_for_a_change_that_a_person_asked_for_and_not_for_ever() -> None:
    player = player_of()
    player.set("prompt", "my words")
    player.play(0.2)
    player.release("prompt")
    assert hear(player, "drop", 0.1) == "a lamp"
    player.play(6.0)
    assert player.texts[0].startswith("first drop")
    late = SectionEvent(player.now - 9.0, "breakdown", 0.9)
    player.show.on_section(late)
    player.play(6.0)
    assert player.texts[0].startswith("first drop")


def test_quantised_parts_begin_on_the_bar() -> None:
    player = player_of(quantize="bar")
    player.play(0.13)
    player.show.on_section(SectionEvent(player.now, "drop", 0.9))
    player.play(1 / 30)
    plan = player.out.desired.prompts
    assert plan is not None
    assert plan.due is not None
    assert GRID.position_at(plan.due.at) % 4 == pytest.approx(0.0, abs=1e-6)


def test_the_performers_words_stay() -> None:
    player = player_of()
    player.set("prompt", "my words")
    assert hear(player, "drop", 8.0) == "my words"


@pytest.mark.parametrize("more", [{"sections": False}, {}])
def test_switched_off_or_in_panic_nothing_happens(more: dict[str, object]) -> None:
    player = player_of(**more)
    if not more:
        player.trigger("action/panic")
        player.play(7.0)
    assert hear(player, "drop") == "a lamp"


def test_without_a_part_of_its_own_the_accent_changes() -> None:
    player = player_of(ACCENTS.replace('"build_up", "breakdown"', '"build_up"'))
    assert hear(player, "breakdown") == "a lamp"
    assert player.texts[-1].startswith("a bird")
    assert hear(player, "steady") == "a lamp"
    assert player.texts[-1].startswith("a bird")


def test_another_theme_begins_with_its_base() -> None:
    player = Player(
        ShowSettings(spikes=False), themes={"card": theme_of(PARTS), "other": theme_of(PARTS, slug="other")}
    )
    player.play(1.0)
    assert hear(player, "drop") == "first drop"
    player.trigger("theme/other")
    player.play(8.0)
    assert player.texts[0].startswith("a lamp")


def test_sections_belong_to_their_trigger() -> None:
    with pytest.raises(ConfigurationError, match=r'trigger = "section"'):
        theme_of(PARTS.replace('trigger = "section"', 'trigger = "beat"'))


def test_a_build_up_moves_a_lever() -> None:
    text = PARTS.replace('signal = "energy"\nparameter = "noise_scale"', 'signal = "build_up"\nparameter = "fx/zoom"')
    player = player_of(text)
    rest = player.out.fx.levels.get("zoom", 0.0)
    player.play(3.0, build_up=1.0)
    assert player.out.fx.levels.get("zoom", 0.0) > rest + 0.2
    player.play(3.0, build_up=0.0)
    assert player.out.fx.levels.get("zoom", 0.0) == pytest.approx(rest, abs=0.02)
