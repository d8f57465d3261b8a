"""Every figure of the README, measured on this machine, one script after another.

python -m benchmarks.all               # about twelve minutes
python -m benchmarks.all --only pacing,osc_flood
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = (
    "pacing",
    "quantize",
    "latency",
    "control_latency",
    "osc_flood",
    "daemon",
    "midi_clock",
    "clock",
    "clock_out",
    "ears",
    "mapping",
    "program",
    "render",
    "guide",
    "frames",
)
SHORTER = {"frames": ["--quick"]}  # a quarter of an hour otherwise


def main() -> int:
    """Run the scripts one after another; 1 when one of them misses its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAMES", default=",".join(SCRIPTS), help="some of: " + ", ".join(SCRIPTS))
    given = parser.parse_args()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{os.cpu_count()} cores, load {load} at the start; other work on the machine makes every figure worse\n")
    missed = []
    for name in given.only.split(","):
        print(f"== python -m benchmarks.{name}", flush=True)
        began = time.monotonic()
        code = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *SHORTER.get(name, [])], cwd=ROOT).returncode
        print(f"   ({time.monotonic() - began:.0f} s)\n", flush=True)
        if code:
            missed.append(name)
    print(f"missed or failed: {', '.join(missed)}" if missed else "all targets reached")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
