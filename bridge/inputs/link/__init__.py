"""Ableton Link: the session's beat for the one clock, or the one clock's beat for the session."""

from bridge.inputs.link.input import LinkInput
from bridge.inputs.link.settings import LinkSettings

__all__ = ["LinkInput", "LinkSettings"]
