"""What this machine can output to, for ``scope-bridge devices``."""

from __future__ import annotations

__all__ = ["OutputDevice", "list_outputs"]

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bridge.model.errors import DependencyMissing
from bridge.outputs.ndi import load_ndi
from bridge.outputs.settings import LABEL
from bridge.outputs.v4l2 import DEVICES, MODPROBE, loopback_devices


@dataclass(frozen=True, slots=True)
class OutputDevice:
    """One thing to send to. ``note`` says what to do where it is not ``available``."""

    kind: str
    name: str
    available: bool
    note: str = ""


def list_outputs(sysfs: Path = DEVICES) -> tuple[OutputDevice, ...]:
    """NDI's library, and the virtual cameras of this machine. Opens nothing."""
    return (_ndi(), *_cameras(sysfs))


def _ndi() -> OutputDevice:
    try:
        load_ndi()
        return OutputDevice("ndi", f"cyndilib {version('cyndilib')}", True)
    except DependencyMissing as error:
        return OutputDevice("ndi", "NDI", False, str(error))
    except PackageNotFoundError:
        return OutputDevice("ndi", "cyndilib", True)


def _cameras(sysfs: Path) -> tuple[OutputDevice, ...]:
    if sys.platform != "linux":
        return (OutputDevice("virtual_camera", "OBS Virtual Camera", True, "Needs pyvirtualcam and OBS."),)
    found = tuple(OutputDevice("virtual_camera", f"{d.path} ({d.label})", True) for d in loopback_devices(sysfs))
    return found or (OutputDevice("virtual_camera", LABEL, False, f"Create it: {MODPROBE.format(label=LABEL)}"),)
