"""What one visit to a server found out before the session began."""

from __future__ import annotations

__all__ = ["Visit"]

from dataclasses import dataclass

from bridge.model.facts import InputMode
from bridge.scope.replies import LoadState


@dataclass(frozen=True, slots=True)
class Visit:
    """The pipeline that is loaded, how it is used, by what a restart or a foreign change is recognised.

    ``vace``: it was loaded with VACE. ``via_vace``: input video is to go to VACE, not to the latents. ``vace_on``: the
    session was offered with VACE. ``size`` is the picture's, width and height. ``session`` is our id there;
    ``stale_turn`` says that the only relay is the server's and its password has aged.
    """

    pipeline: str
    mode: InputMode
    vace: bool
    started: float | None
    loaded: LoadState
    log_offset: int | None = None
    session: str = ""
    stale_turn: bool = False
    size: tuple[int, int] = (0, 0)
    via_vace: bool = False
    vace_on: bool = False

    @property
    def steered(self) -> bool:
        """Whether the input video steers through VACE; that makes it text mode to the noise (scope-protocol 6.6)."""
        return self.vace and self.mode == "video" and self.via_vace
