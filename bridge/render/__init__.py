"""Pure drawing from state to pixels; nothing here knows a socket, a clock or a thread."""

from __future__ import annotations

from bridge.render.look import Look
from bridge.render.painter import Painter
from bridge.render.png import png_bytes
from bridge.render.testcard import TestCard
from bridge.render.text import LINE_HEIGHT, draw_text, text_mask, text_size
from bridge.render.words import mood_of

__all__ = ["LINE_HEIGHT", "Look", "Painter", "TestCard", "draw_text", "mood_of", "png_bytes", "text_mask", "text_size"]
