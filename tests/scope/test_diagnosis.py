"""The table of silent failures: each has a name, a sentence and a mend."""

import pytest

from bridge.model.facts import PipelineSchema
from bridge.scope.diagnosis import Evidence, diagnose, needs_reload
from bridge.scope.fitting import judge_version, too_large
from bridge.scope.replies import SessionMetrics

NONE_MADE, SOME_MADE = SessionMetrics(1, 0, 0), SessionMetrics(1, 0, 40)


@pytest.mark.provokes(
    "no-pipeline-ids", "setup-failed", "no-media", "stale-turn", "pipeline-dead", "session-gone", "vace-no-reference"
)
@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (Evidence(True, 15, "connected", log=("ERROR No pipeline IDs provided",)), "no-pipeline-ids"),
        (Evidence(True, 15, "connected", log=("Pipeline setup failed: x",)), "setup-failed"),
        (Evidence(True, 15, "connecting"), "no-media"),
        (Evidence(True, 15, "connected", metrics=SOME_MADE), "media-lost"),
        (Evidence(True, 15, "connected", mode="video", metrics=NONE_MADE), "no-input"),
        (Evidence(True, 15, "connected", vace=True, metrics=NONE_MADE), "vace-no-reference"),
        (Evidence(True, 15, "connected", vace=True, has_reference=True, metrics=NONE_MADE), "no-frames"),
        (Evidence(False, 3, "connected", metrics=NONE_MADE), "session-gone"),
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


def test_what_needs_more_than_a_new_session() -> None:
    assert needs_reload("out-of-memory", {}) and needs_reload("pipeline-dead", {})
    assert not needs_reload("no-frames", {}) and needs_reload("no-frames", {"no-frames": 1})
    assert not needs_reload("stalled", {"stalled": 5})


@pytest.mark.parametrize(
    ("version", "old"),
    [("", True), ("0.1.7", True), ("v0.1.8", False), ("0.2.4", False), ("1.0.0", False), ("x", False)],
)
def test_the_age_of_a_server(version: str, old: bool) -> None:
    assert (judge_version(version) is not None) is old


@pytest.mark.parametrize(
    ("wanted", "there", "quantized", "small"),
    [
        (20, 24, False, False),
        (20, 16, False, True),
        (32, 24, True, False),
        (24, 23.6, False, False),
        (20, None, False, False),
    ],
)
def test_the_gpus_memory(wanted: float, there: float | None, quantized: bool, small: bool) -> None:
    schema = PipelineSchema("longlive", ("text",), "text", vram_gb=wanted)
    assert (too_large(schema, there, quantized=quantized) is not None) is small
    assert too_large(None, there, quantized=False) is None
