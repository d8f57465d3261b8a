"""Why there is no picture: one sentence and its mend, from what the server counts and logs (scope-protocol section 9)."""

from __future__ import annotations

__all__ = ["RELOAD", "STALE_TURN_S", "Evidence", "Relay", "diagnose", "logged", "needs_reload", "relay_of"]

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bridge.scope.replies import SessionMetrics
from bridge.scope.troubles import Diagnosis, diagnosis

Relay = Literal["none", "own", "server"]
"""Whose TURN servers a session could use: nobody's, our own, or the server's alone."""

STALE_TURN_S: Final = 600.0
"""Life of the TURN passwords that a Scope server gets once, at its start (scope-protocol section 6.8)."""

RELOAD: Final = frozenset({"out-of-memory", "pipeline-dead", "setup-failed"})
"""What only a pipeline that is really unloaded and loaded again gets over."""

_RELOAD_WHEN_REPEATED: Final = frozenset({"no-frames", "session-gone"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when frames are missing. ``log`` holds the server's lines since the session began, oldest first.

    ``server_age_s`` is how long the server has been up, None where it does not say.
    """

    first_frame: bool
    silence_s: float
    connection: str = ""
    mode: str = "text"
    vace: bool = False
    has_reference: bool = False
    metrics: SessionMetrics | None = None
    log: Sequence[str] = ()
    relay: Relay = "none"
    server_age_s: float | None = None


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
        age = evidence.server_age_s
        if evidence.relay == "server" and age is not None and age > STALE_TURN_S:
            return diagnosis("stale-turn", minutes=age / 60)
        return diagnosis("no-media")
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


def relay_of(own: Iterable[str], usable: Iterable[str]) -> Relay:
    """Whose TURN servers there are, from the addresses configured here and all that can be used."""
    if any(_is_turn(url) for url in own):
        return "own"
    return "server" if any(_is_turn(url) for url in usable) else "none"


def _is_turn(url: str) -> bool:
    return url.lower().startswith(("turn:", "turns:"))


def _no_first_frame(evidence: Evidence, made: float | None) -> Diagnosis:
    if made is not None and made > 0:
        return diagnosis("media-lost")
    if evidence.mode == "video":
        return diagnosis("no-input")
    if evidence.vace and not evidence.has_reference:
        return diagnosis("vace-no-reference", seconds=evidence.silence_s)
    return diagnosis("no-frames", seconds=evidence.silence_s)
