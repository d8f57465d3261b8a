"""Where the files that ship with the program are: in the wheel, or in the checkout around it."""

from __future__ import annotations

__all__ = ["shipped"]

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(name: str) -> Path:
    """Folder ``name`` (``mappings``, ``themes``, ``systemd``) as installed."""
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name
