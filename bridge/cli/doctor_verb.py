"""Walk the chain from the outside, a verdict a line: what works, what does not, and its mend.

examples:
  scope-bridge doctor
  scope-bridge doctor --json
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
from collections.abc import Iterable
from typing import Any, Literal

import httpx

from bridge.cli.configuration import load_settings_for_run
from bridge.cli.daemon import Daemon, add_daemon_arguments
from bridge.cli.exits import FINE, RUNTIME
from bridge.config import user_config_directory
from bridge.inputs.audio import choose_device, list_devices
from bridge.inputs.midi import list_inputs
from bridge.library import Library
from bridge.model.errors import DaemonNotRunning, ScopeBridgeError
from bridge.outputs import list_outputs
from bridge.scope import check_relays, is_loopback
from bridge.settings import Settings


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """One line: ``good``, ``note`` (works without it) or ``bad``."""

    level: Literal["good", "note", "bad"]
    part: str
    message: str
    hint: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    add_daemon_arguments(parser)


def execute(given: argparse.Namespace) -> int:
    """Print every verdict; 1 when one is bad."""
    verdicts: list[Verdict] = []
    marks = {"good": "ok  ", "note": "note", "bad": "BAD "}
    for verdict in _walk(given):
        verdicts.append(verdict)
        if not given.json:
            print(f"{marks[verdict.level]}  {verdict.part:10} {verdict.message} {verdict.hint}".rstrip(), flush=True)
    if given.json:
        print(json.dumps([dataclasses.asdict(verdict) for verdict in verdicts], indent=2))
    return RUNTIME if any(verdict.level == "bad" for verdict in verdicts) else FINE


def _walk(given: argparse.Namespace) -> Iterable[Verdict]:
    yield Verdict("good", "python", f"{platform.python_version()} on {platform.platform()}.")
    loaded = load_settings_for_run(given)
    for issue in loaded.issues:
        yield Verdict("bad", "config", str(issue))
    if not loaded.issues:
        yield Verdict("good", "config", f"from {', '.join(loaded.sources)}.")
    settings = loaded.settings
    yield from _library(settings)
    yield from _midi()
    yield from _audio(settings)
    yield from _outputs()
    running = _running(given)
    yield from _ports(settings, running is not None)
    for url in settings.session.urls:
        yield from _scope(url, settings)
    if not settings.session.urls:
        yield Verdict("bad", "scope", "no server is configured.", "Set scope.urls, or try: scope-bridge demo")
    else:
        yield from _relays(settings)
    yield from _daemon(running)


def _library(settings: Settings) -> Iterable[Verdict]:
    library = Library(settings, user_config_directory(os.environ))
    themes = library.themes()
    mappings = library.mappings(tuple(themes))
    for part, issues in library.issues.items():
        for issue in issues:
            yield Verdict("bad", part, str(issue))
    yield Verdict("good", "themes", f"{len(themes)}: {', '.join(themes)}.")
    yield Verdict("good", "mappings", f"{len(mappings.files)}: {', '.join(file.stem for file in mappings.files)}.")


def _midi() -> Iterable[Verdict]:
    try:
        ports = list_inputs()
    except ScopeBridgeError as error:
        yield Verdict("note", "midi", error.message, error.hint)
        return
    names = ", ".join(port.name for port in ports)
    yield Verdict("good" if ports else "note", "midi", f"inputs: {names}." if ports else "no MIDI input is plugged in.")


def _audio(settings: Settings) -> Iterable[Verdict]:
    if settings.audio.source != "live":
        yield Verdict("good", "audio", f"source is {settings.audio.source}.")
        return
    try:
        device = choose_device(list_devices(), settings.audio.device)
    except ScopeBridgeError as error:
        yield Verdict("bad", "audio", error.message, error.hint)
        return
    yield Verdict("good", "audio", f"{device.full_name}: {device.channels} channels, {device.rate:g} Hz.")


def _outputs() -> Iterable[Verdict]:
    for found in list_outputs():
        yield Verdict("good" if found.available else "note", found.kind, found.name, found.note)


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
                    "bad",
                    "osc",
                    f"cannot listen on {listener.address}:{listener.port}: {error.strerror}.",
                    "Another program has it: change osc.listen, or that program.",
                )
            else:
                yield Verdict("good", "osc", f"{listener.address}:{listener.port} is free.")


def _scope(url: str, settings: Settings) -> Iterable[Verdict]:
    host = httpx.URL(url).copy_with(username=None, password=None, query=None)
    try:
        with httpx.Client(base_url=url, timeout=8.0) as client:
            answer = client.get("/health")
            health = answer.json() if answer.status_code == 200 else None
    except httpx.HTTPError as error:
        yield Verdict("bad", "scope", f"{host} does not answer: {error}.", "Is the server (or pod) running?")
        return
    except ValueError:
        health = None
    if not isinstance(health, dict) or health.get("status") != "healthy":
        yield Verdict(
            "bad",
            "scope",
            f"{host} answers {answer.status_code}, but not as Scope does.",
            _proxy_hint(answer.status_code),
        )
        return
    version = health.get("version", "of 2025")
    yield Verdict("good", "scope", f"{host} is healthy, version {version}.")
    with httpx.Client(base_url=url, timeout=8.0) as client:
        schemas = client.get("/api/v1/pipelines/schemas")
    known = schemas.json().get("pipelines", {}) if schemas.status_code == 200 else {}
    pipeline = settings.scope.pipeline
    if known and pipeline and pipeline not in known:
        yield Verdict(
            "bad", "scope", f"it has no pipeline {pipeline!r} for its hardware.", f"It offers: {', '.join(known)}."
        )


def _relays(settings: Settings) -> Iterable[Verdict]:
    if all(is_loopback(url) for url in settings.session.urls) and not settings.scope.relay_only:
        return
    for finding in asyncio.run(check_relays(settings.session, os.environ)):
        yield Verdict(finding.level, "turn", finding.message, finding.hint)


def _proxy_hint(status: int) -> str:
    if status == 404:
        return "A proxy that says 404 means the pod is stopped: start it."
    if status in (502, 503, 524):
        return "A proxy that says this means the pod is still booting: wait two or three minutes."
    return "Is the address right? Scope listens on port 8000."


def _daemon(status: dict[str, Any] | None) -> Iterable[Verdict]:
    if status is None:
        yield Verdict("note", "daemon", "is not running.", "Start it with: scope-bridge run")
        return
    yield Verdict("good", "daemon", f"runs, up {status['uptime_s']:.0f} s, Scope {status['scope']['state']}.")
    for problem in status["problems"]:
        yield Verdict("bad", problem["part"], problem["message"], problem["hint"])
