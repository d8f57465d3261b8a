"""Walk the chain from the outside, a verdict a line: what works, what does not, and its mend.

Without --load and --connect nothing on the server is changed. Every code is explained in docs/troubleshooting.md.

examples:
  scope-bridge doctor
  scope-bridge doctor --json
  scope-bridge doctor --load --connect      in earnest: load the pipeline, wait for a first frame
  scope-bridge -o 'scope.urls=["http://gpu.local:8000"]' doctor
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import platform
import socket
from collections.abc import AsyncIterator, Iterable
from typing import Any, Literal

from bridge.cli.configuration import load_settings_for_run
from bridge.cli.daemon import Daemon, add_daemon_arguments
from bridge.cli.exits import FINE, RUNTIME
from bridge.config import user_config_directory
from bridge.inputs.audio import choose_device, list_devices
from bridge.inputs.midi import list_inputs
from bridge.library import Library
from bridge.model.errors import DaemonNotRunning, ScopeBridgeError
from bridge.outputs import list_outputs
from bridge.scope import Finding, ScopeSettings, check_relays, examine, is_loopback
from bridge.settings import Settings


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """One line: ``ok``, ``warn`` (it works, but) or ``fail``. ``code`` names a trouble, where it has a name."""

    level: Literal["ok", "warn", "fail"]
    part: str
    message: str
    hint: str = ""
    code: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    add_daemon_arguments(parser)
    parser.add_argument("--load", action="store_true", help="load the configured pipeline on each server")
    parser.add_argument("--connect", action="store_true", help="make a session on each server and wait for a frame")


def execute(given: argparse.Namespace) -> int:
    """Print every verdict; 1 when one fails."""
    verdicts: list[Verdict] = []
    marks = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
    for verdict in _walk(given):
        verdicts.append(verdict)
        if not given.json:
            print(f"{marks[verdict.level]}  {verdict.part:10} {verdict.message} {verdict.hint}".rstrip(), flush=True)
    if given.json:
        print(json.dumps([dataclasses.asdict(verdict) for verdict in verdicts], indent=2))
    return RUNTIME if any(verdict.level == "fail" for verdict in verdicts) else FINE


def _walk(given: argparse.Namespace) -> Iterable[Verdict]:
    yield Verdict("ok", "python", f"{platform.python_version()} on {platform.platform()}.")
    loaded = load_settings_for_run(given)
    for issue in loaded.issues:
        yield Verdict("fail", "config", str(issue))
    if not loaded.issues:
        yield Verdict("ok", "config", f"from {', '.join(loaded.sources)}.")
    settings = loaded.settings
    yield from _library(settings)
    yield from _midi()
    yield from _audio(settings)
    yield from _outputs()
    running = _running(given)
    yield from _ports(settings, running is not None)
    for url in settings.session.urls:
        yield from _scope(url, settings.session, given)
    if not settings.session.urls:
        yield Verdict("fail", "scope", "no server is configured.", "Set scope.urls, or try: scope-bridge demo")
    else:
        yield from _relays(settings)
    yield from _daemon(running)


def _library(settings: Settings) -> Iterable[Verdict]:
    library = Library(settings, user_config_directory(os.environ))
    themes = library.themes()
    mappings = library.mappings(tuple(themes))
    for part, issues in library.issues.items():
        for issue in issues:
            yield Verdict("fail", part, str(issue))
    yield Verdict("ok", "themes", f"{len(themes)}: {', '.join(themes)}.")
    yield Verdict("ok", "mappings", f"{len(mappings.files)}: {', '.join(file.stem for file in mappings.files)}.")


def _midi() -> Iterable[Verdict]:
    try:
        ports = list_inputs()
    except ScopeBridgeError as error:
        yield Verdict("warn", "midi", error.message, error.hint)
        return
    names = ", ".join(port.name for port in ports)
    yield Verdict("ok" if ports else "warn", "midi", f"inputs: {names}." if ports else "no MIDI input is plugged in.")


def _audio(settings: Settings) -> Iterable[Verdict]:
    if settings.audio.source != "live":
        yield Verdict("ok", "audio", f"source is {settings.audio.source}.")
        return
    try:
        device = choose_device(list_devices(), settings.audio.device, settings.audio.channels)
    except ScopeBridgeError as error:
        yield Verdict("fail", "audio", error.message, error.hint)
        return
    yield Verdict("ok", "audio", f"{device.full_name}: {device.channels} channels, {device.rate:g} Hz.")


def _outputs() -> Iterable[Verdict]:
    for found in list_outputs():
        yield Verdict("ok" if found.available else "warn", found.kind, found.name, found.note)


def _running(given: argparse.Namespace) -> dict[str, Any] | None:
    try:
        status: dict[str, Any] = Daemon(given).get("/api/v1/status")
    except DaemonNotRunning:
        return None
    return status


def _ports(settings: Settings, running: bool) -> Iterable[Verdict]:
    if running:
        return
    for listener in settings.osc.listen:
        family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((listener.address, listener.port))
            except OSError as error:
                yield Verdict(
                    "fail",
                    "osc",
                    f"cannot listen on {listener.address}:{listener.port}: {error.strerror}.",
                    "Another program has it: change osc.listen, or that program.",
                )
            else:
                yield Verdict("ok", "osc", f"{listener.address}:{listener.port} is free.")


def _scope(url: str, settings: ScopeSettings, given: argparse.Namespace) -> Iterable[Verdict]:
    """The steps of one server as they are taken: each verdict is printed before the next step, which may last."""
    walk = examine(url, settings, load=given.load, connect=given.connect)
    with asyncio.Runner() as runner:
        while (found := runner.run(_next(walk))) is not None:
            yield Verdict(found.level, "scope", found.message, found.hint, found.code)


async def _next(walk: AsyncIterator[Finding]) -> Finding | None:
    return await anext(walk, None)


def _relays(settings: Settings) -> Iterable[Verdict]:
    if all(is_loopback(url) for url in settings.session.urls) and not settings.scope.relay_only:
        return
    for found in asyncio.run(check_relays(settings.session, os.environ)):
        yield Verdict(found.level, "turn", found.message, found.hint, found.code)


def _daemon(status: dict[str, Any] | None) -> Iterable[Verdict]:
    if status is None:
        yield Verdict("warn", "daemon", "is not running.", "Start it with: scope-bridge run")
        return
    yield Verdict("ok", "daemon", f"runs, up {status['uptime_s']:.0f} s, Scope {status['scope']['state']}.")
    if status["switches"]["pause"]:
        yield Verdict("warn", "daemon", "generation is paused.", "To go on: the pause action again.")
    for problem in status["problems"]:
        yield Verdict("fail", problem["part"], problem["message"], problem["hint"], problem["code"])
