"""Loading: layers merged, checked whole, and for a stage: never without a configuration."""

from __future__ import annotations

__all__ = ["Loaded", "load", "load_for_run"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from bridge.config.lastgood import LastGood
from bridge.config.layers import Layer, environment_layer, file_layer, merge, override_layer
from bridge.model.document import Document, issues_of
from bridge.model.errors import ConfigurationError, Issue

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[M]):
    """Checked settings, where they came from, and what was wrong on the way.

    ``fallback`` is empty, ``last good copy`` or ``valid sections``; then ``issues`` says why.
    ``file_values`` are the merged values of the files alone, for :class:`LastGood`.
    """

    settings: M
    sources: tuple[str, ...]
    issues: tuple[Issue, ...] = ()
    fallback: str = ""
    file_values: Mapping[str, Any] = field(default_factory=dict)


def load(
    root: type[M], *, files: Sequence[Path] = (), environ: Mapping[str, str], overrides: Iterable[str] = ()
) -> Loaded[M]:
    """Load the configuration.

    Raises:
        ConfigurationError: with every issue of every layer.
    """
    file_layers, issues = _read_files(files)
    layers = [*file_layers, environment_layer(environ), override_layer(overrides)]
    settings, more = _check(root, layers)
    issues += more
    if settings is None or issues:
        raise ConfigurationError(issues)
    return Loaded(settings, _sources(layers), file_values=merge(file_layers))


def load_for_run(
    root: type[M],
    *,
    files: Sequence[Path] = (),
    environ: Mapping[str, str],
    overrides: Iterable[str] = (),
    last_good: LastGood,
) -> Loaded[M]:
    """Load the configuration so that the daemon always starts (rule 6 of the house plan).

    A broken configuration is replaced by the last good copy, or, where there is none, by its valid sections and
    defaults for the rest; ``issues`` of the result says what was wrong. A good one is kept as the last good copy.
    """
    overrides = tuple(overrides)
    try:
        loaded = load(root, files=files, environ=environ, overrides=overrides)
    except ConfigurationError as error:
        return _fall_back(root, files, environ, overrides, last_good, error.issues)
    last_good.keep(loaded.file_values)
    return loaded


def _fall_back(
    root: type[M],
    files: Sequence[Path],
    environ: Mapping[str, str],
    overrides: Sequence[str],
    last_good: LastGood,
    issues: Sequence[Issue],
) -> Loaded[M]:
    file_layers, _ = _read_files(files)
    try:
        outer = [environment_layer(environ), override_layer(overrides)]
    except ConfigurationError:
        outer = [environment_layer(environ)]
    kept = last_good.recall()
    if kept is not None:
        copy = Layer(Document(str(last_good.path), kept), True)
        settings, wrong = _check(root, [copy, *outer])
        if settings is not None and not wrong:
            return Loaded(settings, ("last good copy", *_sources(outer)), tuple(issues), "last good copy")
    settings = _valid_sections(root, [*file_layers, *outer])
    return Loaded(settings, ("valid sections", "defaults"), tuple(issues), "valid sections")


def _valid_sections(root: type[M], layers: Sequence[Layer]) -> M:
    """The settings with every section left out that is wrong or holds a secret it must not."""
    values = merge(layers)
    for _ in range(len(values) + 1):
        _, issues = _check_values(root, values, layers)
        wrong = {issue.where.split(".")[0] for issue in issues if issue.where}
        if not wrong:
            break
        values = {key: value for key, value in values.items() if key not in wrong}
    return root.model_validate(values)


def _read_files(files: Sequence[Path]) -> tuple[list[Layer], list[Issue]]:
    layers: list[Layer] = []
    issues: list[Issue] = []
    for path in files:
        try:
            layers.append(file_layer(path))
        except ConfigurationError as error:
            issues.extend(error.issues)
    return layers, issues


def _check(root: type[M], layers: Sequence[Layer]) -> tuple[M | None, list[Issue]]:
    return _check_values(root, merge(layers), layers)


def _check_values(root: type[M], values: Mapping[str, Any], layers: Sequence[Layer]) -> tuple[M | None, list[Issue]]:
    issues: list[Issue] = []
    settings: M | None = None
    try:
        settings = root.model_validate(values)
    except ValidationError as error:
        found = issues_of(error, root, Document("configuration", values))
        issues.extend(_placed(issue, layers) for issue in found)
    issues.extend(_leaked_secrets(root, values, layers))
    return settings, issues


def _placed(issue: Issue, layers: Sequence[Layer]) -> Issue:
    """Put an issue of the merged values where its key stands: the strongest layer that has it."""
    path = [int(part) if part.isdigit() else part for part in issue.where.split(".")] if issue.where else []
    for length in range(len(path), 0, -1):
        for layer in reversed(layers):
            if _lookup(layer.document.values, path[:length]) is not None:
                line = layer.document.line_of(path)
                return Issue(layer.document.source, line, issue.where, issue.message, issue.hint)
    return issue


def _leaked_secrets(root: type[BaseModel], values: Mapping[str, Any], layers: Sequence[Layer]) -> Iterable[Issue]:
    for path in _secret_paths(root, values):
        for layer in reversed(layers):
            if _lookup(layer.document.values, path) is None:
                continue
            if not layer.may_hold_secrets:
                where = ".".join(str(part) for part in path)
                line = layer.document.line_of(path)
                yield Issue(layer.document.source, line, where, "is a secret, and", f"{layer.why_not}.")
            break


def _secret_paths(annotation: Any, values: Any, path: tuple[str | int, ...] = ()) -> Iterable[tuple[str | int, ...]]:
    """Paths of the values given for SecretStr fields, through tables and lists of tables."""
    if annotation is SecretStr:
        if values not in (None, ""):
            yield path
        return
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if isinstance(values, Mapping):
            for name, info in annotation.model_fields.items():
                if name in values:
                    yield from _secret_paths(info.annotation, values[name], (*path, name))
        return
    for inner in get_args(annotation):
        if isinstance(values, list):
            for index, value in enumerate(values):
                yield from _secret_paths(inner, value, (*path, index))
        else:
            yield from _secret_paths(inner, values, path)


def _lookup(values: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if isinstance(values, Mapping) and isinstance(part, str):
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            return None
    return values


def _sources(layers: Sequence[Layer]) -> tuple[str, ...]:
    return ("defaults", *(layer.document.source for layer in layers if layer.document.values))
