"""Getting the pipeline loaded that is wanted, without loading what is there already (scope-protocol sections 2 and 3)."""

from __future__ import annotations

__all__ = ["Loader"]

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.model.errors import ScopeRefused, ScopeUnreachable
from bridge.scope.api import ScopeApi
from bridge.scope.replies import LoadState, same_load

_GRACE_S: Final = 1.5
_SETTLED_S: Final = 4.0
_POLLS_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)


class Loader:
    """Loads one pipeline on one server, and remembers how the server wrote down what it was asked."""

    def __init__(self, pipeline: str, params: Mapping[str, Any], *, timeout: float, clock: Callable[[], float]) -> None:
        self._pipeline = pipeline
        self._params = params
        self._timeout = timeout
        self._clock = clock
        self._written: Mapping[str, Any] | None = None

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
        if self.fits(state):
            return state
        if not self._pipeline:
            raise ScopeRefused(
                "The server has no pipeline loaded.",
                status=400,
                hint='Load one in Scope, or set scope.pipeline, such as "longlive".',
            )
        on_loading("")
        await api.load(self._pipeline, self._params)
        state = await self._loaded(api, deadline, on_loading)
        self._written = state.params
        return state

    async def _settled(self, api: ScopeApi, deadline: float, on_loading: Callable[[str], None]) -> LoadState:
        """The state once whatever somebody else is loading has ended."""
        polls = 0
        while True:
            state = await api.load_state()
            if state.status != "loading":
                return state
            on_loading(state.stage)
            polls = await self._pause(polls, deadline, state)

    async def _loaded(self, api: ScopeApi, deadline: float, on_loading: Callable[[str], None]) -> LoadState:
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
                same = state.pipeline in ("", self._pipeline)
                if same and (same_load(self._params, state.params) or seen_loading or waited > _SETTLED_S):
                    return state
                if not same and (seen_loading or waited > _SETTLED_S):
                    raise ScopeRefused(
                        f'Another client loaded "{state.pipeline}" instead of "{self._pipeline}".',
                        status=409,
                        hint="Close Scope's page in other browsers, or set scope.pipeline to the same pipeline.",
                    )
            elif state.status == "error" or seen_loading or waited > _GRACE_S:
                told = f": {state.error}" if state.error else ""
                raise ScopeRefused(
                    f'The server could not load "{self._pipeline}"{told}.',
                    status=500,
                    hint="Check the name, that its models are downloaded and that it fits into the GPU's memory; the server's log says more.",
                )
            polls = await self._pause(polls, deadline, state)

    async def _pause(self, polls: int, deadline: float, state: LoadState) -> int:
        if self._clock() > deadline:
            stage = f' (stage "{state.stage}")' if state.stage else ""
            raise ScopeUnreachable(
                f"The pipeline did not load within {self._timeout:g} s{stage}.",
                hint="Weights may still be downloading; raise scope.load_timeout_s or look into the server's log.",
            )
        await asyncio.sleep(_POLLS_S[min(polls, len(_POLLS_S) - 1)])
        return polls + 1
