"""Carries out what the machine asks: RunPod's API for the pod, Scope's own for its health. Errors become what was heard."""

from __future__ import annotations

__all__ = ["Asker", "asker"]

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from bridge.model.errors import PodError, ScopeError
from bridge.scope.api import ScopeApi, trust
from bridge.scope.pods.machine import Ask, Failed, Heard, Pretended, Probed, Seen
from bridge.scope.pods.runpod import RunPod
from bridge.scope.pods.settings import PodSettings

logger = logging.getLogger(__name__)


class Asker:
    """Two open connections, to RunPod and to Scope on the pod."""

    def __init__(self, settings: PodSettings, runpod: RunPod, scope: ScopeApi) -> None:
        self._settings = settings
        self._runpod = runpod
        self._scope = scope

    async def ask(self, ask: Ask) -> Heard:
        """Ask, within ``http_timeout_s``; a dry run tells a start or stop and does nothing."""
        if ask == "probe":
            return await self._probe()
        try:
            if ask == "look":
                return Seen(ask, await self._runpod.get(self._settings.id))
            if self._settings.dry_run:
                logger.warning("pod: dry run: would %s the pod %s", ask, self._settings.id)
                return Pretended(ask)
            logger.info("pod: asking RunPod to %s the pod %s", ask, self._settings.id)
            return Seen(ask, await self._runpod.act(self._settings.id, ask))
        except PodError as error:
            return Failed(ask, error)

    async def _probe(self) -> Probed:
        try:
            await self._scope.health()
            return Probed(True, await self._scope.has_gpu())
        except ScopeError as error:
            return Probed(False, message=error.message)


@asynccontextmanager
async def asker(settings: PodSettings, key: SecretStr) -> AsyncIterator[Asker]:
    """Open both connections. ``settings.id`` must name a pod."""
    await asyncio.to_thread(trust)  # reading the authorities takes tens of milliseconds
    async with (
        RunPod(settings.api_url, key, timeout=settings.http_timeout_s) as runpod,
        ScopeApi(settings.url, timeout=settings.http_timeout_s) as scope,
    ):
        yield Asker(settings, runpod, scope)
