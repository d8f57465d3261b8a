"""``scope-bridge``: one module per verb. Verbs about a running daemon ask it over its HTTP API."""

from bridge.cli.main import main

__all__ = ["main"]
