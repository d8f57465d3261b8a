"""The page that users read: every example loads, every key and every shipped file is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.mapping import MappingDocument, load_mappings, mapping_directories
from bridge.mapping.document import AboutSpec, ControlSpec, LayerSpec, MapSpec, ProgramSpec, WhenSpec
from bridge.mapping.shaping import CURVES
from bridge.mapping.vocabulary import SIGNALS
from bridge.model.targets import ACTIONS, EFFECTS, MACROS

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "mappings.md").read_text(encoding="utf-8")
README = (PROJECT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
EXAMPLES += [text for text in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "[[map]]" in text]
PROFILE = next(text for text in EXAMPLES if 'name = "Example"' in text)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_examples_load(number: int, tmp_path: Path) -> None:
    text = EXAMPLES[number]
    (tmp_path / "example.toml").write_text(text if text.startswith("version") else PROFILE + text, encoding="utf-8")
    mappings, issues = load_mappings([tmp_path, mapping_directories()[1]], ["example"])
    assert issues == []
    assert mappings.files[0].controls


@pytest.mark.parametrize("model", [MappingDocument, AboutSpec, ControlSpec, LayerSpec, MapSpec, WhenSpec, ProgramSpec])
def test_every_key_is_explained(model: type[MappingDocument]) -> None:
    for name, info in model.model_fields.items():
        assert re.search(rf"\b{info.alias or name}\b", PAGE), name
        assert info.description


def test_every_name_is_listed() -> None:
    names = [*ACTIONS, *MACROS, *EFFECTS, *SIGNALS, *CURVES]
    names += [path.stem for path in mapping_directories()[1].glob("*.toml")]
    assert [name for name in names if f"`{name}`" not in PAGE] == []
