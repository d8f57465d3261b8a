"""The progress of a pod that starts or stops: one line that moves on a terminal, a line per change elsewhere."""

from __future__ import annotations

__all__ = ["Progress"]

import shutil
import sys
from types import TracebackType
from typing import Self

from bridge.scope.pods import PodMachine


class Progress:
    """Writes to standard error, so that standard output stays for scripts; nothing when ``quiet``."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._moves = sys.stderr.isatty()
        self._last = ""
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            print(file=sys.stderr)

    def show(self, machine: PodMachine, *, spent: float, seconds: float) -> None:
        """Where it stands after so many seconds, and what the run has cost in US dollars."""
        if self._quiet:
            return
        state = machine.pod.status if machine.pod is not None else "asking RunPod"
        what = f"{state} ({machine.phase})" if machine.pod is not None else state
        why = machine.trouble.message if machine.trouble is not None else machine.last_probe
        if self._moves:
            line = f"{what}  {seconds:.0f} s  ${spent:.2f}  {why}"[: shutil.get_terminal_size().columns - 1]
            print(f"\r{line:<{self._width}}", end="", file=sys.stderr, flush=True)
            self._width = len(line)
        elif (line := f"{what} {why}".rstrip()) != self._last:
            print(f"{seconds:6.0f} s  {line}", file=sys.stderr, flush=True)
            self._last = line
