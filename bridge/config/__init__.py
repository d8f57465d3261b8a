"""Layered configuration: defaults < /etc < user < ``--config`` < environment < ``-o``.

Every part owns its own settings class; the root class that gathers them is handed in. Files that people wrote are
never written to. What is wrong comes back as a list of issues with file, line and suggestion.
"""

from bridge.config.commented import commented_toml, settings_toml
from bridge.config.lastgood import LastGood
from bridge.config.layers import Layer, environment_layer, file_layer, override_layer
from bridge.config.loader import Loaded, load, load_for_run
from bridge.config.paths import (
    SYSTEM_CONFIG_DIRECTORY,
    cache_directory,
    config_files,
    state_directory,
    user_config_directory,
)

__all__ = [
    "SYSTEM_CONFIG_DIRECTORY",
    "LastGood",
    "Layer",
    "Loaded",
    "cache_directory",
    "commented_toml",
    "config_files",
    "environment_layer",
    "file_layer",
    "load",
    "load_for_run",
    "override_layer",
    "settings_toml",
    "state_directory",
    "user_config_directory",
]
