"""Helpers for the tests on a machine with real devices: patient, because it may be an emulated one."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request

PATIENCE_S = 120.0


def until(condition, what: str, patience: float = PATIENCE_S):
    """The first true value of ``condition``, polled; fails naming ``what`` when it never comes."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.25)
    raise AssertionError(f"never came: {what}")


def status_of(port: int = 9720) -> dict | None:
    """The daemon's status, or None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/status", timeout=20) as answer:
            return json.load(answer)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return None


def sh(command: str) -> str:
    """What a shell command prints, both streams."""
    done = subprocess.run(command, shell=True, text=True, capture_output=True, check=False)
    return (done.stdout + done.stderr).strip()
