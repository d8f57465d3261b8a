"""Check configuration, mappings and themes: every error at once, with file, line and a suggestion.

examples:
  scope-bridge check                     exit 0 when all is well, 78 when not
  scope-bridge check --config show.toml
  scope-bridge check --offline           against the schemas kept from the server, without the network
  scope-bridge check --json              for editors and scripts
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys

from bridge.avatar import avatar_issues, pictures_of
from bridge.cli.configuration import load_settings, sources
from bridge.cli.exits import BAD_CONFIGURATION, FINE
from bridge.cli.schema_check import check_against, find_catalogue
from bridge.config import SYSTEM_CONFIG_DIRECTORY, user_config_directory
from bridge.inputs.audio import AudioSettings, choose_device, list_devices
from bridge.library import Library
from bridge.model.errors import ConfigurationError, Issue, ScopeBridgeError
from bridge.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument("--json", action="store_true", help="issues as a JSON list")
    parser.add_argument("--offline", action="store_true", help="do not ask the server for its pipelines")


def execute(given: argparse.Namespace) -> int:
    """Print every issue; 78 when there is one."""
    issues: list[Issue] = []
    settings = Settings()
    try:
        settings = load_settings(given).settings
    except ConfigurationError as error:
        issues += error.issues
    library = Library(settings, user_config_directory(os.environ))
    themes = library.themes()
    mappings = library.mappings(tuple(themes))
    directories = (user_config_directory(os.environ), SYSTEM_CONFIG_DIRECTORY)
    pictures = pictures_of(settings.avatar, [str(path) for path in sources(given)], directories)
    issues += avatar_issues(settings, pictures)
    issues += [issue for part in library.issues.values() for issue in part]
    catalogue, why_not = find_catalogue(settings.session, offline=given.offline)
    issues += check_against(catalogue, settings.scope, mappings)
    note = f"Checked against {catalogue}{f', since the server was not reached: {why_not}' if why_not else '.'}"
    print(note, file=sys.stderr)
    if (absent := _absent_device(settings.audio)) is not None:
        print(f"Not an error, since it is waited for: {absent}", file=sys.stderr)
    if given.json:
        print(json.dumps([dataclasses.asdict(issue) for issue in issues], indent=2))
    elif issues:
        for issue in issues:
            print(issue)
        print(f"{len(issues)} {'issue' if len(issues) == 1 else 'issues'}.")
    else:
        read = ", ".join(str(path) for path in sources(given)) or "no configuration file: all defaults"
        print(f"All good: {read}; {len(mappings.files)} mappings; {len(themes)} themes.")
    return BAD_CONFIGURATION if issues else FINE


def _absent_device(audio: AudioSettings) -> ScopeBridgeError | None:
    """Why the sound device would not be taken now: it may be plugged in later, or its name may be wrong."""
    if audio.source != "live":
        return None
    try:
        choose_device(list_devices(), audio.device, audio.channels)
    except ScopeBridgeError as error:
        return error
    return None
