"""Run Scope Bridge at boot as a systemd service.

examples:
  scope-bridge install-service --user                for PipeWire or PulseAudio machines
  sudo scope-bridge install-service --system         for a box with plain ALSA; adds the virtual camera's module files
  scope-bridge install-service --system --dry-run    show what it would do
  sudo scope-bridge install-service --system --uninstall
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bridge.cli.exits import FINE
from bridge.service import apply, plan_install, plan_uninstall


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--user", action="store_const", const="user", dest="unit", help="a unit of your own session")
    which.add_argument("--system", action="store_const", const="system", dest="unit", help="a unit of the machine")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written and run, and do nothing")
    parser.add_argument("--uninstall", action="store_true", help="remove it; configuration and state stay")
    parser.add_argument("--no-start", action="store_true", help="enable it, but do not start it now")
    parser.add_argument("--no-camera", action="store_true", help="leave the virtual camera's module files out")


def execute(given: argparse.Namespace) -> int:
    """Plan, show, and carry out."""
    if given.uninstall:
        plan = plan_uninstall(given.unit, home=Path.home())
    else:
        plan = plan_install(
            given.unit,
            executable=_executable(),
            home=Path.home(),
            start=not given.no_start,
            camera=not given.no_camera,
        )
    if given.dry_run:
        print(plan)
        for path, text in plan.writes:
            print(f"\n--- {path}\n{text}", end="")
        return FINE
    apply(plan)
    print(plan)
    return FINE


def _executable() -> Path:
    """The command of this very installation, wherever its environment lies."""
    beside = Path(sys.executable).with_name("scope-bridge")
    return beside if beside.exists() else Path(sys.argv[0]).resolve()
