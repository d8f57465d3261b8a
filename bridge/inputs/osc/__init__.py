"""OSC in: datagrams to :class:`~bridge.model.events.OscEvent`, nothing else."""

from bridge.inputs.osc.decode import IMMEDIATELY, OscMessage, OscPacket, decode
from bridge.inputs.osc.osc_input import OscInput
from bridge.inputs.osc.pattern import AddressPattern
from bridge.inputs.osc.settings import OscListenSettings, OscSettings

__all__ = [
    "IMMEDIATELY",
    "AddressPattern",
    "OscInput",
    "OscListenSettings",
    "OscMessage",
    "OscPacket",
    "OscSettings",
    "decode",
]
