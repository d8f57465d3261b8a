"""MIDI in: ports kept open by name through unplugging, bytes to events."""

from bridge.inputs.midi.backend import MidiDevice, RtMidiOutputs, list_inputs, list_outputs
from bridge.inputs.midi.input import MidiInput
from bridge.inputs.midi.parser import MidiParser
from bridge.inputs.midi.settings import MidiSettings

__all__ = ["MidiDevice", "MidiInput", "MidiParser", "MidiSettings", "RtMidiOutputs", "list_inputs", "list_outputs"]
