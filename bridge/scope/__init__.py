"""The Scope client: HTTP API, WebRTC session, schemas, pacer, watchdogs."""

from bridge.scope.avatar import AvatarSettings, PictureSource, check_pictures
from bridge.scope.client import ScopeClient
from bridge.scope.pacer import Pacer
from bridge.scope.settings import ScopeSettings

__all__ = ["AvatarSettings", "Pacer", "PictureSource", "ScopeClient", "ScopeSettings", "check_pictures"]
