"""Where configuration and state live (XDG Base Directory; systemd's directories where it sets them)."""

from __future__ import annotations

__all__ = ["SYSTEM_CONFIG_DIRECTORY", "cache_directory", "config_files", "state_directory", "user_config_directory"]

from collections.abc import Mapping
from pathlib import Path
from typing import Final

NAME: Final = "scope-bridge"
SYSTEM_CONFIG_DIRECTORY: Final = Path("/etc") / NAME
"""The machine's own: all that a system service reads."""


def user_config_directory(environ: Mapping[str, str]) -> Path:
    """``$XDG_CONFIG_HOME/scope-bridge``, by default ``~/.config/scope-bridge``."""
    base = environ.get("XDG_CONFIG_HOME") or str(_home(environ) / ".config")
    return Path(base) / NAME


def state_directory(environ: Mapping[str, str]) -> Path:
    """``$STATE_DIRECTORY`` under systemd, else ``$XDG_STATE_HOME/scope-bridge``."""
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    base = environ.get("XDG_STATE_HOME") or str(_home(environ) / ".local" / "state")
    return Path(base) / NAME


def cache_directory(environ: Mapping[str, str]) -> Path:
    """``$CACHE_DIRECTORY`` under systemd, else ``$XDG_CACHE_HOME/scope-bridge``."""
    given = environ.get("CACHE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    base = environ.get("XDG_CACHE_HOME") or str(_home(environ) / ".cache")
    return Path(base) / NAME


def config_files(environ: Mapping[str, str], explicit: Path | None = None) -> tuple[Path, ...]:
    """The files to read, weakest first; only those that exist, except ``explicit``, which must."""
    found = [
        path
        for path in (SYSTEM_CONFIG_DIRECTORY / "config.toml", user_config_directory(environ) / "config.toml")
        if _is_there(path)
    ]
    if explicit is not None:
        found.append(explicit)
    return tuple(found)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:  # reading it will say so
        return True


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()
