"""OS2L in: beats, buttons and commands of VirtualDJ and other DJ programs (os2l.org)."""

from bridge.inputs.os2l.input import Os2lInput
from bridge.inputs.os2l.settings import Os2lSettings

__all__ = ["Os2lInput", "Os2lSettings"]
