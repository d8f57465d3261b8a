"""A rehearsal server as a process of its own, and a client that plays on it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import DesiredState, OneShot, Prompt, PromptPlan
from bridge.model.facts import PodFacts, ScopeFacts
from bridge.model.frames import Frame, LatestSlot
from bridge.scope import AvatarSettings, ScopeClient, ScopeSettings

PATIENCE = 20.0
SHOW = DesiredState(
    1,
    PromptPlan(1, (Prompt("a fox"),)),
    {"vace_context_scale": 0.5},
    (OneShot(1, "vace_ref_images", ("/tmp/fox.png",), replay=True),),
)
"""A show with all that a new session must be given again."""


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until ``condition`` is true; its value. Fails after a time that only a hang takes."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError(f"did not happen within {PATIENCE:g} s: {what}")


@dataclass
class Server:
    """The rehearsal server and its switches."""

    url: str
    process: subprocess.Popen[str]

    def call(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def fault(self, kind: str, **options: object) -> None:
        self.call("/rehearsal/fault", {"kind": kind, **options})

    def heal(self) -> None:
        self.call("/rehearsal/heal", {})

    def journal(self) -> Any:
        return self.call("/rehearsal/journal")

    def load(self, pipeline: str) -> None:
        """Load as another client would, and wait for it."""
        self.call(
            "/api/v1/pipeline/load", {"pipeline_ids": [pipeline], "load_params": {"width": 64, "height": 48, "mine": 1}}
        )

        def loaded() -> bool:
            status = self.call("/api/v1/pipeline/status")
            return (status["status"], status["pipeline_id"]) == ("loaded", pipeline)

        until(loaded, "the load")

    def sessions(self) -> int:
        return len(self.journal()["sessions"])


@contextlib.contextmanager
def rehearsal(*arguments: str) -> Iterator[Server]:
    """A server with quick, small chunks: 4 frames at 60 fps unless told otherwise."""
    command = [sys.executable, "-m", "bridge.rehearsal", "--port", "0", "--json", "--parent-pid", str(os.getpid())]
    quick = ["--fps", "60", "--chunk", "4", "--load-seconds", "0.05"]
    process = subprocess.Popen([*command, *quick, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Server(json.loads(process.stdout.readline())["url"], process)
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


class RememberingBoard(ProblemBoard):
    """A board that also knows what was ever on it: some troubles are mended within a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, str] = {}

    def pin(self, part: str, code: str, message: str, hint: str = "") -> None:
        self.seen.setdefault(code, f"{message} {hint}")
        super().pin(part, code, message, hint)


@dataclass
class Player:
    """A client with everything it publishes."""

    client: ScopeClient
    facts: Cell[ScopeFacts]
    frames: LatestSlot[Frame]
    board: RememberingBoard
    states: list[str]

    def problems(self) -> dict[str, str]:
        return {problem.code: problem.message for problem in self.board.problems}

    def met(self, code: str) -> str:
        """Wait until a trouble was named; its sentences."""
        told: str = until(lambda: self.board.seen.get(code), f"{code} ({self.states[-5:]}, {self.board.seen})")
        return told

    def wait(self, state: str) -> None:
        until(lambda: self.facts.value.state == state, f"state {state} ({self.states}, {self.problems()})")


@contextlib.contextmanager
def playing(
    *urls: str,
    start: bool = True,
    hidden: Callable[[], bool] = lambda: False,
    pod: Cell[PodFacts] | None = None,
    avatar: dict[str, object] | None = None,
    **settings: object,
) -> Iterator[Player]:
    quick = {
        "retry_s": 0.05,
        "retry_max_s": 0.2,
        "stall_s": 0.3,
        "lost_s": 0.5,
        "poll_s": 0.2,
        "http_timeout_s": 3.0,
        "chunk_frames": 4,
    }
    size = {"load_params": {"width": 64, "height": 48, **settings.pop("load_params", {})}}  # type: ignore[dict-item]
    facts: Cell[ScopeFacts] = Cell(ScopeFacts())
    frames: LatestSlot[Frame] = LatestSlot()
    board = RememberingBoard()
    states: list[str] = []
    facts.subscribe(lambda now: states.append(now.state))
    client = ScopeClient(
        ScopeSettings.model_validate({"urls": urls, **size, **quick, **settings}),
        AvatarSettings.model_validate(avatar or {}),
        facts=facts,
        frames=frames,
        board=board,
        clock=time.monotonic,
        hidden=hidden,
        pod=pod,
    )
    if start:
        client.start()
    try:
        yield Player(client, facts, frames, board, states)
    finally:
        assert client.stop(10.0)
