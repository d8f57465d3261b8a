"""The avatar's settings brought to life: where its pictures are, and its prompts as a theme."""

from __future__ import annotations

__all__ = ["THEME", "avatar_issues", "avatar_theme", "pictures_of"]

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from bridge.model.errors import Issue
from bridge.scope import AvatarSettings, PictureSource, check_pictures
from bridge.settings import Settings
from bridge.show import Theme

THEME: Final = "avatar"
"""Slug of the theme that is made of the avatar's prompts; a theme file of that name stands in its place."""

_HOLD_SWING: Final = 0.3


def pictures_of(settings: AvatarSettings, sources: Iterable[str], directories: Sequence[Path]) -> PictureSource:
    """The avatar's pictures, looked for beside the configuration's files first (``sources``, weakest first)."""
    beside = [
        Path(source).resolve().parent for source in sources if source.endswith(".toml") and Path(source).is_file()
    ]
    return PictureSource(settings.pictures, tuple(dict.fromkeys([*reversed(beside), *directories])))


def avatar_theme(settings: AvatarSettings) -> Theme | None:
    """The avatar's prompts as a theme: nothing in it cuts, pulses or drifts away from the character."""
    if not settings.weighted:
        return None
    first, *others = settings.weighted
    return Theme.model_validate(
        {
            "version": 1,
            "id": THEME,
            "name": "Avatar",
            "description": "The prompts of [avatar].",
            "denoising": "pipeline",
            "prompt": {
                "base": first.text,
                "beside": [{"text": other.text, "weight": other.weight / first.weight} for other in others],
            },
            "ranges": {
                "vace_context_scale": (max(settings.scale - _HOLD_SWING, 0.0), min(settings.scale + _HOLD_SWING, 2.0))
            },
            "rest": {"vace_context_scale": settings.scale},
            "beats": {"action": "none", "pulse": 0.0},
            "change": {"beats": 0, "seconds": 3.0},
            "text": {"drives": ("vace_context_scale",), "instead_of_noise": ()},
        }
    )


def avatar_issues(settings: Settings, pictures: PictureSource) -> list[Issue]:
    """What ``scope-bridge check`` says of the avatar."""
    load = settings.scope.load_params
    issues = check_pictures(pictures, (load.width, load.height), settings.avatar.fit)
    if pictures.files and load.forbids_vace:
        hint = "Leave it out: the avatar loads VACE by itself."
        message = "is false, but [avatar] has a picture, which needs VACE."
        issues.append(Issue("config", None, "scope.load_params.vace_enabled", message, hint))
    return issues
