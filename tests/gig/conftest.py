"""The checkout, installed where the tests run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def installed() -> Path:
    """The checkout, installed into this environment; the path of its command."""
    command = Path(sys.executable).with_name("scope-bridge")
    if not command.exists():
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            str(PROJECT),
        ]
        subprocess.run(pip, check=True)
    return command
