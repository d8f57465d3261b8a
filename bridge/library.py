"""Mappings and themes: shipped, the machine's and the user's own, loaded so that a bad file changes nothing."""

from __future__ import annotations

__all__ = ["Library"]

import contextlib
from collections.abc import Sequence
from pathlib import Path

from bridge.config import SYSTEM_CONFIG_DIRECTORY
from bridge.mapping import MappingSet, load_mappings, mapping_directories
from bridge.model.board import ProblemBoard
from bridge.model.data import shipped
from bridge.model.errors import Issue
from bridge.settings import Settings
from bridge.show import Theme, check_settings, load_themes


class Library:
    """Loads what people wrote: the user's files over the machine's (in ``/etc``) over shipped ones of the same name.

    ``issues`` holds what was wrong at the last reading, by part; ``board`` shows the first of each.
    """

    def __init__(
        self,
        settings: Settings,
        user_directory: Path,
        board: ProblemBoard | None = None,
        *,
        system_directory: Path = SYSTEM_CONFIG_DIRECTORY,
    ) -> None:
        self._settings = settings
        self._theme_directories = (shipped("themes"), system_directory / "themes", user_directory / "themes")
        own, ours = mapping_directories(settings.mapping)
        self._mapping_directories = (own, system_directory / "mappings", ours)
        self._board = board
        self.issues: dict[str, tuple[Issue, ...]] = {}

    @property
    def directories(self) -> tuple[Path, ...]:
        """Folders whose files may change while the daemon runs: the user's themes and mappings, then the machine's."""
        return (
            self._theme_directories[-1],
            self._mapping_directories[0],
            self._theme_directories[1],
            self._mapping_directories[1],
        )

    def fingerprint(self) -> frozenset[tuple[str, int, int]]:
        """Something that differs when a file of the user's own changed."""
        found = set()
        for directory in self.directories:
            with contextlib.suppress(OSError):  # named when it was read
                for path in directory.glob("*.toml"):
                    with contextlib.suppress(FileNotFoundError):  # an editor is just replacing it
                        state = path.stat()
                        found.add((str(path), state.st_mtime_ns, state.st_size))
        return frozenset(found)

    def themes(self) -> dict[str, Theme]:
        """The themes by slug."""
        themes, issues = load_themes(self._theme_directories)
        issues += check_settings(self._settings.show, themes)
        self._note("show", issues)
        return themes

    def mappings(self, themes: Sequence[str] = ()) -> MappingSet:
        """The mappings; ``themes`` are the slugs they may name."""
        settings = self._settings.mapping
        mappings, issues = load_mappings(
            self._mapping_directories, settings.files, themes=themes, takeover=settings.takeover
        )
        self._note("mapping", issues)
        return mappings

    def _note(self, part: str, issues: Sequence[Issue]) -> None:
        self.issues[part] = tuple(issues)
        if self._board is None:
            return
        if not issues:
            self._board.clear(part, "document")
            return
        more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
        self._board.pin(part, "document", f"{issues[0]}{more}", "It is left out. See all with: scope-bridge check")
