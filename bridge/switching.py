"""Text or video, and which picture the avatar holds: intents for the Scope client, and the theme that goes with them."""

from __future__ import annotations

__all__ = ["TARGETS", "Switching"]

import math
from collections.abc import Callable
from typing import Final, Protocol

from bridge.model.document import suggest
from bridge.model.errors import Issue
from bridge.model.facts import InputMode
from bridge.model.targets import MODES, Intent

TARGETS: Final = frozenset({"mode", "avatar"})
"""Kinds of target that are for this and not for the show; and the actions below."""

ACTIONS: Final = frozenset({"mode_toggle", "avatar_clear"})


class _Client(Protocol):
    """What the Scope client offers for this."""

    @property
    def mode(self) -> InputMode: ...
    @property
    def pictures(self) -> tuple[str, ...]: ...
    def set_mode(self, mode: InputMode) -> None: ...
    def choose_picture(self, name: str) -> None: ...


class Switching:
    """Carries out what is asked of mode and avatar.

    Going over to video plays the avatar's theme, where there is one; going back plays the theme from before, unless
    somebody has chosen another meanwhile.

    Args:
        theme: the theme that plays now, by slug.
        avatar_theme: slug of the theme of the avatar's prompts, "" for none.
        text_theme: where text mode begins when the show starts in video mode.
    """

    def __init__(
        self, client: _Client, *, theme: Callable[[], str], avatar_theme: str = "", text_theme: str = ""
    ) -> None:
        self._client = client
        self._theme = theme
        self._avatar_theme = avatar_theme
        self._text_theme = text_theme

    @staticmethod
    def takes(intent: Intent) -> bool:
        """Whether an intent is for this."""
        kind, _, name = intent.target.partition("/")
        return kind in TARGETS or (kind == "action" and name in ACTIONS)

    def take(self, intent: Intent) -> Issue | Intent | None:
        """Do what is asked: what is wrong with it, or the change of theme that comes with it."""
        kind, _, name = intent.target.partition("/")
        if intent.kind == "release":
            return None
        if kind == "mode":
            return self._set_mode(name, intent)
        if kind == "avatar":
            return self._choose(name, intent)
        if intent.kind == "trigger":
            if name == "mode_toggle":
                return self._go_over("text" if self._client.mode == "video" else "video", intent)
            self._client.choose_picture("")
        return None

    def _set_mode(self, name: str, intent: Intent) -> Issue | Intent | None:
        value = intent.value
        if name:
            if intent.kind == "set" and not value:
                return None
        elif isinstance(value, str):
            name = value.strip().lower()
        elif intent.normalised and isinstance(value, int | float):
            name = MODES[value >= 0.5]
        if name not in MODES:
            return _wrong(intent, f"cannot take {(name or value)!r}.", "It takes text or video.")
        return self._go_over("video" if name == "video" else "text", intent)

    def _go_over(self, mode: InputMode, intent: Intent) -> Intent | None:
        if mode == self._client.mode:
            return None
        self._client.set_mode(mode)
        playing, goal = self._theme(), ""
        if mode == "video":
            self._text_theme = playing
            goal = self._avatar_theme
        elif playing == self._avatar_theme:
            goal = self._text_theme
        if not goal or goal == playing:
            return None
        return Intent(intent.t, f"theme/{goal}", "trigger", origin=intent.origin)

    def _choose(self, name: str, intent: Intent) -> Issue | None:
        value, pictures = intent.value, self._client.pictures
        first, _, picture = name.partition("/")
        if first != "reference":
            return _wrong(intent, "is not a target.", suggest(intent.target, ("avatar/reference",)))
        if picture:
            if intent.kind == "set" and not value:
                return None
        elif isinstance(value, str):
            picture = value.strip().lower()
        elif isinstance(value, int | float) and math.isfinite(value) and pictures:
            place = int(value * len(pictures)) if intent.normalised else round(value) - 1
            place = min(max(place, 0), len(pictures) - 1) if intent.normalised else place
            if not 0 <= place < len(pictures):
                return _wrong(intent, f"there is no picture number {place + 1}.", f"There are {len(pictures)}.")
            picture = pictures[place]
        if not picture:
            return _wrong(intent, f"cannot take {value!r}.", "Give a picture's name, or its number from 1.")
        if picture not in pictures:
            hint = suggest(picture, pictures) or "Name your pictures under [avatar.references]."
            return _wrong(intent, f'there is no reference picture "{picture[:80]}".', hint)
        self._client.choose_picture(picture)
        return None


def _wrong(intent: Intent, message: str, hint: str) -> Issue:
    return Issue(intent.origin or "avatar", None, intent.target, message[:300], hint)
