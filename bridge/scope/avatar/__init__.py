"""Avatar: one character kept, from reference pictures that are fitted, uploaded and held on the server."""

from bridge.scope.avatar.keeper import Avatar
from bridge.scope.avatar.portrait import PictureSource, check_pictures
from bridge.scope.avatar.settings import AvatarPrompt, AvatarSettings

__all__ = ["Avatar", "AvatarPrompt", "AvatarSettings", "PictureSource", "check_pictures"]
