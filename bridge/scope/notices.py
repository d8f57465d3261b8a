"""What the server of a playing session says beside the picture: pinned on the board while it holds."""

from __future__ import annotations

__all__ = ["PART", "Notices", "pin", "quietly"]

import asyncio
import re
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeError
from bridge.scope.api import ScopeApi
from bridge.scope.troubles import Diagnosis, diagnosis

T = TypeVar("T")
PART: Final = "scope"
_ASK_S: Final = 1.5
_QUEUE_FULL: Final = re.compile(r"Parameter queue full", re.I)
_CODES: Final = ("queue-full", "other-session")


class Notices:
    """Looks into log and metrics of the server; ``session`` is our own, ``log_offset`` where its log began for us."""

    def __init__(self, api: ScopeApi, board: ProblemBoard, *, session: str, log_offset: int | None) -> None:
        self._api = api
        self._board = board
        self._session = session
        self._log_offset = log_offset

    async def look(self) -> None:
        """Ask once; a server that does not tell is no trouble."""
        await self._look_into_log()
        await self._look_at_sessions()

    def clear(self) -> None:
        """Take down what was pinned."""
        for code in _CODES:
            self._board.clear(PART, code)

    async def _look_into_log(self) -> None:
        if self._log_offset is None:
            return
        tail = await quietly(self._api.log_tail(since=self._log_offset))
        if tail is None:
            return
        self._log_offset = tail.offset
        # The pacer has at most two messages under way: a queue of eight is never full of ours.
        self._note("queue-full", any(_QUEUE_FULL.search(line) for line in tail.lines))

    async def _look_at_sessions(self) -> None:
        metrics = await quietly(self._api.metrics())
        if metrics is not None and self._session:
            self._note("other-session", metrics.first not in ("", self._session))

    def _note(self, code: str, holds: bool) -> None:
        if holds:
            pin(self._board, diagnosis(code))
        else:
            self._board.clear(PART, code)


def pin(board: ProblemBoard, found: Diagnosis) -> None:
    """Put a trouble of the server on the board."""
    board.pin(PART, found.code, found.message, found.hint)


async def quietly(call: Coroutine[Any, Any, T]) -> T | None:
    """An answer that only helps to explain: None when there is none soon."""
    try:
        async with asyncio.timeout(_ASK_S):
            return await call
    except (ScopeError, TimeoutError):
        return None
