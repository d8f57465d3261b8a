"""Getting the pipeline loaded that is wanted, without loading what is there already (scope-protocol sections 2 and 3)."""

from __future__ import annotations

__all__ = ["Loader"]

import asyncio
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.model.errors import ScopeRefused, ScopeUnreachable
from bridge.scope.api import ScopeApi
from bridge.scope.replies import LoadState, same_load
from bridge.scope.troubles import trouble_error

_GRACE_S: Final = 1.5
_SETTLED_S: Final = 4.0
_POLLS_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
_SMALL: Final = ("passthrough", "gray")
"""Pipelines without weights, which every version has: loading one unloads all others."""


class Loader:
    """Loads one pipeline on one server, and remembers how the server wrote down what it was asked."""

    def __init__(self, pipeline: str, params: Mapping[str, Any], *, timeout: float, clock: Callable[[], float]) -> None:
        self._pipeline = pipeline
        self._params = params
        self._timeout = timeout
        self._clock = clock
        self._written: Mapping[str, Any] | None = None
        self._distrusted = False

    def distrust(self) -> None:
        """What is loaded died or hangs: the next ``ensure`` unloads it really, since a load of the same is a no-op."""
        self._distrusted = True

    def fits(self, state: LoadState) -> bool:
        """Whether what is loaded is what is wanted."""
        if state.status != "loaded":
            return False
        if not self._pipeline:
            return True
        if state.pipeline != self._pipeline:
            return False
        return same_load(self._params, state.params) or (self._written is not None and state.params == self._written)

    async def ensure(self, api: ScopeApi, on_loading: Callable[[str], None]) -> LoadState:
        """Load unless it is loaded; ``on_loading`` is told the stage.

        Raises:
            ScopeRefused: the server cannot load it, or nothing is loaded and no pipeline is configured.
            ScopeUnreachable: it takes too long, or the server does not answer.
        """
        deadline = self._clock() + self._timeout
        state = await self._settled(api, deadline, on_loading)
        again = self._distrusted and state.status == "loaded" and bool(state.pipeline)
        if self.fits(state) and not again:
            return state
        pipeline, params = self._pipeline, self._params
        if not pipeline and again:
            pipeline, params = state.pipeline, state.params or {}
        if not pipeline:
            raise trouble_error(functools.partial(ScopeRefused, status=400), "no-pipeline")
        on_loading("")
        if again:
            await self._unload(api, deadline, on_loading, pipeline)
        await api.load(pipeline, params)
        state = await self._loaded(api, deadline, on_loading, pipeline, params)
        self._written = state.params
        self._distrusted = False
        return state

    async def _unload(self, api: ScopeApi, deadline: float, on_loading: Callable[[str], None], pipeline: str) -> None:
        """Have ``pipeline`` and its memory thrown away, which every version does when another one is loaded."""
        small = next(name for name in _SMALL if name != pipeline)
        await api.load(small, {})
        asked, polls = self._clock(), 0
        while True:
            state = await api.load_state()
            waited = self._clock() - asked
            # Whether the small one loads does not matter: the other is gone before that is tried.
            if state.status == "loading":
                on_loading(state.stage)
            elif state.status == "error" or state.pipeline != pipeline or waited > _SETTLED_S:
                return
            polls = await self._pause(polls, deadline, state)

    async def _settled(self, api: ScopeApi, deadline: float, on_loading: Callable[[str], None]) -> LoadState:
        """The state once whatever somebody else is loading has ended."""
        polls = 0
        while True:
            state = await api.load_state()
            if state.status != "loading":
                return state
            on_loading(state.stage)
            polls = await self._pause(polls, deadline, state)

    async def _loaded(
        self,
        api: ScopeApi,
        deadline: float,
        on_loading: Callable[[str], None],
        pipeline: str,
        params: Mapping[str, Any],
    ) -> LoadState:
        """The state once our own request has ended.

        Just after the request the status may still be the one before: ``not_loaded`` or another ``loaded`` counts only
        after a grace time, or once ``loading`` was seen.
        """
        asked = self._clock()
        seen_loading, polls = False, 0
        while True:
            state = await api.load_state()
            waited = self._clock() - asked
            if state.status == "loading":
                seen_loading = True
                on_loading(state.stage)
            elif state.status == "loaded":
                same = state.pipeline in ("", pipeline)
                if same and (same_load(params, state.params) or seen_loading or waited > _SETTLED_S):
                    return state
                if not same and (seen_loading or waited > _SETTLED_S):
                    raise trouble_error(_conflict, "foreign-pipeline", pipeline=state.pipeline)
            elif state.status == "error" or seen_loading or waited > _GRACE_S:
                raise await self._failure(api, pipeline, state)
            polls = await self._pause(polls, deadline, state)

    async def _failure(self, api: ScopeApi, pipeline: str, state: LoadState) -> ScopeRefused:
        """Why it could not be loaded: the server does not say, but it lists what it can load."""
        told = f": {state.error}" if state.error else ""
        offered = await api.schemas()
        if offered and pipeline not in offered:
            names = ", ".join(sorted(offered))
            return trouble_error(_failed, "unknown-pipeline", pipeline=pipeline, detail=told, offered=names)
        return trouble_error(_failed, "load-failed", pipeline=pipeline, detail=told)

    async def _pause(self, polls: int, deadline: float, state: LoadState) -> int:
        if self._clock() > deadline:
            stage = f' (stage "{state.stage}")' if state.stage else ""
            raise trouble_error(ScopeUnreachable, "load-timeout", seconds=self._timeout, detail=stage)
        await asyncio.sleep(_POLLS_S[min(polls, len(_POLLS_S) - 1)])
        return polls + 1


_conflict = functools.partial(ScopeRefused, status=409)
_failed = functools.partial(ScopeRefused, status=500)
