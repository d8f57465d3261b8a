"""What every source of video offers, and how one is found by name."""

from __future__ import annotations

__all__ = ["I420", "Drawn", "Picture", "Source", "choose"]

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import av
import numpy as np
import numpy.typing as npt

from bridge.model.errors import VideoSourceError

I420: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A picture drawn at the size asked for: I420 of shape (height * 3 // 2, width)."""

    data: I420


Picture: TypeAlias = av.VideoFrame | Drawn
"""Captured at any size and in any format, or drawn to measure."""


class Source(Protocol):
    """Called from one thread alone: ``open``, then ``read`` for ever, then ``close``."""

    def open(self, width: int, height: int) -> str:
        """Take the device; drawn pictures are to have this size. Returns what was opened, for status and log.

        Raises:
            VideoSourceError, DependencyMissing: it cannot be opened now; tried again later.
        """

    def read(self, timeout: float) -> Picture | None:
        """The next picture, or None after ``timeout`` seconds; the same object is the same picture.

        Raises:
            VideoSourceError: the source is lost; it is closed and opened again.
        """

    def close(self) -> None:
        """Let go of everything; fine when not open."""


def choose(kind: str, wanted: str, names: Sequence[str]) -> int:
    """Index of the one name that ``wanted`` means: the whole name, a part of only one, or /a regular expression/.

    Raises:
        VideoSourceError: none fits, or several do.
    """
    if wanted in names:
        return names.index(wanted)
    if len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/"):
        pattern = re.compile(wanted[1:-1])
        found = [index for index, name in enumerate(names) if pattern.search(name)]
    else:
        found = [index for index, name in enumerate(names) if wanted.lower() in name.lower()]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f'"{name}"' for name in names) or "none"
    if found:
        raise VideoSourceError(f'"{wanted}" fits several {kind}s: {there}.', hint="Give more of its name in [video].")
    raise VideoSourceError(
        f'There is no {kind} "{wanted}"; there: {there}.', hint="Plug it in or start it: it is taken by itself."
    )
