"""List the mappings (one for each controller or program), or show one.

examples:
  scope-bridge mappings
  scope-bridge mappings akai_midimix
  scope-bridge mappings --path       where your own go; one of a shipped name takes its place
"""

from __future__ import annotations

import argparse
import os

from bridge.cli.configuration import load_settings_for_run
from bridge.cli.exits import FINE
from bridge.config import user_config_directory
from bridge.library import Library
from bridge.mapping import describe, list_mappings
from bridge.model.document import suggest
from bridge.model.errors import ScopeBridgeError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument("name", nargs="?", help="a mapping's file name without .toml")
    parser.add_argument("--path", action="store_true", help="print the folder of your own mappings")


def execute(given: argparse.Namespace) -> int:
    """Print the list or one mapping."""
    library = Library(load_settings_for_run(given).settings, user_config_directory(os.environ))
    mappings = library.mappings(tuple(library.themes()))
    by_name = {file.stem: file for file in mappings.files}
    if given.path:
        print(library.directories[1])
    elif given.name is None:
        for info in list_mappings(mappings):
            print(f"{info.name:26} {info.title}: {info.controls} controls, {info.mappings} mappings")
        for issue in library.issues["mapping"]:
            print(f"left out: {issue}")
    elif given.name in by_name:
        print(describe(by_name[given.name]))
    else:
        raise ScopeBridgeError(f"There is no mapping {given.name!r}.", hint=suggest(given.name, by_name))
    return FINE
