"""Looks after the servers that are not in use: light probes, and the way back to a better one (issue 3 part 5)."""

from __future__ import annotations

__all__ = ["Scout"]

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from bridge.model.errors import ScopeError
from bridge.scope.api import ScopeApi
from bridge.scope.loading import Loader
from bridge.scope.servers import Servers

_LOOK_S: Final = 0.25


class Scout:
    """Asks each server that is not in use for its health now and then.

    Args:
        hidden: whether nobody sees the picture now, so that leaving it disturbs no one.
        on_go: called when the session shall move; ``servers`` then says where to.
    """

    def __init__(
        self,
        servers: Servers,
        loaders: Mapping[str, Loader],
        *,
        timeout: float,
        hidden: Callable[[], bool],
        clock: Callable[[], float],
        on_go: Callable[[], None],
    ) -> None:
        self._servers = servers
        self._loaders = loaders
        self._timeout = timeout
        self._hidden = hidden
        self._clock = clock
        self._on_go = on_go

    async def run(self) -> None:
        """Probe for ever; returns at once where there is no other server."""
        if len(self._loaders) < 2:
            return
        while True:
            for url in self._servers.due_probes(self._clock()):
                await self._probe(url)
            if (better := self._wanted()) is not None:
                await self._go_back(better)
            await asyncio.sleep(_LOOK_S)

    def _wanted(self) -> str | None:
        return self._servers.to_go_back_to(self._clock(), hidden=self._hidden())

    async def _probe(self, url: str) -> None:
        problem = ""
        try:
            async with ScopeApi(url, timeout=self._timeout) as api:
                await api.health()
        except ScopeError as error:
            problem = error.message
        self._servers.probed(url, self._clock(), problem)

    async def _go_back(self, url: str) -> None:
        """Load there first, while the picture goes on here; leave only when the moment is still good."""
        try:
            async with ScopeApi(url, timeout=self._timeout) as api:
                await self._loaders[url].ensure(api, lambda stage: None)
        except ScopeError as error:
            self._servers.probed(url, self._clock(), error.message)
            return
        if self._wanted() == url:
            self._servers.go_to(url)
            self._on_go()
