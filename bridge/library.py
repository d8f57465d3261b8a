"""Mappings and themes: shipped, the machine's and the user's own, loaded so that a bad file changes nothing."""

from __future__ import annotations

__all__ = ["Library"]

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from bridge.avatar import THEME as AVATAR
from bridge.avatar import avatar_theme
from bridge.config import SYSTEM_CONFIG_DIRECTORY
from bridge.mapping import MappingFile, MappingSet, load_mappings, mapping_directories
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
        self._good_themes: dict[str, Theme] = {}
        self._good_mappings: tuple[MappingFile, ...] = ()

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
        """The themes by slug; a file that has broken since the last reading keeps its last good copy."""
        themes, issues = load_themes(self._theme_directories)
        # Of themes the last directory counts, of mappings the first.
        broken = _broken(issues, self._theme_directories[::-1], self._good_themes)
        kept = {slug: self._good_themes[slug] for slug in broken}
        avatar = avatar_theme(self._settings.avatar)
        made = {AVATAR: avatar} if avatar is not None else {}
        themes = dict(sorted({**made, **themes, **kept}.items()))
        self._good_themes = themes
        issues += check_settings(self._settings.show, themes)
        self._note("show", issues, kept=bool(kept))
        return themes

    def mappings(self, themes: Sequence[str] = ()) -> MappingSet:
        """The mappings; ``themes`` are the slugs they may name.

        A file that has broken since the last reading keeps its last good copy.
        """
        settings = self._settings.mapping
        mappings, issues = load_mappings(
            self._mapping_directories, settings.files, themes=themes, takeover=settings.takeover
        )
        good = {file.stem: file for file in self._good_mappings}
        kept = {stem: good[stem] for stem in _broken(issues, self._mapping_directories, good)}
        if kept:
            # A shipped file that stood aside for one of the user's goes on standing aside.
            aside = {file.profile for file in kept.values() if file.profile != file.stem} - set(settings.files)
            files = {file.stem: file for file in mappings.files if file.stem not in aside} | kept
            mappings = MappingSet(tuple(files[stem] for stem in sorted(files)))
        self._good_mappings = mappings.files
        self._note("mapping", issues, kept=bool(kept))
        return mappings

    def _note(self, part: str, issues: Sequence[Issue], *, kept: bool) -> None:
        self.issues[part] = tuple(issues)
        if self._board is None:
            return
        if not issues:
            self._board.clear(part, "document")
            return
        more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
        used = "Its last good copy is used." if kept else "It is left out."
        self._board.pin(part, "document", f"{issues[0]}{more}", f"{used} See all with: scope-bridge check")


def _broken(issues: Iterable[Issue], directories: Sequence[Path], known: Iterable[str]) -> list[str]:
    """Those of the known names whose file that counts (of the first directory that has one) has an issue."""
    sources = {issue.source for issue in issues}
    paths = {name: [directory / f"{name}.toml" for directory in directories] for name in known}
    return [
        name
        for name, places in paths.items()
        if str(next((path for path in places if os.path.lexists(path)), "")) in sources
    ]
