"""What one visit to a server found out before the session began."""

from __future__ import annotations

__all__ = ["Visit"]

from dataclasses import dataclass
from typing import Literal

from bridge.scope.diagnosis import Relay
from bridge.scope.replies import LoadState


@dataclass(frozen=True, slots=True)
class Visit:
    """The pipeline that is loaded, how it is used, and by what a restart or a foreign change is recognised.

    ``relay`` is whose TURN servers may be used, ``age_s`` how long the server had been up, ``session`` our id there.
    """

    pipeline: str
    mode: Literal["text", "video"]
    vace: bool
    started: float | None
    loaded: LoadState
    log_offset: int | None = None
    relay: Relay = "none"
    age_s: float | None = None
    session: str = ""
