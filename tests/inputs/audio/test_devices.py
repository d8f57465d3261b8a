"""A name means one device or none, never another."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.inputs.audio import AudioSettings, InputDevice, choose_device, list_devices
from bridge.model.errors import AudioDeviceError, DependencyMissing

DEVICES = (
    InputDevice(0, "HDA Intel PCH: ALC257 Analog (hw:0,0)", "ALSA", 2, 44100.0),
    InputDevice(3, "USB Audio CODEC: - (hw:1,0)", "ALSA", 2, 48000.0),
    InputDevice(5, "DJM-900NXS2: USB Audio (hw:2,0)", "ALSA", 10, 48000.0),
    InputDevice(7, "pulse", "ALSA", 32, 44100.0, is_default=True),
    InputDevice(9, "USB", "JACK Audio Connection Kit", 2, 48000.0),
)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ("pulse", 7),
        ("USB", 9),
        ("usb audio codec", 3),
        ("djm", 5),
        ("/DJM-\\d+NXS2/", 5),
        ("/^USB.*CODEC/", 3),
        ("USB, JACK Audio Connection Kit", 9),
        ("default", 7),
    ],
)
def test_a_name_a_part_of_it_or_a_regex_chooses(wanted, index):
    assert choose_device(DEVICES, wanted).index == index


def test_what_fits_several_is_refused_with_their_names():
    with pytest.raises(AudioDeviceError, match="fits 3 sound devices") as error:
        choose_device(DEVICES, "usb")
    assert "USB Audio CODEC" in error.value.message
    assert error.value.hint


def test_the_same_name_under_two_systems_is_told_apart_by_the_system():
    twins = (InputDevice(1, "Mic", "MME", 2, 44100.0), InputDevice(2, "Mic", "Windows WASAPI", 2, 48000.0))
    with pytest.raises(AudioDeviceError, match=r"Mic, MME \| Mic, Windows WASAPI"):
        choose_device(twins, "Mic")
    assert choose_device(twins, "Mic, Windows WASAPI").index == 2


SERVED = (
    *DEVICES,
    InputDevice(0, "USB Audio CODEC Analog Stereo", "PulseAudio", 2, 48000.0, shared=True),
    InputDevice(1, "Monitor of USB Audio CODEC Analog Stereo", "PulseAudio", 2, 48000.0, shared=True),
    InputDevice(2, "Monitor of Built-in Audio", "PulseAudio", 2, 44100.0, shared=True, plays=True),
)


def test_what_a_server_shows_of_a_device_does_not_make_its_name_doubtful():
    assert choose_device(SERVED, "usb audio codec").index == 3
    assert choose_device(SERVED, "USB Audio CODEC Analog Stereo").host_api == "PulseAudio"


def test_what_this_computer_plays_is_the_monitor_of_its_default_output():
    assert choose_device(SERVED, "monitor").name == "Monitor of Built-in Audio"
    assert choose_device(SERVED, "monitor of usb").index == 1
    with pytest.raises(AudioDeviceError, match="what this computer plays") as error:
        choose_device(DEVICES, "monitor")
    assert "PipeWire" in error.value.hint


def test_a_device_that_is_missing_is_never_replaced():
    with pytest.raises(AudioDeviceError, match="Scarlett"):
        choose_device(DEVICES, "Scarlett 2i2")
    with pytest.raises(AudioDeviceError, match="no default"):
        choose_device(DEVICES[:3], "default")


def test_a_misspelt_name_gets_a_suggestion():
    with pytest.raises(AudioDeviceError) as error:
        choose_device(DEVICES, "pulze")
    assert error.value.hint == 'Did you mean "pulse"?'


@given(
    st.text(min_size=1, max_size=20).filter(
        lambda text: not text.startswith("/") and text not in ("default", "monitor")
    )
)
def test_a_chosen_device_always_carries_the_name(wanted):
    try:
        device = choose_device(DEVICES, wanted)
    except AudioDeviceError as error:
        assert error.hint
    else:
        assert wanted.casefold() in device.full_name.casefold()


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(DependencyMissing) as error:
        list_devices()
    assert "sounddevice" in error.value.hint


def test_without_the_system_library_the_error_names_its_package(monkeypatch, tmp_path):
    # What the module itself does on a machine without libportaudio.
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DependencyMissing) as error:
        list_devices()
    assert error.value.hint == "apt install libportaudio2"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source": "live"}, "scope-bridge devices"),
        ({"source": "file"}, "needs file"),
        ({"source": "live", "device": "/(/"}, "regular expression"),
        ({"channels": [0]}, "greater than or equal to 1"),
        ({"source": "loud"}, "demo"),
    ],
)
def test_settings_say_what_is_wrong(values, message):
    with pytest.raises(ValidationError, match=message):
        AudioSettings(**values)
