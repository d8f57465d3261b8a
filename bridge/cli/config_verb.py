"""The effective configuration, its JSON Schema for editors, or a commented file to start from.

examples:
  scope-bridge config init                     write ~/.config/scope-bridge/config.toml, everything explained
  scope-bridge config init --stdout
  sudo scope-bridge config init --system       the same for the system service, in /etc/scope-bridge
  scope-bridge config show                     what counts now, secrets masked
  scope-bridge config schema > schema.json     for editors that complete TOML (taplo, VS Code "Even Better TOML")
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from bridge.cli.configuration import load_settings
from bridge.cli.exits import FINE
from bridge.config import SYSTEM_CONFIG_DIRECTORY, commented_toml, settings_toml, user_config_directory
from bridge.model.errors import ScopeBridgeError
from bridge.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument("what", choices=("show", "schema", "init"))
    parser.add_argument("--changed", action="store_true", help="show: only what differs from the defaults")
    parser.add_argument("--stdout", action="store_true", help="init: print instead of writing")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--path", type=Path, help="init: where to write")
    where.add_argument("--system", action="store_true", help="init: for the system service, in /etc")


def execute(given: argparse.Namespace) -> int:
    """Print or write."""
    if given.what == "schema":
        print(json.dumps(Settings.model_json_schema(), indent=2))
    elif given.what == "show":
        loaded = load_settings(given)
        print(f"# from: {', '.join(loaded.sources)}")
        print(settings_toml(loaded.settings, explicit_only=given.changed), end="")
    elif given.stdout:
        print(commented_toml(Settings), end="")
    elif given.system:
        # The service runs as a user of its own, which must be able to read it.
        _write(SYSTEM_CONFIG_DIRECTORY / "config.toml", 0o644)
    else:
        _write(given.path or user_config_directory(os.environ) / "config.toml", 0o600)
    return FINE


def _write(path: Path, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise ScopeBridgeError(
            f"{path} exists and is left alone.", hint="See new keys with: config init --stdout"
        ) from error
    except OSError as error:
        raise ScopeBridgeError(f"Cannot write {path}: {error.strerror}.") from error
    os.fchmod(handle, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(commented_toml(Settings))
    secrets = "may hold secrets" if mode == 0o600 else f"secrets go into {path.parent}/environment, mode 600"
    print(f"Wrote {path} (mode {mode:o}; {secrets}). Check it with: scope-bridge check", file=sys.stderr)
