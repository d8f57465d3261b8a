"""What one visit to a server found out before the session began."""

from __future__ import annotations

__all__ = ["Visit"]

from dataclasses import dataclass
from typing import Literal

from bridge.scope.replies import LoadState


@dataclass(frozen=True, slots=True)
class Visit:
    """The pipeline that is loaded, how it is used, by what a restart or a foreign change is recognised.

    ``session`` is our id there; ``stale_turn`` says that the only relay is the server's and its password has aged.
    """

    pipeline: str
    mode: Literal["text", "video"]
    vace: bool
    started: float | None
    loaded: LoadState
    log_offset: int | None = None
    session: str = ""
    stale_turn: bool = False
