"""Values as plain JSON."""

from __future__ import annotations

__all__ = ["as_plain"]

import dataclasses
import math
from collections.abc import Mapping
from typing import Any


def as_plain(value: Any) -> Any:
    """Status values as plain JSON: dataclasses and mappings become objects, numbers that are not finite null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [as_plain(inner) for inner in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if hasattr(value, "item"):  # a numpy scalar
        return as_plain(value.item())
    return str(value)
