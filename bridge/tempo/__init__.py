"""One clock from MIDI clock, audio, OSC and taps: follows all, lets one lead, hands out each beat once."""

from bridge.tempo.clock import TempoClock
from bridge.tempo.lane import BeatLane
from bridge.tempo.settings import OffsetSettings, TempoSettings

__all__ = ["BeatLane", "OffsetSettings", "TempoClock", "TempoSettings"]
