"""Video in: a camera, a file, an NDI source, a test picture or the guide, for Scope's video mode."""

from bridge.inputs.video.input import VideoInput
from bridge.inputs.video.listing import VideoDevice, list_cameras, list_ndi_sources
from bridge.inputs.video.settings import VideoSettings

__all__ = ["VideoDevice", "VideoInput", "VideoSettings", "list_cameras", "list_ndi_sources"]
