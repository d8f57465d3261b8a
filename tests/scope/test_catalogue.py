"""Schemas: kept on disk, taken back when the server fails, and enough for a pipeline nobody has seen."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from bridge.model.errors import ScopeUnreachable
from bridge.model.fit import Unfit, fit
from bridge.scope.api import ScopeApi
from bridge.scope.catalogue import MOST_FILES, SchemaStore, catalogue_of
from bridge.scope.schemas import parse_schema

UNSEEN = {
    "supported_modes": ["text"],
    "config_schema": {
        "$defs": {
            "Look": {"enum": ["Calm", "Wild"]},
            "loop": {"anyOf": [{"$ref": "#/$defs/loop"}] * 8, "allOf": [{"$ref": "#/$defs/loop"}] * 8},
        },
        "properties": {
            "glow": {"type": "number", "exclusiveMinimum": 0, "maximum": 2},
            "rings": {"anyOf": [{"type": "integer", "exclusiveMaximum": 9, "minimum": 1}, {"type": "null"}]},
            "mirror": {"type": ["boolean", "null"]},
            "look": {"$ref": "#/$defs/Look"},
            "level": {"enum": [1, 2, 4]},
            "fixed": {"const": 7},
            "size": {"type": "array", "items": {"type": "integer", "minimum": 16}, "minItems": 2, "maxItems": 2},
            "bag": {"type": "object"},
            "loop": {"$ref": "#/$defs/loop"},
        },
    },
}
DOCUMENT = {"pipelines": {"aurora": UNSEEN}}


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("glow", -5, 1e-6),
        ("glow", "1.5", 1.5),
        ("rings", 12.7, 8),
        ("rings", None, None),
        ("mirror", "on", True),
        ("look", "wild", "Wild"),
        ("level", 4, 4),
        ("fixed", 7, 7),
        ("size", (8, 31.6), [16, 32]),
        ("bag", {"a": 1}, {"a": 1}),
    ],
)
def test_an_unseen_pipeline_is_served_from_its_schema(name: str, value: object, kept: object) -> None:
    assert fit(parse_schema("aurora", UNSEEN).params[name], value) == kept


@pytest.mark.parametrize(
    ("name", "value"), [("glow", None), ("look", "mild"), ("level", 3), ("fixed", 8), ("size", [1]), ("bag", 3)]
)
def test_what_an_unseen_pipeline_does_not_take(name: str, value: object) -> None:
    with pytest.raises(Unfit):
        fit(parse_schema("aurora", UNSEEN).params[name], value)


def test_a_schema_comes_back_from_disk(tmp_path: Path) -> None:
    now = iter([1000.0, 1000.0 + 2 * 86400])
    store = SchemaStore(tmp_path / "schemas", wall=lambda: next(now))
    store.keep("0.2.4", DOCUMENT)
    kept = store.recall("0.2.4")
    assert kept is not None and kept.schemas["aurora"].params["glow"].maximum == 2
    assert str(kept) == "the schemas kept from Scope 0.2.4, 2 days old"
    assert store.recall("0.2.5") is None and SchemaStore(None).recall() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 9}', "[" * 100_000, '{"format":1,"version":"1","saved":0,"schemas":3}']
)
def test_a_broken_copy_is_passed_over(text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "0.2.4-x.json").write_text(text)
    assert SchemaStore(tmp_path).recall("0.2.4") is None
    assert "are not used" in caplog.text


def test_copies_do_not_pile_up(tmp_path: Path) -> None:
    store = SchemaStore(tmp_path, wall=itertools.count().__next__)
    for number in range(3 * MOST_FILES):
        store.keep(f"0.{number}", DOCUMENT)
    assert len(list(tmp_path.iterdir())) == MOST_FILES


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    SchemaStore(tmp_path / "file").keep("0.2.4", DOCUMENT)
    assert "are not kept" in caplog.text


class Failing(ScopeApi):
    """A server whose schemas fail or are missing."""

    missing = False

    async def schema_document(self) -> Any:
        if self.missing:
            return None
        raise ScopeUnreachable("no answer")


def test_when_the_server_fails_the_copy_of_its_version_stands_in_and_then_the_shipped(tmp_path: Path) -> None:
    async def sources() -> list[str]:
        store = SchemaStore(tmp_path)
        async with Failing("http://127.0.0.1:9", timeout=1.0) as api:
            before = await catalogue_of(api, "0.2.4", store)
            store.keep("0.2.4", DOCUMENT)
            same = await catalogue_of(api, "0.2.4", store)
            other = await catalogue_of(api, "0.3.0", store)
            api.missing = True
            old = await catalogue_of(api, "", store)
        return [found.source for found in (before, same, other, old)]

    assert asyncio.run(sources()) == ["shipped", "cache", "shipped", "shipped"]
