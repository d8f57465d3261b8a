"""The thread ``ears``: takes blocks from the audio thread and listens to them one by one."""

from __future__ import annotations

__all__ = ["EarsThread"]

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from bridge.ears.ears import Ears, Heard
from bridge.model.board import ProblemBoard
from bridge.model.features import AudioBlock, InputState

QUEUE_BLOCKS: Final = 64
_CALM_BLOCKS: Final = 860
_FAULTS: Final[dict[InputState, tuple[str, str, str]]] = {
    "clipping": (
        "audio_clipping",
        "The sound input clips: most of what arrives is cut off at full scale.",
        "Turn the input down, at the mixer's output or the interface's gain.",
    ),
    "offset": (
        "audio_offset",
        "The sound input has a constant offset of more than a tenth of full scale.",
        "Try another input or cable; the offset is taken away, but not the headroom it costs.",
    ),
    "broken": (
        "audio_broken",
        "The sound input delivers samples that are no numbers; they count as silence.",
        "Choose another device, or restart the program that makes the sound.",
    ),
}


class EarsThread:
    """Runs the ears beside everything else.

    When the machine cannot keep up, the oldest of 64 waiting blocks (0.74 s) gives way and is counted: what is
    heard stays recent. The problem is on the board until ten seconds went well. So is what is wrong with the input itself
    (``InputState``), while it lasts.

    Args:
        ears: used in this thread alone.
        on_heard: called in this thread for every block; must only hand over.
        board: told when blocks are lost.
    """

    def __init__(self, ears: Ears, *, on_heard: Callable[[Heard], None], board: ProblemBoard) -> None:
        self._ears = ears
        self._on_heard = on_heard
        self._board = board
        self._changed = threading.Condition()
        self._queue: deque[AudioBlock] = deque()
        self._running = False
        self._thread: threading.Thread | None = None
        self._calm = 0
        self._fault: InputState | None = None
        self.dropped = 0

    def start(self) -> None:
        """Start to listen; does nothing when it listens already."""
        if self.alive:
            return
        self._running = True
        self._thread = threading.Thread(target=self._run, name="ears", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """True while the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Stop after the block at hand; blocks still waiting are thrown away."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._changed:
            self._running = False
            self._queue.clear()
            self._changed.notify_all()
        thread.join()

    def feed(self, block: AudioBlock) -> None:
        """Hand a block over, from any thread; never waits."""
        with self._changed:
            if len(self._queue) >= QUEUE_BLOCKS:
                self._queue.popleft()
                self.dropped += 1
                self._calm = 0
            self._queue.append(block)
            self._changed.notify()

    def _run(self) -> None:
        reported = 0
        while (block := self._next()) is not None:
            heard = self._ears.push(block)
            self._on_heard(heard)
            self._report_input(heard.features.input_state)
            reported = self._report(reported)

    def _next(self) -> AudioBlock | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or not self._running)
            return self._queue.popleft() if self._running else None

    def _report_input(self, state: InputState) -> None:
        fault = state if state in _FAULTS else None
        if fault == self._fault:
            return
        if self._fault is not None:
            self._board.clear("ears", _FAULTS[self._fault][0])
        if fault is not None:
            self._board.pin("ears", *_FAULTS[fault])
        self._fault = fault

    def _report(self, reported: int) -> int:
        self._calm += 1
        if self.dropped > reported:
            self._board.pin(
                "ears",
                "ears_late",
                f"The ears cannot keep up: {self.dropped} blocks of 12 ms were left out.",
                "Something takes the processor; close other programs.",
            )
        elif self._calm == _CALM_BLOCKS:
            self._board.clear("ears", "ears_late")
        return self.dropped
