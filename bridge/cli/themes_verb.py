"""List the themes, or show one.

examples:
  scope-bridge themes
  scope-bridge themes neon-foundry
  scope-bridge themes --path        where your own go; one of a shipped name takes its place
"""

from __future__ import annotations

import argparse
import os

from bridge.cli.configuration import load_settings_for_run
from bridge.cli.exits import FINE
from bridge.config import user_config_directory
from bridge.library import Library
from bridge.model.document import suggest
from bridge.model.errors import ScopeBridgeError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument("name", nargs="?", help="a theme's slug")
    parser.add_argument("--path", action="store_true", help="print the folder of your own themes")


def execute(given: argparse.Namespace) -> int:
    """Print the list or one theme."""
    library = Library(load_settings_for_run(given).settings, user_config_directory(os.environ))
    themes = library.themes()
    if given.path:
        print(library.directories[0])
    elif given.name is None:
        for slug, theme in themes.items():
            print(f"{slug:20} {theme.name}: {theme.description}")
        for issue in library.issues["show"]:
            print(f"left out: {issue}")
    elif given.name in themes:
        theme = themes[given.name]
        print(f"{theme.name}\n  {theme.description}\n  prompt: {theme.prompt.base}")
        print(f"  calm: {theme.prompt.calm}\n  intense: {theme.prompt.intense}\n  beat: {theme.beats.action}")
    else:
        raise ScopeBridgeError(f"There is no theme {given.name!r}.", hint=suggest(given.name, themes))
    return FINE
