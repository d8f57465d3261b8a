"""The server's log as ``/api/v1/logs/tail`` gives it: lines, and an offset to go on from."""

from __future__ import annotations

__all__ = ["Logbook"]

import logging
import threading
from collections import deque
from typing import Any, Final

_KEEP: Final = 5000


class Logbook(logging.Handler):
    """Keeps the newest lines; offsets count bytes as if they stood in one file."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
        self._guard = threading.Lock()
        self._lines: deque[tuple[int, str]] = deque(maxlen=_KEEP)
        self._offset = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Append one line."""
        line = self.format(record)
        with self._guard:
            self._offset += len(line.encode()) + 1
            self._lines.append((self._offset, line))

    def tail(self, lines: int, since: int | None) -> dict[str, Any]:
        """The last ``lines`` lines, or those after offset ``since``."""
        with self._guard:
            found = [line for end, line in self._lines if since is None or end > since]
            return {"lines": found[-lines:], "offset": self._offset}
