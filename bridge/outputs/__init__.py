"""The outputs: NDI, virtual camera and preview. Opened once, never closed while running."""

from bridge.outputs.listing import OutputDevice, list_outputs
from bridge.outputs.outputs import Outputs
from bridge.outputs.preview import Preview
from bridge.outputs.settings import OutputSettings
from bridge.outputs.sink import Sink

__all__ = ["OutputDevice", "OutputSettings", "Outputs", "Preview", "Sink", "list_outputs"]
