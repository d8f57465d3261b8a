"""Why there is no picture: one sentence and its mend, from what the server counts and logs (scope-protocol section 9)."""

from __future__ import annotations

__all__ = ["RELOAD", "Evidence", "diagnose", "logged", "needs_reload"]

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.scope.replies import SessionMetrics
from bridge.scope.troubles import Diagnosis, diagnosis

RELOAD: Final = frozenset({"out-of-memory", "pipeline-dead", "setup-failed"})
"""What only a pipeline that is really unloaded and loaded again gets over."""

_RELOAD_WHEN_REPEATED: Final = frozenset({"no-frames", "session-gone"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when frames are missing. ``log`` holds the server's lines since the session began, oldest
    first; ``stale_turn`` is true where the only relay is the Scope server's and its password has aged."""

    first_frame: bool
    silence_s: float
    connection: str = ""
    mode: str = "text"
    vace: bool = False
    has_reference: bool = False
    metrics: SessionMetrics | None = None
    log: Sequence[str] = ()
    stale_turn: bool = False


_LOGGED: Final = (
    (re.compile(r"out of memory|CUDA OOM", re.I), "out-of-memory"),
    (re.compile(r"Non-recoverable error", re.I), "pipeline-dead"),
    (re.compile(r"No pipeline IDs", re.I), "no-pipeline-ids"),
    (re.compile(r"Pipeline setup failed", re.I), "setup-failed"),
    (re.compile(r"Error processing chunk", re.I), "bad-value"),
)


def diagnose(evidence: Evidence) -> Diagnosis:
    """The most likely cause, from the strongest evidence to the weakest."""
    told = logged(evidence.log)
    if told is not None:
        return told
    if evidence.connection in ("failed", "closed") or (
        evidence.first_frame and evidence.connection in ("new", "connecting")
    ):
        return diagnosis("stale-turn" if evidence.stale_turn else "no-media")
    made = evidence.metrics.frames_out if evidence.metrics is not None else None
    if evidence.first_frame:
        return _no_first_frame(evidence, made)
    if made == 0:
        return diagnosis("session-gone")
    return diagnosis("stalled", seconds=evidence.silence_s)


def logged(lines: Sequence[str]) -> Diagnosis | None:
    """What the server's log says of a pipeline that stands still, the gravest first."""
    for pattern, code in _LOGGED:
        for line in reversed(lines):
            if pattern.search(line):
                return diagnosis(code, told=" ".join(line.split())[-200:])
    return None


def needs_reload(code: str, before: Mapping[str, int]) -> bool:
    """Whether a new session is not enough; ``before`` counts the losses by code since there last was a picture."""
    return code in RELOAD or (code in _RELOAD_WHEN_REPEATED and before.get(code, 0) > 0)


def _no_first_frame(evidence: Evidence, made: float | None) -> Diagnosis:
    if made is not None and made > 0:
        return diagnosis("stale-turn" if evidence.stale_turn else "media-lost")
    if evidence.mode == "video":
        return diagnosis("no-input")
    if evidence.vace and not evidence.has_reference:
        return diagnosis("vace-no-reference", seconds=evidence.silence_s)
    return diagnosis("no-frames", seconds=evidence.silence_s)
