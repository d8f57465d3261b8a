"""The wheel built from the tree installs into an empty environment, and the demo runs from there."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_the_demo_runs_from_an_installed_wheel(tmp_path):
    pip = [sys.executable, "-m", "pip"]
    subprocess.run(
        [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(PROJECT)], check=True
    )
    (wheel,) = tmp_path.glob("scope_bridge-*.whl")
    home = tmp_path / "empty"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    locked = PROJECT / "requirements" / "run.txt"
    subprocess.run([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", str(locked)], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", str(wheel)], check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    for verb, expected in (
        (["themes"], "neon-foundry"),
        (["mappings"], "akai_midimix"),
        (["--version"], "scope-bridge"),
    ):
        shown = subprocess.run(
            [home / "bin" / "scope-bridge", *verb],
            check=True,
            text=True,
            capture_output=True,
            env=environment,
            cwd=tmp_path,
        )
        assert expected in shown.stdout
    demo = subprocess.run(
        [home / "bin" / "scope-bridge", "demo", "--seconds", "12"],
        text=True,
        capture_output=True,
        env=environment,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    counts = {line.split()[0]: line for line in demo.stdout.splitlines() if line.startswith("  ")}
    assert int(counts["beats"].split()[1]) > 5
    assert int(counts["parameters"].split()[2]) > 0
    assert "Traceback" not in demo.stderr
