"""Themes, prompts, beats and controls become the desired state of Scope and of the local effects."""

from bridge.show.library import MINIMAL, check_settings, load_themes
from bridge.show.report import Quantized, ShowReport
from bridge.show.settings import ShowSettings
from bridge.show.show import Show, ShowOutput
from bridge.show.theme import Theme

__all__ = [
    "MINIMAL",
    "Quantized",
    "Show",
    "ShowOutput",
    "ShowReport",
    "ShowSettings",
    "Theme",
    "check_settings",
    "load_themes",
]
