"""Takes the README's pictures: runs the demo and looks at its page with headless Chromium, and draws what the ears hear.

``make screenshots`` (needs Debian's chromium). The pictures are what a new user sees, never retouched.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bridge.inputs.audio import write_wav
from tests.peers.browser import chromium

PICTURES = Path(__file__).parent / "pictures"
SIZES = {"status-page.png": (1440, 1180), "status-page-phone.png": (420, 1500)}
SHOWING = "document.getElementById('picture')?.naturalWidth && Number(document.getElementById('bpm').textContent) > 0"


def main() -> int:
    """Write ``docs/pictures/*.png``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settle", type=float, default=20.0, help="seconds of music before the picture is taken")
    given = parser.parse_args()
    _draw_the_demo_track()
    demo = subprocess.Popen([sys.executable, "-m", "bridge", "-q", "demo"], stdout=subprocess.PIPE, text=True)
    try:
        line = demo.stdout.readline() if demo.stdout else ""
        found = re.search(r"http://\S+", line)
        if found is None:
            print(f"The demo did not print its page: {line!r}", file=sys.stderr)
            return 1
        asyncio.run(_take(found.group(), given.settle))
    finally:
        demo.terminate()
        demo.wait(20)
    return 0


def _draw_the_demo_track() -> None:
    plot = PICTURES / "listen-plot.png"
    with tempfile.TemporaryDirectory() as folder:
        track = Path(folder) / "demo.wav"
        write_wav(track)
        command = [sys.executable, "-m", "bridge", "listen", str(track), "--seconds", "40", "--plot", str(plot)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print(plot)


async def _take(url: str, settle: float) -> None:
    PICTURES.mkdir(exist_ok=True)
    async with chromium() as page:
        width, height = SIZES["status-page.png"]
        await page.open(url, width, height)
        await page.until(SHOWING, 60)
        await asyncio.sleep(settle)  # the music plays up to the groove: waiting for a show, not for a condition
        for name, (width, height) in SIZES.items():
            await page.resize(width, height)
            await asyncio.sleep(1.0)
            (PICTURES / name).write_bytes(await page.screenshot())
            print(PICTURES / name)


if __name__ == "__main__":
    raise SystemExit(main())
