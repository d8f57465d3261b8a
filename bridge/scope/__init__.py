"""The Scope client: HTTP API, WebRTC session, schemas, pacer, watchdogs."""

from bridge.scope.avatar import AvatarSettings, PictureSource, check_pictures
from bridge.scope.client import ScopeClient
from bridge.scope.examine import Finding, examine
from bridge.scope.pacer import Pacer
from bridge.scope.relays import check_relays
from bridge.scope.settings import ScopeSettings
from bridge.scope.urls import is_loopback

__all__ = [
    "AvatarSettings",
    "Finding",
    "Pacer",
    "PictureSource",
    "ScopeClient",
    "ScopeSettings",
    "check_pictures",
    "check_relays",
    "examine",
    "is_loopback",
]
