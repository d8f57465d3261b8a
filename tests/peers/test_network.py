"""A network that goes away for 1, 10 and 60 s, a name that vanishes, a server that is killed: real packets, real lengths.

The daemon runs with the settings it is shipped with, in a network namespace of its own; see network_play.py.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from bridge.scope import ScopeSettings
from tests.peers.stage import ROOT, environment

SHIPPED = ScopeSettings()
SURVIVED_S = SHIPPED.lost_s
"""A loss shorter than this keeps its session."""

BACK_S = SHIPPED.http_timeout_s + 1.25 * SHIPPED.retry_max_s + 4.0
"""An HTTP request that was swallowed, the longest wait, and making a session."""


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    namespaces = ["unshare", "-nm"] if os.geteuid() == 0 else ["unshare", "-nmr"]
    done = subprocess.run(
        [*namespaces, sys.executable, "-m", "tests.peers.network_play"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.provokes("no-answer", "dns", "nothing-listens")
def test_it_is_back_in_time_with_the_same_state_and_one_session(told: list[dict[str, Any]]) -> None:
    assert [entry["loss_s"] for entry in told] == [1, 10, 0, 0, 60]
    for entry in told:
        assert entry["back_s"] < BACK_S, entry
        assert entry["sessions"] == 1, entry


@pytest.mark.slow
def test_a_short_loss_keeps_its_session_and_a_long_one_makes_a_new_one(told: list[dict[str, Any]]) -> None:
    reconnects = [0, *(entry["reconnects"] for entry in told)]
    made = [after - before for before, after in itertools.pairwise(reconnects)]
    for entry, count in zip(told, made, strict=True):
        assert count == (0 if 0 < entry["loss_s"] < SURVIVED_S else 1), told


@pytest.mark.slow
def test_the_outputs_went_on_all_the_time(told: list[dict[str, Any]]) -> None:
    first, last = told[0], told[-1]
    missed, ticks = last["missed"] - first["missed"], last["ticks"] - first["ticks"]
    assert ticks / (last["t"] - first["t"]) == pytest.approx(30, rel=0.03)
    assert missed <= 0.02 * ticks, told
