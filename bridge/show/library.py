"""Finds and reads theme files; a bad one is reported and left out, and there is always a theme to play."""

from __future__ import annotations

__all__ = ["MINIMAL", "check_settings", "load_themes", "read_theme", "slugged"]

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from bridge.model.document import Document, read_document, suggest, validate
from bridge.model.errors import ConfigurationError, Issue
from bridge.show.settings import ShowSettings
from bridge.show.theme import PromptWords, Reaction, Theme

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

MINIMAL: Final = Theme(
    version=1,
    id="minimal",
    name="Minimal",
    description="Plays when no theme file could be read.",
    prompt=PromptWords(
        base="Slow ribbons of coloured light folding through dark water, soft glow, the camera gliding forward",
        calm="almost still, dim and deep",
        intense="bright, fast and swirling",
    ),
    reactions=(Reaction(signal="energy", parameter="noise_scale", curve="linear", sensitivity=1.0, invert=False),),
)


def load_themes(directories: Iterable[Path]) -> tuple[dict[str, Theme], list[Issue]]:
    """Read every ``*.toml`` of the directories; later directories win, file name by file name.

    Returns the good themes by slug (the file name without ``.toml``), sorted, and what is wrong with the rest.
    A user's broken copy of a shipped theme leaves the shipped one in place. Directories that do not exist
    are empty. With no good theme at all the built-in :data:`MINIMAL` is the only one.
    """
    themes: dict[str, Theme] = {}
    issues: list[Issue] = []
    for directory in directories:
        try:
            files = sorted(directory.glob("*.toml"))
        except OSError as error:
            issues.append(Issue(str(directory), None, "", f"cannot be listed: {error.strerror or error}."))
            continue
        for path in files:
            try:
                themes[path.stem] = read_theme(path)
            except ConfigurationError as error:
                issues.extend(error.issues)
    if not themes:
        return {MINIMAL.id: MINIMAL}, issues
    return dict(sorted(themes.items())), issues


def read_theme(path: Path) -> Theme:
    """Read one theme file.

    Raises:
        ConfigurationError: with every issue of the file.
    """
    document = read_document(path)
    _check_names(document, path.stem)
    theme = validate(Theme, document)
    return theme.model_copy(update={"id": path.stem})


def _check_names(document: Document, slug: str) -> None:
    if not _SLUG.fullmatch(slug):
        better = slugged(slug) or "my-theme"
        hint = f'Call it "{better}.toml".'
        issue = Issue(document.source, None, "", "the file name may hold small letters, digits and dashes.", hint)
        raise ConfigurationError([issue])
    given = document.values.get("id", slug)
    if given != slug:
        hint = f'{suggest(str(given), [slug])} Give id = "{slug}", or leave it out.'.strip()
        raise ConfigurationError([Issue(document.source, document.line_of(("id",)), "id", _other_id(given), hint)])


def _other_id(given: object) -> str:
    return f"is {given!r}, but the file is called otherwise."


def check_settings(settings: ShowSettings, themes: Mapping[str, Theme], source: str = "config") -> list[Issue]:
    """What the ``[show]`` section asks for and the themes do not have; the show plays the nearest it can."""
    issues = []
    for where, slug in (("show.theme", settings.theme), *(("show.theme_order", slug) for slug in settings.theme_order)):
        if slug not in themes:
            issues.append(Issue(source, None, where, f'there is no theme "{slug}".', suggest(slug, themes)))
    if settings.beat_action in ("prompt_cycle", "transition_trigger"):
        bare = [theme.name for theme in themes.values() if not theme.variations]
        if bare:
            message = f"{settings.beat_action} does nothing in {', '.join(bare)}: no variations."
            issues.append(Issue(source, None, "show.beat_action", message, "Add [[variations]] to the theme."))
    return issues


def slugged(name: str) -> str:
    """A name as a slug: small letters, digits and dashes."""
    return "-".join(re.findall(r"[a-z0-9]+", name.lower()))
