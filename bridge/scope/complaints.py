"""What the link has on the board: one trouble a server, until there is a picture again."""

from __future__ import annotations

__all__ = ["Complaints"]

from collections import Counter
from typing import Final

from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeError, ScopeSessionLost
from bridge.scope.diagnosis import needs_reload
from bridge.scope.notices import PART, pin
from bridge.scope.troubles import Diagnosis, diagnosis

_LASTING: Final = frozenset({"mode", "old-server", "too-large", "vace-idle", "avatar-no-vace", "avatar-vace-off"})
"""Troubles that a picture does not end."""

_PINNED: Final = "pinned"


class Complaints:
    """Pins and clears; remembers what went wrong since there last was a picture."""

    def __init__(self, board: ProblemBoard) -> None:
        self._board = board
        self._shown: set[str] = set()
        self._of_server: dict[str, str] = {}
        self._losses: Counter[str] = Counter()
        self.vace_failed = False
        """Whether VACE without a reference once gave no picture."""

    def show(self, found: Diagnosis) -> None:
        """Put it on the board."""
        self._shown.add(found.code)
        pin(self._board, found)

    def show_if(self, code: str, found: Diagnosis | None) -> None:
        """Put it on the board, or take ``code`` down where there is nothing to tell."""
        if found is not None:
            self.show(found)
        else:
            self.clear(code)

    def clear(self, code: str) -> None:
        """Take it down."""
        self._shown.discard(code)
        self._board.clear(PART, code)

    def blame(self, url: str, found: Diagnosis, *, pinned: str = "") -> None:
        """What is wrong with a server, in the place of what was; ``pinned`` is the only server that is tried, if any.

        What is wrong with the others stays: the board would else be wiped and written again with every try.
        """
        self._of_server[url] = found.code
        for old in tuple(self._shown - _LASTING - {_PINNED, *self._of_server.values()}):
            self.clear(old)
        self.show(found)
        self.show_if(_PINNED, diagnosis(_PINNED, server=pinned) if pinned else None)

    def lost(self, url: str, error: ScopeError, *, pinned: str = "") -> bool:
        """Blame a server for a loss; whether its pipeline must really be loaded again."""
        code = error.code or ("session" if isinstance(error, ScopeSessionLost) else "server")
        self.blame(url, Diagnosis(code, error.message, error.hint), pinned=pinned)
        reload = needs_reload(code, self._losses)
        self._losses[code] += 1
        self.vace_failed |= code == "vace-no-reference"
        return reload

    def live(self) -> None:
        """There is a picture: what it ends comes down."""
        self._losses.clear()
        self._of_server.clear()
        for code in tuple(self._shown - _LASTING):
            self.clear(code)
