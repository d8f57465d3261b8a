"""TOML documents that people write: read with line numbers, checked whole, errors with suggestions.

Config, mappings and themes share this module so that a typo reads the same everywhere::

    themes/mine.toml:12: beat.coolown_ms: unknown key. Did you mean "cooldown_ms"?
"""

from __future__ import annotations

__all__ = ["Document", "PartSettings", "issues_of", "parse_document", "read_document", "suggest", "validate"]

import difflib
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.model.errors import ConfigurationError, Issue

KeyPath = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

MAX_BYTES: Final = 1_000_000
_TABLE = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


class PartSettings(BaseModel):
    """Base of every settings class: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML document: its values, and the line where each key stands."""

    source: str
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """Line of a key, or of the nearest table around it; None when neither stands in the text."""
        for length in range(len(path), 0, -1):
            line = self.lines.get(tuple(path[:length]))
            if line is not None:
                return line
        return None


def read_document(path: Path) -> Document:
    """Read a TOML file.

    Raises:
        ConfigurationError: it cannot be read, is larger than 1 MB, is not UTF-8 or not TOML.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError([Issue(str(path), None, "", "is larger than 1 MB.")])
        text = path.read_text(encoding="utf-8")
    except PermissionError as error:
        hint = f"A system service has a user of its own: chmod 644 {path}, with secrets in the environment file."
        raise ConfigurationError([Issue(str(path), None, "", "may not be read by this user.", hint)]) from error
    except OSError as error:
        raise ConfigurationError([Issue(str(path), None, "", f"cannot be read: {error.strerror or error}.")]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError([Issue(str(path), None, "", "is not UTF-8 text.", "Save it as UTF-8.")]) from error
    return parse_document(text, str(path))


def parse_document(text: str, source: str) -> Document:
    """Parse TOML text; ``source`` names it in messages. Raises ConfigurationError when it is not TOML."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        message = re.sub(r"\s*\(at .*\)", "", str(error)) or "nested too deep"
        line = int(found.group(1)) if found else None
        raise ConfigurationError([Issue(source, line, "", f"not valid TOML: {message}.")]) from error
    return Document(source, values, _key_lines(text))


def _key_lines(text: str) -> dict[KeyPath, int]:
    lines: dict[KeyPath, int] = {}
    arrays: dict[KeyPath, int] = {}
    table: KeyPath = ()
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if inside:
            if line.count(inside) % 2:
                inside = None
            continue
        if header := _TABLE.match(line):
            table = _enter(header.group(1) == "[[", _names(header.group(2)), arrays)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            names = _names(key.group(1))
            for end in range(1, len(names) + 1):
                lines.setdefault(table + names[:end], number)
        for quote in ('"""', "'''"):
            if line.count(quote) % 2:
                inside = quote
    return lines


def _enter(is_array: bool, names: KeyPath, arrays: dict[KeyPath, int]) -> KeyPath:
    path: KeyPath = ()
    for position, name in enumerate(names):
        path += (name,)
        last = position == len(names) - 1
        if last and is_array:
            arrays[path] = arrays.get(path, -1) + 1
        if path in arrays:
            path += (arrays[path],)
    return path


def _names(dotted: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def validate(model: type[M], document: Document, *, context: Any = None) -> M:
    """Check a document against a settings class.

    Raises:
        ConfigurationError: with one issue for everything that is wrong.
    """
    try:
        return model.model_validate(document.values, context=context)
    except ValidationError as error:
        raise ConfigurationError(list(issues_of(error, model, document))) from error


def issues_of(error: ValidationError, model: type[BaseModel], document: Document) -> Iterable[Issue]:
    """A pydantic error as issues with file, line and suggestion."""
    for item in error.errors(include_url=False):
        path = tuple(part for part in item["loc"] if not _is_branch(part, document, item["loc"]))
        where = ".".join(str(part) for part in path)
        hint = ""
        if item["type"] == "extra_forbidden":
            message = "unknown key."
            hint = suggest(str(path[-1]), fields_at(model, path[:-1]))
        elif item["type"] == "missing":
            message = "is missing."
        else:
            message = item["msg"].removeprefix("Value error, ").rstrip(".") + "."
            if item["type"] == "literal_error":
                hint = suggest(str(item["input"]), re.findall(r"'([^']+)'", item["msg"]))
            elif not isinstance(item["input"], dict | list):
                message += f" Got {item['input']!r}."
        yield Issue(document.source, document.line_of(path), where, message, hint)


def _is_branch(part: str | int, document: Document, loc: tuple[str | int, ...]) -> bool:
    """Pydantic puts the name of a union's branch into the path; it is not a key of the document."""
    node: Any = document.values
    for step in loc:
        if step is part:
            break
        node = _child(node, step)
    if isinstance(part, int):
        return not isinstance(node, list)
    return part is not loc[-1] and not (isinstance(node, Mapping) and part in node)


def _child(node: Any, step: str | int) -> Any:
    if isinstance(node, Mapping):
        return node.get(step, node)
    if isinstance(node, list) and isinstance(step, int) and step < len(node):
        return node[step]
    return node


def suggest(word: str, known: Iterable[str]) -> str:
    """``Did you mean "x"?`` for the closest known word, or the list of known ones when few."""
    names = sorted(set(known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Known: {', '.join(names)}." if 0 < len(names) <= 12 else ""


def fields_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Names a settings class knows at a key path."""
    found: list[type[BaseModel]] = [model]
    for part in path:
        if isinstance(part, int):
            continue
        annotations = [m.model_fields[part].annotation for m in found if part in m.model_fields]
        if not annotations:
            continue  # the key of a table that people name themselves
        found = [inner for annotation in annotations for inner in _models_in(annotation)]
    return [name for m in found for name, info in m.model_fields.items() for name in [info.alias or name]]


def _models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        for inner in typing.get_args(annotation):
            yield from _models_in(inner)
