"""Takes the README's pictures: runs the demo and looks at its page with headless Chromium.

``make screenshots`` (needs Debian's chromium). The pictures are what a new user sees, never retouched.
"""

from __future__ import annotations

import argparse
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PICTURES = Path(__file__).parent / "pictures"
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


def main() -> int:
    """Write ``docs/pictures/*.png``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settle", type=float, default=25.0, help="seconds of music before the picture is taken")
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("There is no Chromium here: apt install chromium", file=sys.stderr)
        return 1
    demo = subprocess.Popen([sys.executable, "-m", "bridge", "demo"], stdout=subprocess.PIPE, text=True)
    try:
        url = _page_of(demo)
        time.sleep(
            given.settle
        )  # the music has to play up to the groove: this is waiting for a show, not for a condition
        PICTURES.mkdir(exist_ok=True)
        _shoot(chromium, url, PICTURES / "status-page.png", "1440,1180")
        _shoot(chromium, url, PICTURES / "status-page-phone.png", "480,1500")
    finally:
        demo.terminate()
        demo.wait(20)
    return 0


def _page_of(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    readable, _, _ = select.select([demo.stdout], [], [], 60)
    found = re.search(r"http://\S+", demo.stdout.readline()) if readable else None
    if found is None:
        raise SystemExit("The demo did not print its page.")
    return found.group()


def _shoot(chromium: str, url: str, path: Path, size: str) -> None:
    with tempfile.TemporaryDirectory() as profile:
        command = [
            chromium,
            *CHROMIUM_FLAGS,
            f"--user-data-dir={profile}",
            f"--window-size={size}",
            "--virtual-time-budget=4000",
            f"--screenshot={path}",
            url,
        ]
        subprocess.run(command, check=True, timeout=120, env={**os.environ, "HOME": profile}, capture_output=True)
    print(path)


if __name__ == "__main__":
    raise SystemExit(main())
