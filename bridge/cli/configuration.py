"""From the command line's options to settings, for every verb alike."""

from __future__ import annotations

__all__ = ["load_settings", "load_settings_for_run", "sources"]

import argparse
import os
from pathlib import Path

from bridge.config import LastGood, Loaded, config_files, load, load_for_run, state_directory
from bridge.settings import Settings


def sources(given: argparse.Namespace) -> tuple[Path, ...]:
    """The configuration files that count for this call, weakest first."""
    return config_files(os.environ, given.config)


def load_settings(given: argparse.Namespace) -> Loaded[Settings]:
    """The settings; raises ConfigurationError with everything that is wrong."""
    return load(Settings, files=sources(given), environ=os.environ, overrides=given.option)


def load_settings_for_run(given: argparse.Namespace) -> Loaded[Settings]:
    """The settings of a daemon that must start: the last good ones when the files are broken."""
    last_good = LastGood(state_directory(os.environ))
    return load_for_run(Settings, files=sources(given), environ=os.environ, overrides=given.option, last_good=last_good)
