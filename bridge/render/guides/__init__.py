"""Guides: pictures that move with the music, for Scope to paint over. Pure: equal cues give equal pictures."""

from __future__ import annotations

from bridge.render.guides.cue import Cue
from bridge.render.guides.painter import GuidePainter

__all__ = ["Cue", "GuidePainter"]
