"""What one visit to a server found out before the session began."""

from __future__ import annotations

__all__ = ["Visit"]

from dataclasses import dataclass
from typing import Literal

from bridge.scope.replies import LoadState


@dataclass(frozen=True, slots=True)
class Visit:
    """The pipeline that is loaded, how it is used, and by what a restart or a foreign change is recognised."""

    pipeline: str
    mode: Literal["text", "video"]
    vace: bool
    started: float | None
    loaded: LoadState
    log_offset: int | None = None
    stale_turn: bool = False
