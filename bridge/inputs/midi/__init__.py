"""MIDI in: ports kept open by name through unplugging, bytes to events."""

from bridge.inputs.midi.backend import MidiDevice, list_inputs, list_outputs
from bridge.inputs.midi.input import MidiInput
from bridge.inputs.midi.parser import MidiParser
from bridge.inputs.midi.settings import MidiSettings

__all__ = ["MidiDevice", "MidiInput", "MidiParser", "MidiSettings", "list_inputs", "list_outputs"]
