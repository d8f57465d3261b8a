"""Mapping files from text."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.mapping import Mapper, MappingSet, load_mappings
from bridge.model.errors import Issue
from tests.mapping.makers import HEAD, Load, MakeMapper


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load one mapping file from its text (the usual head comes before it)."""

    def load_text(text: str, *, head: str = HEAD, stem: str = "mine", **more: object) -> tuple[MappingSet, list[Issue]]:
        (tmp_path / f"{stem}.toml").write_text(head + text, encoding="utf-8")
        return load_mappings([tmp_path], [stem], **more)  # type: ignore[arg-type]

    return load_text


@pytest.fixture
def mapper(load: Load) -> MakeMapper:
    """A mapper of one good mapping file."""

    def make(text: str, **more: object) -> Mapper:
        mappings, issues = load(text, **more)
        assert issues == []
        return Mapper(mappings)

    return make
