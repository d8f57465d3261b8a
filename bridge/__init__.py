"""Scope Bridge: controllers, DJ programs and live audio into Daydream Scope; its video out to NDI and OBS."""

__version__ = "0.1.0"
