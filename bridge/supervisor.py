"""Keeps parts alive: what throws is named once, and started again with back-off.

This is the only place with a broad ``except``: everything else lets a defect surface here, where it becomes a problem on
the board instead of a dark stage.
"""

from __future__ import annotations

__all__ = ["Supervisor"]

import asyncio
import logging
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from bridge.model.board import ProblemBoard

logger = logging.getLogger(__name__)

T = TypeVar("T")
FIRST_RETRY_S: Final = 0.5
LONGEST_RETRY_S: Final = 30.0
STEADY_S: Final = 60.0


class Supervisor:
    """Runs coroutines, callbacks and threads of parts so that none of them takes the others down."""

    def __init__(self, board: ProblemBoard, clock: Callable[[], float]) -> None:
        self._board = board
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._revivals: dict[str, Callable[[], None]] = {}
        self._retries: dict[str, tuple[float, float]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._old_hook: Callable[[threading.ExceptHookArgs], Any] | None = None

    def start(self) -> None:
        """Begin to look after threads too; call on the running control loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_loop_error)
        self._old_hook, threading.excepthook = threading.excepthook, self._on_thread_death

    async def stop(self) -> None:
        """Cancel every supervised coroutine and wait for its end."""
        if self._old_hook is not None:
            threading.excepthook = self._old_hook
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def keep(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a coroutine for ever: one that throws is started again, with back-off."""
        task = asyncio.create_task(self._keep(part, run), name=part)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def revive(self, thread_name: str, start: Callable[[], None]) -> None:
        """Call ``start`` (on the control loop, with back-off) when the thread of that name dies of an error."""
        self._revivals[thread_name] = start

    def guard(self, part: str, call: Callable[..., T], *args: Any) -> T | None:
        """Call something of a part; None when it threw, and the part has a problem on the board."""
        try:
            return call(*args)
        except Exception as error:  # noqa: BLE001 - the supervisor's boundary
            self._name(part, error)
            return None

    async def _keep(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - the supervisor's boundary
                self._name(part, error)
                await asyncio.sleep(self._backoff(part))
                self._board.clear(part, "defect")
            else:
                return

    def _on_thread_death(self, args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread is not None else "thread"
        if args.exc_value is not None:
            self._name(name, args.exc_value)
        if self._loop is not None and name in self._revivals:
            self._loop.call_soon_threadsafe(self._loop.call_later, self._backoff(name), self._revive, name)

    def _revive(self, name: str) -> None:
        self._board.clear(name, "defect")
        self.guard(name, self._revivals[name])

    def _on_loop_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self._name("control loop", error)
        else:
            logger.error("control loop: %s", context.get("message", context))

    def _name(self, part: str, error: BaseException) -> None:
        where = traceback.extract_tb(error.__traceback__)
        place = f"{where[-1].filename.rsplit('/', 1)[-1]}:{where[-1].lineno}" if where else "?"
        logger.error("%s failed", part, exc_info=error)
        self._board.pin(
            part,
            "defect",
            f"A defect in Scope Bridge: {type(error).__name__}: {error} ({place}).",
            "Please report it with the log.",
        )

    def _backoff(self, name: str) -> float:
        """Seconds to wait before the next start: doubled each time, forgotten after a minute of peace."""
        delay, last = self._retries.get(name, (FIRST_RETRY_S / 2, 0.0))
        now = self._clock()
        delay = FIRST_RETRY_S if now - last > STEADY_S else min(LONGEST_RETRY_S, delay * 2)
        self._retries[name] = (delay, now)
        return delay
