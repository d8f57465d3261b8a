"""Audio in: the demo track, a file or a sound device, as blocks of 512 mono samples at 44.1 kHz."""

from bridge.inputs.audio._backend import AudioBackend, CaptureStream, OnAudio
from bridge.inputs.audio._blocks import Mixer
from bridge.inputs.audio._devices import InputDevice, choose_device
from bridge.inputs.audio._files import duration_s, read_blocks, read_file, read_frames
from bridge.inputs.audio._systems import list_devices
from bridge.inputs.audio.demo import DEMO_BPM, DEMO_SECTIONS, demo_beats, demo_track, write_wav
from bridge.inputs.audio.input import AudioInput
from bridge.inputs.audio.settings import AudioSettings

__all__ = [
    "DEMO_BPM",
    "DEMO_SECTIONS",
    "AudioBackend",
    "AudioInput",
    "AudioSettings",
    "CaptureStream",
    "InputDevice",
    "Mixer",
    "OnAudio",
    "choose_device",
    "demo_beats",
    "demo_track",
    "duration_s",
    "list_devices",
    "read_blocks",
    "read_file",
    "read_frames",
    "write_wav",
]
