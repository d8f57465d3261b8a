"""One layer of configuration: a file, the environment, or ``-o`` on the command line."""

from __future__ import annotations

__all__ = ["Layer", "environment_layer", "file_layer", "merge", "override_layer"]

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.config.paths import SYSTEM_CONFIG_DIRECTORY
from bridge.model.document import Document, read_document
from bridge.model.errors import ConfigurationError, Issue

ENV_PREFIX: Final = "SCOPE_BRIDGE_"


@dataclass(frozen=True, slots=True)
class Layer:
    """A document, and whether secrets may stand in it (a private file or the environment may hold them)."""

    document: Document
    may_hold_secrets: bool
    why_not: str = ""


def file_layer(path: Path) -> Layer:
    """A TOML file. Raises ConfigurationError when it cannot be read or is not TOML."""
    document = read_document(path)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        mend = f"chmod 600 {path}"
        if path.is_relative_to(SYSTEM_CONFIG_DIRECTORY):  # which a service's user must be able to read
            mend = f"write SCOPE_BRIDGE_SECTION__KEY=... into {SYSTEM_CONFIG_DIRECTORY}/environment, mode 600"
        return Layer(document, False, f"others can read this file (mode {mode:o}): {mend}")
    return Layer(document, True)


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """``SCOPE_BRIDGE_SECTION__KEY=value``; values are read as TOML where they are TOML, else as text."""
    values: dict[str, Any] = {}
    for name, text in environ.items():
        if name.startswith(ENV_PREFIX) and "__" in name:
            _put(values, name.removeprefix(ENV_PREFIX).lower().split("__"), _literal(text))
    return Layer(Document("the environment", values), True)


def override_layer(overrides: Iterable[str]) -> Layer:
    """``section.key=value`` as given to ``-o``. Raises ConfigurationError for one without ``=``."""
    values: dict[str, Any] = {}
    issues = []
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            issues.append(Issue("-o", None, override, "is not of the form section.key=value."))
            continue
        _put(values, key.strip().split("."), _literal(text.strip()))
    if issues:
        raise ConfigurationError(issues)
    return Layer(Document("-o", values), False, "the command line is visible to everybody: use the environment")


def merge(layers: Iterable[Layer]) -> dict[str, Any]:
    """The layers' values, later ones over earlier ones; tables merge, lists are replaced whole."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer.document.values)
    return merged


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(under)
    for key, value in over.items():
        below = out.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = _merge(below, value)
        out[key] = value
    return out


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        below = values.setdefault(part, {})
        if not isinstance(below, dict):
            below = values[part] = {}
        values = below
    values[path[-1]] = value


def _literal(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text
