"""Which guide the show wants, for whoever draws it."""

from __future__ import annotations

__all__ = ["GUIDES", "GuideName", "GuideWish"]

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

GuideName: TypeAlias = Literal["tunnel", "pulse", "bars", "orbit", "silhouette"]
"""The guides that can be drawn (``docs/video-in.md`` shows them)."""

GUIDES: Final[tuple[GuideName, ...]] = get_args(GuideName)


@dataclass(frozen=True, slots=True)
class GuideWish:
    """The theme's guide. ``words`` give it its colours: the prompt that Scope is sent, or the theme's base."""

    name: GuideName = "tunnel"
    words: str = ""
