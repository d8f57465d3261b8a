"""How far the ears are with a file."""

from __future__ import annotations

__all__ = ["Progress"]

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

from bridge.inputs.audio import duration_s

_PROGRESS_S: Final = 0.25


class Progress:
    """One line that is drawn over, in a terminal only.

    Args:
        file: its name is shown, and how much of it has been heard where it says how long it is.
        out: the terminal.
        wanted: False shows nothing, for when people see the beats themselves.
        clock: monotonic seconds.
    """

    def __init__(self, file: Path, out: TextIO, *, wanted: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._shown = wanted and out.isatty()
        self._name = file.name
        self._length = duration_s(file) if self._shown and file.is_file() else None
        self._clock = clock
        self._began = clock()
        self._due = self._began + _PROGRESS_S
        self._drawn = False

    def show(self, heard_s: float) -> None:
        """``heard_s`` seconds have been heard."""
        if not self._shown or (now := self._clock()) < self._due:
            return
        self._due = now + _PROGRESS_S
        share = f"{min(heard_s / self._length, 1):4.0%}, " if self._length else ""
        times = heard_s / (now - self._began)
        self._out.write(f"\r{self._name}: {share}{_minutes(heard_s)} heard, {times:.0f} times real time\x1b[K")
        self._out.flush()
        self._drawn = True

    def clear(self) -> None:
        """Leave no trace."""
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._out.flush()


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
