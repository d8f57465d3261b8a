"""MIDI ports, sound devices, cameras and NDI on this machine, by the names to write into the configuration.

examples:
  scope-bridge devices
  scope-bridge devices --json
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable, Iterable
from typing import Any

from bridge.cli.exits import FINE
from bridge.inputs.audio import list_devices
from bridge.inputs.midi import list_inputs, list_outputs
from bridge.inputs.video import list_cameras, list_ndi_sources
from bridge.model.errors import ScopeBridgeError
from bridge.outputs import list_outputs as list_sinks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument("--json", action="store_true", help="for scripts")


def execute(given: argparse.Namespace) -> int:
    """Print every list; what cannot be listed says why."""
    found: dict[str, Any] = {}
    for name, call in (
        ("MIDI inputs", list_inputs),
        ("MIDI outputs", list_outputs),
        ("sound inputs", list_devices),
        ("cameras", list_cameras),
        ("NDI sources", list_ndi_sources),
        ("outputs", list_sinks),
    ):
        found[name] = _listed(call)
    if given.json:
        print(json.dumps(found, indent=2))
        return FINE
    for name, entries in found.items():
        print(f"{name}:")
        for line in _lines(entries):
            print(f"  {line}")
    return FINE


def _listed(call: Callable[[], Iterable[Any]]) -> Any:
    try:
        return [dataclasses.asdict(entry) for entry in call()]
    except ScopeBridgeError as error:
        return {"error": error.message, "hint": error.hint}


def _lines(entries: Any) -> Iterable[str]:
    if isinstance(entries, dict):
        yield f"not available: {entries['error']} {entries['hint']}"
        return
    for entry in entries:
        name = entry.pop("name")
        if "host_api" in entry:
            yield f"{name}  ({', '.join(_of_sound(entry))})"
            continue
        rest = ", ".join(f"{key} {value}" for key, value in entry.items() if value not in (None, "", False))
        yield f"{name}  ({rest})"
    if not entries:
        yield "none"


def _of_sound(entry: dict[str, Any]) -> Iterable[str]:
    """What chooses between devices: the sound system, how many channels, and which are meant by a word."""
    yield entry["host_api"]
    yield f"{entry['channels']} {'channel' if entry['channels'] == 1 else 'channels'}"
    yield f"{entry['rate']:g} Hz"
    if entry["is_default"]:
        yield '"default"'
    if entry["plays"]:
        yield '"monitor"'
