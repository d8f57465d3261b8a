"""Why there is no picture: one sentence and its mend, from what the server counts and logs (scope-protocol section 9)."""

from __future__ import annotations

__all__ = ["Diagnosis", "Evidence", "diagnose"]

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridge.scope.replies import SessionMetrics


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``code`` for the board, ``message`` says what is wrong, ``hint`` what to do."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when frames are missing. ``log`` holds the server's lines since the session began, oldest
    first; ``stale_turn`` is true where the only relay is the Scope server's and its password has aged."""

    first_frame: bool
    silence_s: float
    connection: str = ""
    mode: str = "text"
    vace: bool = False
    metrics: SessionMetrics | None = None
    log: Sequence[str] = ()
    stale_turn: bool = False


_LOGGED: Final = (
    (
        re.compile(r"out of memory|CUDA OOM", re.I),
        Diagnosis(
            "out-of-memory",
            "The GPU ran out of memory.",
            "Load a smaller size in scope.load_params, set quantization, or switch VACE off.",
        ),
    ),
    (
        re.compile(r"Non-recoverable error", re.I),
        Diagnosis(
            "pipeline-dead",
            "The pipeline died on the server.",
            "A new session is made; if it dies again, restart Scope.",
        ),
    ),
    (
        re.compile(r"No pipeline IDs", re.I),
        Diagnosis(
            "no-pipeline-ids",
            "The server started a session without a pipeline.",
            "Set scope.pipeline to a pipeline the server lists.",
        ),
    ),
    (
        re.compile(r"Pipeline setup failed", re.I),
        Diagnosis(
            "setup-failed",
            "The server could not set up the pipeline for this session.",
            "Its log says why; loading the pipeline again often helps.",
        ),
    ),
    (
        re.compile(r"Error processing chunk", re.I),
        Diagnosis(
            "bad-value",
            "The pipeline fails on every chunk, probably because of a value it was sent.",
            "The last values that worked are sent again; see the server's log for the name.",
        ),
    ),
)


STALE_TURN: Final = Diagnosis(
    "stale-turn",
    "No media connection comes about, and the only relay is the Scope server's, whose password has aged.",
    "Set a Hugging Face or Cloudflare token in [scope.turn], or restart the Scope server.",
)


def diagnose(evidence: Evidence) -> Diagnosis:
    """The most likely cause, from the strongest evidence to the weakest."""
    logged = _from_log(evidence.log)
    if logged is not None:
        return logged
    if evidence.connection in ("failed", "closed") or (evidence.first_frame and evidence.connection == "connecting"):
        if evidence.stale_turn:
            return STALE_TURN
        return Diagnosis(
            "no-media",
            "The server answers over HTTP, but no media connection comes about.",
            "UDP is probably blocked: set a TURN server in scope.ice_servers or a token in [scope.turn].",
        )
    made = evidence.metrics.frames_out if evidence.metrics is not None else None
    if evidence.first_frame:
        return _no_first_frame(evidence, made)
    if made == 0:
        return Diagnosis(
            "session-gone",
            "The server makes no frames for this session any more.",
            "A new session is made.",
        )
    return Diagnosis(
        "stalled",
        f"No frame for {evidence.silence_s:.1f} s.",
        "The network or the GPU is too slow, or the server hangs; the session is made anew.",
    )


def _no_first_frame(evidence: Evidence, made: float | None) -> Diagnosis:
    if made is not None and made > 0:
        if evidence.stale_turn:
            return STALE_TURN
        return Diagnosis(
            "media-lost",
            "The server makes frames, but none arrives here.",
            "UDP is probably blocked on the way back: set a TURN server in scope.ice_servers.",
        )
    if evidence.mode == "video":
        return Diagnosis(
            "no-input",
            "No picture: the pipeline waits for input video.",
            'Set scope.input_mode = "text", or check that the server receives the input frames.',
        )
    if evidence.vace:
        return Diagnosis(
            "no-frames",
            f"No picture within {evidence.silence_s:.0f} s, with VACE switched on.",
            "Set scope.load_params.vace_enabled = false unless a reference image is used.",
        )
    return Diagnosis(
        "no-frames",
        f"No picture within {evidence.silence_s:.0f} s of connecting, and the server gives no reason.",
        "Look into the server's log; restarting Scope helps when a pipeline hangs.",
    )


def _from_log(lines: Sequence[str]) -> Diagnosis | None:
    for pattern, diagnosis in _LOGGED:
        for line in reversed(lines):
            if pattern.search(line):
                told = " ".join(line.split())[-200:]
                return Diagnosis(diagnosis.code, diagnosis.message, f"{diagnosis.hint} Log: {told}")
    return None
