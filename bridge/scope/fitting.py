"""Fitting what is configured to the server that is there: its age, its memory, the pipeline's modes and size. Pure."""

from __future__ import annotations

__all__ = ["choose_mode", "input_size", "judge_vace", "judge_version", "too_large"]

import re
from typing import Final

from bridge.model.facts import InputMode, PipelineSchema
from bridge.scope.replies import LoadState
from bridge.scope.settings import LoadParams
from bridge.scope.troubles import Diagnosis, diagnosis

_TELLING: Final = (0, 1, 8)
"""The first version with log tail, metrics and the deletion of sessions (scope-protocol section 10)."""

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_QUANTIZED: Final = 0.6  # of the estimate, when the weights have 8 bits
_CARDS_ARE_SMALLER: Final = 0.95  # a card of "24 GB" tells 23.6 and the like


def judge_version(version: str) -> Diagnosis | None:
    """Whether the server is too old to explain a missing picture; "" is one of 2025, an unknown form is a new one."""
    found = _VERSION.match(version)
    if version and (found is None or tuple(int(part) for part in found.groups()) >= _TELLING):
        return None
    return diagnosis("old-server", version=version or "of 2025")


def too_large(schema: PipelineSchema | None, there_gb: float | None, *, quantized: bool) -> Diagnosis | None:
    """Whether the GPU's memory is smaller than the pipeline's estimate; quantization takes about a half off."""
    if schema is None or schema.vram_gb is None or there_gb is None:
        return None
    wanted = schema.vram_gb * (_QUANTIZED if quantized else 1.0)
    if there_gb >= wanted * _CARDS_ARE_SMALLER:
        return None
    return diagnosis("too-large", pipeline=schema.id, wanted=wanted, there=there_gb)


def judge_vace(pipeline: str, schema: PipelineSchema | None, *, loaded: bool, avatar: bool) -> Diagnosis | None:
    """Whether the avatar's pictures can have an effect; ``loaded``: the pipeline has VACE and was loaded with it."""
    if loaded or not avatar:
        return None
    if schema is not None and not schema.supports_vace:
        return diagnosis("avatar-no-vace", pipeline=pipeline)
    return diagnosis("avatar-vace-off")


def choose_mode(wanted: InputMode, pipeline: str, schema: PipelineSchema | None) -> tuple[InputMode, Diagnosis | None]:
    """The input mode to use, and what is wrong with the one that is wanted."""
    if schema is None or wanted in schema.modes:
        return wanted, None
    other: InputMode = "video" if wanted == "text" else "text"
    return other, diagnosis("mode", pipeline=pipeline, wanted=wanted, other=other)


def input_size(loaded: LoadState, params: LoadParams) -> tuple[int, int]:
    """Width and height of input frames, even: as loaded, else as configured."""
    known = loaded.params or {}
    width, height = known.get("width"), known.get("height")
    if isinstance(width, int) and isinstance(height, int) and 16 <= width <= 4096 and 16 <= height <= 4096:
        return width & ~1, height & ~1
    return params.width, params.height
