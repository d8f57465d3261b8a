"""Where a pipeline's schema comes from: the server, else the copy kept of its version, else what ships with us.

Copies are files of a few tens of kilobytes, ``<version>-<hash>.json``, written whole or not at all.
"""

from __future__ import annotations

__all__ = ["Catalogue", "SchemaStore", "catalogue_of", "shipped_catalogue"]

import asyncio
import hashlib
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from bridge.model.errors import ScopeError
from bridge.model.facts import PipelineSchema
from bridge.scope.api import SCHEMAS_LIMIT, ScopeApi
from bridge.scope.schemas import parse_schemas
from bridge.scope.snapshot import SNAPSHOT

MOST_FILES: Final = 8
_FORMAT: Final = 1
_SNAPSHOT_VERSION: Final = "0.2.4"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Schemas by pipeline id and where they are from; ``age_s`` is since the server told them, None when shipped."""

    schemas: Mapping[str, PipelineSchema]
    source: Literal["server", "cache", "shipped"]
    version: str = ""
    age_s: float | None = None

    def __str__(self) -> str:
        version = f"Scope {self.version}" if self.version else "Scope (version unknown)"
        if self.source == "shipped":
            return f"the schemas that ship with Scope Bridge ({version})"
        if self.source == "server":
            return f"the server's schemas ({version})"
        return f"the schemas kept from {version}, {_ago(self.age_s or 0.0)} old"


class SchemaStore:
    """Keeps what servers told of their pipelines. Calls block for a file's length: not for a loop.

    Args:
        directory: made when first needed; None keeps nothing.
        wall: the time of day in seconds, which outlives the process.
    """

    def __init__(self, directory: Path | None, *, wall: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._wall = wall

    def keep(self, version: str, document: Any) -> None:
        """Keep an answer of ``/api/v1/pipelines/schemas``; a disk that does not take it is only logged."""
        if self._directory is None:
            return
        told = json.dumps(document, sort_keys=True)
        if len(told) > SCHEMAS_LIMIT:
            return
        kept = {"format": _FORMAT, "version": version, "saved": self._wall(), "schemas": document}
        name = f"{_slug(version)}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.json"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            _write(self._directory / name, json.dumps(kept))
            for old in self._files()[MOST_FILES:]:
                old.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("schemas are not kept in %s: %s", self._directory, error.strerror or error)

    def recall(self, version: str | None = None) -> Catalogue | None:
        """The newest good copy, of ``version`` where one is given; None where there is none."""
        for path in self._files():
            if version is not None and not path.name.startswith(f"{_slug(version)}-"):
                continue
            found = self._read(path)
            if found is not None and version in (None, found.version):
                return found
        return None

    def _files(self) -> list[Path]:
        """The kept files, newest first."""
        if self._directory is None:
            return []
        found: list[tuple[float, Path]] = []
        try:
            found = [(path.stat().st_mtime, path) for path in self._directory.glob("*.json")]
        except OSError as error:
            logger.warning("%s cannot be read: %s", self._directory, error.strerror or error)
        return [path for _, path in sorted(found, reverse=True)]

    def _read(self, path: Path) -> Catalogue | None:
        try:
            with path.open("rb") as file:
                text = file.read(2 * SCHEMAS_LIMIT)
            kept = json.loads(text)
            version, saved = kept["version"], float(kept["saved"])
            if kept["format"] != _FORMAT or not isinstance(version, str):
                raise ValueError("another format")
            return Catalogue(parse_schemas(kept["schemas"]), "cache", version, max(0.0, self._wall() - saved))
        except (OSError, ValueError, TypeError, KeyError, RecursionError, ScopeError) as error:
            logger.warning("kept schemas %s are not used: %s", path, error)
            return None


async def catalogue_of(api: ScopeApi, version: str, store: SchemaStore) -> Catalogue:
    """The schemas that hold for this server; whatever fails, there are some."""
    try:
        document = await api.schema_document()
        if document is not None:
            told = Catalogue(parse_schemas(document), "server", version, 0.0)
            await asyncio.to_thread(store.keep, version, document)
            return told
    except ScopeError as error:
        logger.warning("the server does not tell its schemas: %s", error)
    kept = await asyncio.to_thread(store.recall, version) if version else None
    return kept or shipped_catalogue()


def shipped_catalogue() -> Catalogue:
    """What ships with us."""
    return Catalogue(SNAPSHOT, "shipped", _SNAPSHOT_VERSION)


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".schemas-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _slug(version: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "_", version)[:40] or "unknown"


def _ago(seconds: float) -> str:
    for length, word in ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= length:
            count = int(seconds / length)
            return f"{count} {word}{'' if count == 1 else 's'}"
    return "less than a minute"
