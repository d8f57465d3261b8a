"""Loading pipelines as Scope does: global, in the background, with its traps (scope-protocol sections 2 and 3)."""

from __future__ import annotations

__all__ = ["Loader"]

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from bridge.rehearsal.catalogue import PIPELINES, PipelineKind
from bridge.rehearsal.faults import Faults
from bridge.rehearsal.pipeline import Pipeline

logger = logging.getLogger(__name__)

State = Literal["not_loaded", "loading", "loaded", "error"]
Wanted = tuple[tuple[str, str, Mapping[str, Any]], ...]
"""(node id, pipeline id, load parameters) of every pipeline to load."""

_STILL_OLD: Final = 0.05
"""Seconds for which the status after a load request is still the one before it."""


class Loader:
    """What is loaded, by node id. Runs on the loop.

    Args:
        build: makes a pipeline from its kind and load parameters; ValueError fails the load.
    """

    def __init__(
        self, build: Callable[[PipelineKind, Mapping[str, Any]], Pipeline], faults: Faults, load_seconds: float
    ) -> None:
        self.state: State = "not_loaded"
        self.stage_text: str | None = None
        self.pipelines: dict[str, Pipeline] = {}
        self._build = build
        self._faults = faults
        self._load_seconds = load_seconds
        self._wanted: Wanted = ()
        self._task: asyncio.Task[None] | None = None

    def request(self, wanted: Wanted) -> None:
        """Start loading in the background, unless exactly this is loaded or on its way."""
        # Even when its worker died: as on the real server only another load throws a pipeline away.
        if wanted == self._wanted and self.state in ("loading", "loaded"):
            return
        before, self._task = self._task, None
        if before is not None:
            before.cancel()
        if self.state != "loaded":
            self.state = "loading"
        self._task = asyncio.get_running_loop().create_task(self._load(wanted), name="rehearsal-load")

    def status(self) -> dict[str, Any]:
        """The reply of ``/pipeline/status``; an error is told once, to whoever asks first."""
        node = self._wanted[0] if self._wanted and self.state in ("loaded", "loading") else None
        document = {
            "status": self.state,
            "pipeline_id": node[0] if node else None,
            "load_params": dict(node[2]) if node else None,
            "loaded_lora_adapters": None,
            "error": None,
            "loading_stage": self.stage_text,
            "produces_video": True,
            "produces_audio": False,
        }
        if self.state == "error":
            self.state = "not_loaded"
        return document

    def forget(self) -> None:
        """Everything unloaded, as after a restart."""
        self.close()
        self.state, self.stage_text = "not_loaded", None
        self.pipelines, self._wanted = {}, ()

    def close(self) -> None:
        """Give up a load that is running."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _load(self, wanted: Wanted) -> None:
        if self.state == "loaded":
            await asyncio.sleep(_STILL_OLD)
        self.state, self.stage_text, self._wanted = "loading", "Loading weights...", wanted
        self.pipelines = {}
        await asyncio.sleep(self._load_seconds + self._faults.extra_load_seconds)
        self.stage_text = None
        try:
            if self._faults.take_failing_load():
                raise ValueError("a fault that was asked for")
            self.pipelines = {node: self._build(_kind(pipeline), params) for node, pipeline, params in wanted}
        except ValueError as error:
            logger.error("Failed to load pipeline: %s", error)  # noqa: TRY400 (the trace says nothing more)
            self.state, self._wanted = "error", ()
            return
        self.state = "loaded"
        logger.info("Pipeline(s) loaded: %s", ", ".join(self.pipelines))


def _kind(pipeline: str) -> PipelineKind:
    try:
        return PIPELINES[pipeline]
    except KeyError:
        raise ValueError(f"unknown pipeline {pipeline!r}") from None
