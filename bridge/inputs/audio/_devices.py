"""Which device a name means. Never another one: what does not fit exactly one device is an error."""

from __future__ import annotations

__all__ = ["InputDevice", "choose_device"]

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.model.errors import AudioDeviceError

_LIST = "`scope-bridge devices` lists them."


@dataclass(frozen=True, slots=True)
class InputDevice:
    """One sound device with inputs. ``index`` is the sound system's own and changes; ``rate`` is in Hz.

    ``shared`` marks what a sound server shows of a device that may be listed by itself too; ``plays`` the monitor of
    the server's default output.
    """

    index: int
    name: str
    host_api: str
    channels: int
    rate: float
    is_default: bool = False
    shared: bool = False
    plays: bool = False

    @property
    def full_name(self) -> str:
        """Name and host API, as in "USB Audio CODEC, ALSA": unique where a name is not."""
        return f"{self.name}, {self.host_api}"


def choose_device(devices: Sequence[InputDevice], wanted: str, picks: Sequence[int] = ()) -> InputDevice:
    """The one device that ``wanted`` means: exact name, part of a name in any case, ``/regex/``, ``default`` or ``monitor``.

    Where a name fits a device and also what a sound server shows of it, the device itself is meant.

    Raises:
        AudioDeviceError: none fits, or more than one, or it does not have the channels in ``picks`` (from 1).
    """
    device = _meant(devices, wanted)
    if picks and max(picks) > device.channels:
        has = f"{device.channels} input {'channel' if device.channels == 1 else 'channels'}"
        raise AudioDeviceError(
            f'"{device.full_name}" has {has}, but channel {max(picks)} was asked for.', hint="Change [audio] channels."
        )
    return device


def _meant(devices: Sequence[InputDevice], wanted: str) -> InputDevice:
    if wanted == "default":
        fits = [device for device in devices if device.is_default]
        if not fits:
            raise AudioDeviceError("The system has no default sound input.", hint=f"Name a device; {_LIST}")
        return fits[0]
    if wanted == "monitor":
        fits = [device for device in devices if device.plays]
        if not fits:
            raise AudioDeviceError(
                "No sound server tells what this computer plays.",
                hint="It needs PulseAudio or PipeWire (Linux); elsewhere install a loopback device and name it.",
            )
        return fits[0]
    fits = _fitting(devices, wanted)
    fits = [device for device in fits if not device.shared] or fits
    if len(fits) == 1:
        return fits[0]
    if fits:
        names = " | ".join(device.full_name for device in fits[:6])
        raise AudioDeviceError(f'"{wanted}" fits {len(fits)} sound devices: {names}.', hint="Write more of the name.")
    raise AudioDeviceError(f'No sound input is named "{wanted}".', hint=_nearest(devices, wanted))


def _fitting(devices: Sequence[InputDevice], wanted: str) -> list[InputDevice]:
    exact = [device for device in devices if wanted in (device.name, device.full_name)]
    if exact:
        return exact
    if len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/"):
        pattern = re.compile(wanted[1:-1])
        return [device for device in devices if pattern.search(device.full_name)]
    return [device for device in devices if wanted.casefold() in device.full_name.casefold()]


def _nearest(devices: Sequence[InputDevice], wanted: str) -> str:
    if not devices:
        return "No sound device with inputs is there now: plug it in, it is taken when it appears."
    close = difflib.get_close_matches(wanted, [device.name for device in devices], n=1, cutoff=0.5)
    return f'Did you mean "{close[0]}"?' if close else f"Plug it in, or choose another; {_LIST}"
