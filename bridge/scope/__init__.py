"""The Scope client: HTTP API, WebRTC session, schemas, pacer, watchdogs."""

from bridge.scope.client import ScopeClient
from bridge.scope.examine import Finding, examine
from bridge.scope.pacer import Pacer
from bridge.scope.settings import ScopeSettings

__all__ = ["Finding", "Pacer", "ScopeClient", "ScopeSettings", "examine"]
