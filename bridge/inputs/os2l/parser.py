"""A TCP stream to OS2L messages: JSON objects back to back, with no framing around them (inputs section 3).

Whoever is on the other end, and however the network cuts the stream: the same bytes give the same messages, nothing
raises, and after garbage the next whole message is understood.
"""

from __future__ import annotations

__all__ = ["MAX_MESSAGE", "MessageStream"]

import json
import re
from collections.abc import Callable
from typing import Any, Final

MAX_MESSAGE: Final = 4096
"""Bytes of one message; OS2L's own have about 80."""

_MARK: Final = re.compile(rb'["{}\\\x00-\x1f]')
_BEGINNING: Final = b'{"evt"'
"""Never stands inside a whole message: quotes in a string are escaped, and no message holds another."""
_BETWEEN: Final = b" \t\r\n\0"
"""What may stand between messages."""


class MessageStream:
    """Cuts one connection's bytes into objects. ``reject`` is told the reason and the bytes of what is none."""

    def __init__(self, reject: Callable[[str, str], None]) -> None:
        self._reject = reject
        self._buffer = bytearray()
        self._scanned = 0
        self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The messages that end within ``data``, in order."""
        found: list[dict[str, Any]] = []
        self._buffer += data
        while (end := self._next_end()) is not None:
            whole = bytes(self._buffer[:end])
            self._forget(end)
            message = _decoded(whole)
            if message is None:
                self._refuse("not a JSON object", whole)
            else:
                found.append(message)
        return found

    def _next_end(self) -> int | None:
        """Scan on; where the object at the buffer's beginning ends, None while it has not."""
        while self._depth or self._find_beginning():
            mark = _MARK.search(self._buffer, self._scanned)
            at = mark.start() if mark else len(self._buffer)
            if at >= MAX_MESSAGE:
                self._drop("longer than a message may be", MAX_MESSAGE)
                continue
            self._scanned = at
            if mark is None:
                return None
            ahead = bytes(self._buffer[at : at + len(_BEGINNING)])
            if ahead == _BEGINNING:
                self._drop("unfinished", at)
            elif _BEGINNING.startswith(ahead) or ahead == b"\\":
                return None  # what the mark means stands in bytes that are still to come
            elif self._in_string and ahead[0] < 0x20:
                self._drop("a line end in a text", at)
            elif self._step_over(mark.group()):
                return self._scanned
        return None

    def _find_beginning(self) -> bool:
        """Drop what stands before the next ``{``; False when there is none yet."""
        at = self._buffer.find(b"{")
        skipped = bytes(self._buffer[: at if at >= 0 else len(self._buffer)])
        if skipped.strip(_BETWEEN):
            self._refuse("no JSON object", skipped)
        self._forget(len(skipped))
        if at < 0:
            return False
        self._scanned = self._depth = 1
        return True

    def _step_over(self, mark: bytes) -> bool:
        """Take one mark in; True when it ends the object."""
        self._scanned += 2 if mark == b"\\" and self._in_string else 1
        if mark == b'"':
            self._in_string = not self._in_string
        elif not self._in_string:
            self._depth += (mark == b"{") - (mark == b"}")
        return self._depth == 0

    def _drop(self, reason: str, size: int) -> None:
        self._refuse(reason, bytes(self._buffer[:size]))
        self._forget(size)

    def _forget(self, size: int) -> None:
        del self._buffer[:size]
        self._scanned = self._depth = 0
        self._in_string = False

    def _refuse(self, reason: str, what: bytes) -> None:
        self._reject(reason, what[:80].decode("utf-8", "backslashreplace"))


def _decoded(whole: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(whole)
    except (ValueError, RecursionError):  # also what is no UTF-8, and numbers of too many digits
        return None
    return value if isinstance(value, dict) else None
