"""Theme files: ours, other people's, and broken ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from bridge.model.data import shipped
from bridge.show import MINIMAL, Show, ShowSettings, Theme, check_settings, load_themes
from bridge.show.bands import Bands
from bridge.show.prompts import Scene, prompts_of
from tests.show.player import THEME

SHIPPED = ["cosmic-voyage", "crystal-sanctuary", "digital-forest", "neon-foundry", "synthwave-highway"]


def _write(directory: Path, name: str, text: str) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_themes_are_good() -> None:
    themes, issues = load_themes([shipped("themes")])
    assert issues == []
    assert list(themes) == SHIPPED
    assert ShowSettings().theme in themes
    for slug, theme in themes.items():
        assert theme.id == slug
        assert theme.description
        assert theme.variations_for("energy_spike")
        assert theme.text.instead_of_noise
        assert "noise_scale" in theme.video.drives
        assert any(r.signal == "energy" and r.parameter == "noise_scale" for r in theme.reactions)
        bands = Bands("peak", "radiant", "crystalline", "blitz")
        for prompt in prompts_of(Scene(theme, bands, two_ends=True, accent=theme.prompt.base), 0.5):
            assert len(prompt.text) < 1200


@pytest.mark.parametrize(
    ("slug", "curve", "sensitivity", "action"),
    [
        ("cosmic-voyage", "exponential", 1.4, "pulse_noise"),
        ("neon-foundry", "linear", 1.2, "pulse_noise"),
        ("digital-forest", "logarithmic", 0.9, "prompt_cycle"),
        ("synthwave-highway", "exponential", 1.5, "pulse_noise"),
        ("crystal-sanctuary", "logarithmic", 1.0, "transition_trigger"),
    ],
)
def test_identity_of_the_themes(slug: str, curve: str, sensitivity: float, action: str) -> None:
    theme = load_themes([shipped("themes")])[0][slug]
    noise = next(r for r in theme.reactions if r.parameter == "noise_scale")
    assert (noise.curve, noise.sensitivity, theme.beats.action) == (curve, sensitivity, action)


def test_settings_that_name_what_is_not_there_are_told() -> None:
    themes, _ = load_themes([shipped("themes")])
    assert check_settings(ShowSettings(), themes) == []
    wrong = ShowSettings(theme="neon-foundri", theme_order=("gone", "digital-forest"), beat_action="prompt_cycle")
    said = [str(issue) for issue in check_settings(wrong, {**themes, "minimal": MINIMAL})]
    assert 'Did you mean "neon-foundry"?' in said[0]
    assert "show.theme_order" in said[1]
    assert "does nothing in Minimal" in said[2]
    assert Show(wrong, themes).values["theme"] == pytest.approx(0.1), "digital-forest comes first"


def test_a_users_file_replaces_a_shipped_one_of_the_same_name(tmp_path: Path) -> None:
    _write(tmp_path, "neon-foundry.toml", THEME)
    _write(tmp_path, "mine.toml", THEME)
    themes, issues = load_themes([shipped("themes"), tmp_path, tmp_path / "missing"])
    assert issues == []
    assert themes["neon-foundry"].name == "Test Card"
    assert list(themes) == sorted([*SHIPPED, "mine"])


def test_a_broken_copy_leaves_the_shipped_one_in_place(tmp_path: Path) -> None:
    path = _write(tmp_path, "neon-foundry.toml", "version = 1\nname = \n")
    themes, issues = load_themes([shipped("themes"), tmp_path])
    assert themes["neon-foundry"].name == "Neon Foundry"
    assert [issue.source for issue in issues] == [str(path)]


def test_with_no_good_theme_the_minimal_one_plays(tmp_path: Path) -> None:
    _write(tmp_path, "bad.toml", "nothing")
    themes, issues = load_themes([tmp_path])
    assert themes == {"minimal": MINIMAL}
    assert len(issues) == 1
    assert Show(ShowSettings(), themes).values
    assert Show(ShowSettings(), {}).values


@pytest.mark.parametrize(
    ("old", "new", "line", "where", "says"),
    [
        ("cooldown_ms", "coolown_ms", 31, "beats.coolown_ms", 'Did you mean "cooldown_ms"?'),
        ("[beats]", "[beat]", 28, "beat", 'Did you mean "beats"?'),
        ('action = "pulse_noise"', 'action = "pulse_nose"', 29, "beats.action", 'Did you mean "pulse_noise"?'),
        ('signal = "energy"', 'signal = "loudness"', 26, "reactions.0.signal", "Known: "),
        ('parameter = "noise_scale"', 'parameter = "noiseScale"', 27, "reactions.0.parameter", '"noise_scale"'),
        ('parameter = "noise_scale"', 'parameter = "denoising_step_list"', 27, "reactions.0.parameter", "hard cut"),
        ("[0.4, 0.8]", "[0.8, 0.4]", 21, "ranges.noise_scale", "the low end comes first: [0.4, 0.8]"),
        ("[0.4, 0.8]", "[0.4, 1.8]", 21, "ranges.noise_scale.1", "less than or equal to 1"),
        ("[0.4, 0.8]", "[nan, 0.8]", 21, "ranges.noise_scale.0", "nan"),
        ('"fx/zoom" = [0.0, 0.5]', '"fx/zom" = [0.0, 0.5]', 24, "ranges.fx/zom", 'Did you mean "fx/zoom"?'),
        ("intensity = 0.5", "intensity = 50", 30, "beats.intensity", "less than or equal to 1"),
        ('base = "a lamp"', 'base = ""', 6, "prompt.base", "must not be empty"),
        ('base = "a lamp"', "", 5, "prompt.base", "is missing"),
        ('calm = "asleep"', "", 5, "prompt", "calm and intense come as a pair"),
        ('prompts = ["first spike", "second spike"]', "prompts = []", 35, "variations.0.prompts", "at least 1"),
        ("version = 1", "version = 2", 2, "version", "should be 1"),
        ('name = "Test Card"', 'name = "Test Card"\nid = "other"', 4, "id", 'Give id = "card"'),
        (
            'instead_of_noise = ["prompt_weight", "fx/zoom"]',
            'instead_of_noise = ["noise_scale"]',
            39,
            "text.instead_of_noise",
            "no effect in text mode",
        ),
        (
            'drives = ["noise_scale", "transition_s"]',
            'drives = ["prompt_weight"]',
            41,
            "video.drives",
            "cut the picture",
        ),
        (
            'instead_of_noise = ["prompt_weight", "fx/zoom"]',
            'instead_of_noise = ["fx/hue"]',
            None,
            "",
            "text.instead_of_noise names fx/hue",
        ),
        ("[prompt]", "[prompt", 5, "", "not valid TOML"),
    ],
)
def test_a_bad_theme_says_where_and_what_to_do(
    tmp_path: Path, old: str, new: str, line: int | None, where: str, says: str
) -> None:
    assert old in THEME
    path = _write(tmp_path, "card.toml", THEME.replace(old, new))
    themes, issues = load_themes([tmp_path])
    assert list(themes) == ["minimal"]
    assert len(issues) == 1
    issue = issues[0]
    assert (issue.source, issue.line, issue.where) == (str(path), line, where)
    assert says in str(issue)


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = THEME.replace("intensity = 0.5", "intensity = 5").replace("[0.4, 0.8]", "[0.9, 0.8]")
    _write(tmp_path, "card.toml", text)
    assert len(load_themes([tmp_path])[1]) == 2


@pytest.mark.parametrize(
    ("action", "says"), [("prompt_cycle", "add [[variations]]"), ("transition_trigger", "add [[variations]]")]
)
def test_a_beat_action_without_its_prompts_is_refused(tmp_path: Path, action: str, says: str) -> None:
    head, tail = THEME.split("[[variations]]")
    text = head.replace("pulse_noise", action) + "[text]" + tail.split("[text]")[1]
    _write(tmp_path, "card.toml", text)
    assert says in str(load_themes([tmp_path])[1][0])


def test_a_reaction_of_weights_needs_two_ends(tmp_path: Path) -> None:
    text = THEME.replace('calm = "asleep"\nintense = "awake"\n', "").replace(
        'parameter = "noise_scale"', 'parameter = "prompt_weight"'
    )
    _write(tmp_path, "card.toml", text)
    assert "prompt.calm and prompt.intense" in str(load_themes([tmp_path])[1][0])


@pytest.mark.parametrize("name", ["My Theme.toml", "UPPER.toml", "a_b.toml"])
def test_a_file_name_is_a_slug(tmp_path: Path, name: str) -> None:
    _write(tmp_path, name, THEME)
    themes, issues = load_themes([tmp_path])
    assert list(themes) == ["minimal"]
    assert "Call it" in issues[0].hint


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_bytes(b"\xff\xfe\x00version")
    (tmp_path / "folder.toml").mkdir()
    issues = load_themes([tmp_path])[1]
    assert [("UTF-8" in str(i)) or ("cannot be read" in str(i)) for i in issues] == [True, True]


DOCS = Path(__file__).parents[2] / "docs" / "themes.md"


def test_the_examples_of_the_docs_are_good_themes(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 2
    for number, text in enumerate(examples):
        _write(tmp_path, f"example-{number}.toml", text)
    themes, issues = load_themes([tmp_path])
    assert issues == []
    assert len(themes) == 2


def test_the_docs_explain_every_key() -> None:
    text = DOCS.read_text(encoding="utf-8")

    def names(model: type[BaseModel]) -> set[str]:
        found = set()
        for name, info in model.model_fields.items():
            found.add(info.alias or name)
            for inner in (info.annotation, *get_args(info.annotation)):
                if isinstance(inner, type) and issubclass(inner, BaseModel):
                    found |= names(inner)
        return found

    assert {name for name in names(Theme) if name not in text} == set()
