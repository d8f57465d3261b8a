"""Settings as TOML text: the commented file of ``config init``, and what ``config show`` prints."""

from __future__ import annotations

__all__ = ["commented_toml", "settings_toml"]

import textwrap
from collections.abc import Iterable
from typing import Any, get_args

import tomli_w
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

HEADER = """\
# Scope Bridge configuration. Every line that starts with "# key =" shows a default: remove the "# " to change it.
# Check it with: scope-bridge check. Secrets (tokens, keys) may stand here only when this file has mode 600.
"""


def commented_toml(root: type[BaseModel]) -> str:
    """A file with every key of ``root``, explained and commented out at its default."""
    return HEADER + "".join(_tables(root, ""))


def settings_toml(settings: BaseModel, *, explicit_only: bool = False) -> str:
    """Settings as TOML, secrets masked as ``**********``; None is left out (TOML has no null)."""
    return tomli_w.dumps(_plain(settings, explicit_only))


def _tables(model: type[BaseModel], name: str) -> Iterable[str]:
    nested: list[tuple[str, type[BaseModel], bool]] = []
    lines = []
    for key, info in model.model_fields.items():
        inner, is_list = _table_class(info)
        if inner is not None:
            nested.append((f"{name}.{key}".lstrip("."), inner, is_list))
            continue
        lines.append(_key(key, info))
    if name:
        # __doc__ of a class inherits nothing: an undocumented section prints no summary.
        summary = (model.__doc__ or "").strip().split("\n")[0]
        yield f"\n{_comment(summary)}[{name}]\n" if lines else ""
    yield from lines
    for path, inner, is_list in nested:
        yield from _list_table(path, inner) if is_list else _tables(inner, path)


def _list_table(path: str, model: type[BaseModel]) -> Iterable[str]:
    summary = (model.__doc__ or "").strip().split("\n")[0]
    yield f"\n{_comment(summary)}# [[{path}]]\n"
    for key, info in model.model_fields.items():
        if _table_class(info)[0] is None:
            yield _key(key, info)


def _key(key: str, info: FieldInfo) -> str:
    default = info.get_default(call_default_factory=True, validated_data={})
    if info.is_required() or default is None or default is ...:
        return f"{_comment(info.description or '')}# {key} =\n"
    if default == {}:
        return f"{_comment(info.description or '')}# {key} = {{}}\n"
    return f"{_comment(info.description or '')}# {tomli_w.dumps({key: _value(default, False)}).rstrip()}\n".replace(
        "\n    ", "\n#     "
    ).replace("\n]", "\n# ]")


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 110))


def _table_class(info: FieldInfo) -> tuple[type[BaseModel] | None, bool]:
    """The settings class behind a field, and whether the field is a list of them."""
    annotation: Any = info.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for inner in get_args(annotation):
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return inner, getattr(annotation, "__origin__", None) in (tuple, list)
    return None, False


def _plain(settings: BaseModel, explicit_only: bool) -> dict[str, Any]:
    names = settings.model_fields_set if explicit_only else type(settings).model_fields
    return {
        name: _value(value, explicit_only)
        for name in type(settings).model_fields
        if name in names and (value := getattr(settings, name)) is not None
    }


def _value(value: Any, explicit_only: bool) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value, explicit_only)
    if isinstance(value, SecretStr):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _value(inner, explicit_only) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(inner, explicit_only) for inner in value]
    if isinstance(value, bool | int | float | str):
        return value
    return str(value)
