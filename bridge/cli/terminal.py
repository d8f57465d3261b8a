"""Lines for terminals of any width, with colours and signs only where they can be shown."""

from __future__ import annotations

__all__ = ["ASCII", "UNICODE", "Line", "Signs", "has_colours", "signs_for", "written"]

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TextIO, TypeAlias

Style = Literal["", "dim", "bold", "good", "warn", "bad", "glow", "alert"]
Line: TypeAlias = Sequence[tuple[str, Style]]

_CODES: Final[dict[Style, str]] = {
    "dim": "2",
    "bold": "1",
    "good": "32",
    "warn": "33",
    "bad": "31",
    "glow": "36",
    "alert": "1;37;41",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What meters are drawn with. ``steps`` are columns from empty to full."""

    full: str
    empty: str
    mark: str
    on: str
    off: str
    dot: str
    steps: str


UNICODE: Final = Signs(full="█", empty="·", mark="│", on="●", off="○", dot="·", steps=" ▁▂▃▄▅▆▇█")
ASCII: Final = Signs(full="#", empty=".", mark="|", on="@", off="o", dot="-", steps=" .:=#")


def signs_for(out: TextIO) -> Signs:
    """The nicest signs that ``out`` can encode."""
    try:
        "".join((UNICODE.full, UNICODE.empty, UNICODE.mark, UNICODE.on, UNICODE.off, UNICODE.steps)).encode(
            getattr(out, "encoding", None) or "ascii"
        )
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def has_colours(out: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether colours belong there: a terminal, and nobody asked for none (https://no-color.org)."""
    return out.isatty() and not environment.get("NO_COLOR") and environment.get("TERM", "") != "dumb"


def written(line: Line, width: int, *, colours: bool) -> str:
    """The line as characters, cut to ``width`` columns; escape codes are not counted."""
    parts: list[str] = []
    for text, style in line:
        shown = text[: max(width, 0)]
        width -= len(shown)
        parts.append(f"\x1b[{_CODES[style]}m{shown}\x1b[0m" if colours and style and shown else shown)
    return "".join(parts)
