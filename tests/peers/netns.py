"""Network namespaces of a test's own: what happens in them reaches nobody, and ends with the last process inside."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.peers.stage import ROOT, environment


def isolated(
    *command: str, home: Path, before: str = "ip link set lo up", seconds: float = 120.0, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run ``command`` in new network and mount namespaces, after the shell's ``before``.

    /run is its own too, so that ``ip netns add`` inside stays inside. ``more`` is added to the environment.
    """
    entered = ["unshare", "-nm" if os.geteuid() == 0 else "-rnm", "sh", "-ec"]
    script = f'mount -t tmpfs tmpfs /run; {before}; exec "$@"'
    return subprocess.run(
        [*entered, script, "sh", *command],
        cwd=ROOT,
        env=environment(XDG_CONFIG_HOME=str(home), XDG_STATE_HOME=str(home), **more),
        capture_output=True,
        text=True,
        timeout=seconds,
    )
