"""Runs the server: binds the port, tells where, ends when asked."""

from __future__ import annotations

__all__ = ["Rehearsal", "serve"]

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from bridge.model.errors import ScopeBridgeError
from bridge.rehearsal.api import build_app
from bridge.rehearsal.hall import Hall
from bridge.rehearsal.logbook import Logbook
from bridge.rehearsal.output import prefer_bitrate
from bridge.rehearsal.settings import RehearsalSettings

# The part's own logger, whose lines /logs/tail shows.
_logger = logging.getLogger("bridge.rehearsal")


class Rehearsal:
    """One server; ``await start()``, ``await stop()``. ``url`` is known once it has started."""

    def __init__(self, settings: RehearsalSettings) -> None:
        self.settings = settings
        self.url = ""
        self.hall = Hall(settings)
        self._logbook = Logbook()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Answer from now on.

        Raises:
            ScopeBridgeError: the address cannot be listened on.
        """
        _logger.setLevel(logging.INFO)
        _logger.addHandler(self._logbook)
        runner = web.AppRunner(build_app(self.hall, self._logbook), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, self.settings.host, self.settings.port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            await self.stop()
            raise ScopeBridgeError(
                f"The rehearsal server cannot listen on {self.settings.host}:{self.settings.port}: {error.strerror}.",
                hint="Choose another port, or 0 for any free one.",
            ) from error
        self._runner = runner
        host, port = runner.addresses[0][:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        """End every session, then the server."""
        await self.hall.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        _logger.removeHandler(self._logbook)


async def serve(
    settings: RehearsalSettings,
    *,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[str], None] | None = None,
    faults: Sequence[tuple[str, Mapping[str, Any]]] = (),
) -> None:
    """Run until ``stop`` is set (or the task is cancelled).

    Args:
        on_ready: is given the address once the server answers.
        faults: (kind, options) that are on from the start, see :data:`bridge.rehearsal.faults.KINDS`.

    Raises:
        ScopeBridgeError: the address cannot be listened on.
        FaultError: there is no such fault.
    """
    rehearsal = Rehearsal(settings)
    prefer_bitrate(settings.bitrate)
    await rehearsal.start()
    try:
        for kind, options in faults:
            await rehearsal.hall.fault(kind, options)
        if on_ready is not None:
            on_ready(rehearsal.url)
        await (stop or asyncio.Event()).wait()
    finally:
        await rehearsal.stop()
