"""The table of silent failures: each has a name, a sentence and a mend."""

import pytest

from bridge.scope.diagnosis import Evidence, diagnose
from bridge.scope.replies import SessionMetrics

NONE_MADE, SOME_MADE = SessionMetrics(1, 0, 0), SessionMetrics(1, 0, 40)


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (Evidence(True, 15, "connected", log=("ERROR No pipeline IDs provided",)), "no-pipeline-ids"),
        (Evidence(True, 15, "connected", log=("Pipeline setup failed: x",)), "setup-failed"),
        (Evidence(True, 15, "connecting"), "no-media"),
        (Evidence(True, 15, "connected", metrics=SOME_MADE), "media-lost"),
        (Evidence(True, 15, "connected", mode="video", metrics=NONE_MADE), "no-input"),
        (Evidence(True, 15, "connected", vace=True, metrics=NONE_MADE), "no-frames"),
        (Evidence(True, 15, "connected"), "no-frames"),
        (Evidence(False, 3, "connected", log=("INFO fine", "ERROR Error processing chunk: bad")), "bad-value"),
        (Evidence(False, 3, "connected", log=("Error processing chunk", "CUDA out of memory")), "out-of-memory"),
        (Evidence(False, 3, "connected", log=("Non-recoverable error",)), "pipeline-dead"),
        (Evidence(False, 3, "connected", metrics=SOME_MADE), "stalled"),
        (Evidence(False, 3, "failed"), "no-media"),
        (Evidence(True, 15, "connecting", stale_turn=True), "stale-turn"),
        (Evidence(True, 15, "connected", metrics=SOME_MADE, stale_turn=True), "stale-turn"),
    ],
)
def test_each_cause_has_a_name_and_a_mend(evidence: Evidence, code: str) -> None:
    diagnosis = diagnose(evidence)
    assert diagnosis.code == code
    assert diagnosis.message.endswith(".") and diagnosis.hint
