"""A Scope server as the pacer meets it: the rehearsal server's stage and prompt blocks, on a clock of events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.model.desired import DesiredState
from bridge.rehearsal.conditioning import Conditioning, Mixture
from bridge.rehearsal.stage import Stage
from bridge.scope import Pacer


@dataclass
class Outcome:
    """What the server saw: messages with the time they were sent and taken, and where it ended.

    ``killed`` counts transitions that were running when ``prompts`` came alone (scope-protocol section 6.5, rules 2, 3, 6).
    """

    sent: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    taken: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    deepest: int = 0
    dropped: int = 0
    killed: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    conditioning: list[Mixture] = field(default_factory=list)


def play(
    pacer: Pacer,
    changes: Sequence[tuple[float, DesiredState]],
    chunks: Iterable[float],
    *,
    chunk_frames: int = 12,
    connect: bool = True,
    first_call: float = 0.0,
) -> Outcome:
    """Run ``changes`` (time, state) against pipeline calls of the given lengths.

    A call takes at most one waiting message at its start; its frames come back spread evenly over the length of the
    call after it, as Scope's track does.
    """
    stage, blocks, outcome = Stage(pacer.initial() if connect else {}), Conditioning(), Outcome()
    lengths = list(chunks)
    starts = [first_call]
    for length in lengths:
        starts.append(starts[-1] + length)
    frames: list[float] = []
    for number, length in enumerate(lengths[1:], start=1):
        frames += [starts[number] + length * part / chunk_frames for part in range(chunk_frames)]
    end = starts[-1]
    if connect:
        pacer.on_connected(0.0)
    pending, calls, arrivals = list(changes), starts[:-1], frames
    now = 0.0

    def pump() -> None:
        for _ in range(20):
            message = pacer.next_message(now)
            if message is None:
                return
            outcome.sent.append((now, message))
            stage.offer(message)
        raise AssertionError("the pacer sends without end")

    while True:
        pump()
        outcome.deepest = max(outcome.deepest, stage.waiting)
        due = pacer.due_at(now)
        nexts = [queue[0][0] if queue is pending else queue[0] for queue in (pending, calls, arrivals) if queue]
        if due is not None:
            nexts.append(due)
        if not nexts or min(nexts) > end:
            break
        now = max(now, min(nexts))
        if pending and pending[0][0] <= now:
            pacer.submit(pending.pop(0)[1], now)
        elif calls and calls[0] <= now:
            calls.pop(0)
            call = stage.begin_call()
            if call.message is not None:
                outcome.taken.append((now, dict(call.message)))
                alone = "prompts" in call.message and "transition" not in call.message
                outcome.killed += alone and blocks.transition_active
            blocks.step(call.params, init_cache=call.reset)
            stage.end_call(call, transition_active=blocks.transition_active)
            outcome.conditioning.append(blocks.value)
        elif arrivals and arrivals[0] <= now:
            arrivals.pop(0)
            pacer.on_frames(1, now)
    outcome.dropped = stage.dropped
    outcome.params = stage.params
    return outcome
