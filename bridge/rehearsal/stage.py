"""One pipeline node of one session: the queue, the merge and what a call takes from it (scope-protocol 0.1, 5, 6.5).

Nothing is checked here, as on the real server: any key is merged and stays until it is overwritten.
"""

from __future__ import annotations

__all__ = ["ONE_SHOTS", "QUEUE_SIZE", "Call", "Stage"]

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

QUEUE_SIZE: Final = 8
"""Messages that wait for the pipeline; when it is full the newest is dropped."""

ONE_SHOTS: Final = frozenset(
    {"reset_cache", "vace_ref_images", "lora_scales", "first_frame_image", "last_frame_image", "images", "ctrl_input"}
)
"""Keys that one call takes and that are gone after it (scope-protocol section 5)."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one pipeline call is given: merged parameters, the message it took, and whether it resets."""

    params: Mapping[str, Any]
    message: Mapping[str, Any] | None
    reset: bool


class Stage:
    """The parameters of one node. ``offer`` may come from any thread; the rest belongs to the worker."""

    def __init__(self, initial: Mapping[str, Any]) -> None:
        self._lock = threading.Lock()
        self._queue: deque[Mapping[str, Any]] = deque()
        self.params: dict[str, Any] = dict(initial)
        self.received = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Messages in the queue."""
        return len(self._queue)

    def offer(self, message: Mapping[str, Any]) -> bool:
        """Queue a message for a later call; False when it was dropped because eight are waiting."""
        with self._lock:
            self.received += 1
            if len(self._queue) >= QUEUE_SIZE:
                self.dropped += 1
                return False
            self._queue.append(message)
            return True

    def absorb(self) -> None:
        """Merge one waiting message without a call, as the worker does while it waits for input video."""
        with self._lock:
            message = self._queue.popleft() if self._queue else None
        if message is not None:
            self._merge(message)

    def begin_call(self) -> Call:
        """Take at most one message, merge it, and give what the pipeline is called with."""
        with self._lock:
            message = self._queue.popleft() if self._queue else None
        if message is not None:
            self._merge(message)
        params = dict(self.params)
        reset = bool(params.pop("reset_cache", False))
        for name in ONE_SHOTS:
            self.params.pop(name, None)
        return Call(params, message, reset)

    def end_call(self, call: Call, *, transition_active: bool) -> None:
        """After a call that went well: a transition that is no longer running leaves the parameters."""
        if "transition" in call.params and not transition_active:
            self.params.pop("transition", None)

    def _merge(self, message: Mapping[str, Any]) -> None:
        if "prompts" in message and "transition" not in message:
            self.params.pop("transition", None)
        self.params.update(message)
