"""What is known of the Scope server: pipeline schema, mode, chunk and session state.

The scope part publishes one :class:`ScopeFacts` whenever something in it changes; show, mapping and
program take it as an argument.
"""

from __future__ import annotations

__all__ = ["ChunkFacts", "InputMode", "ParamSpec", "PipelineSchema", "PodFacts", "ScopeFacts", "ScopeState"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

InputMode = Literal["text", "video"]
ScopeState = Literal["offline", "connecting", "loading", "live", "stalled", "failed"]


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """One run-time parameter of a pipeline.

    ``type``: ``number``, ``integer``, ``boolean``, ``string``, ``list`` or ``object``. ``modes`` are the input
    modes in which it has an effect; empty means all. ``choices`` is empty unless it is an enum. ``items`` is what a
    list holds, None where that is not told, and ``length`` how many of them. ``nullable``: null is a value too.
    """

    name: str
    type: str
    minimum: float | None = None
    maximum: float | None = None
    default: Any = None
    choices: tuple[Any, ...] = ()
    modes: tuple[str, ...] = ()
    load_only: bool = False
    description: str = ""
    items: ParamSpec | None = None
    length: tuple[int, int | None] = (0, None)
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class PipelineSchema:
    """What a pipeline takes, from ``GET /api/v1/pipelines/schemas`` or the shipped snapshot.

    ``vram_gb`` is the server's estimate of the GPU memory it wants, None where it gives none.
    """

    id: str
    modes: tuple[str, ...]
    default_mode: str
    params: Mapping[str, ParamSpec] = field(default_factory=lambda: MappingProxyType({}))
    supports_prompts: bool = True
    supports_vace: bool = False
    supports_lora: bool = False
    supports_kv_cache_bias: bool = False
    chunk_frames: int | None = None
    vram_gb: float | None = None


@dataclass(frozen=True, slots=True)
class ChunkFacts:
    """One pipeline call: how many frames it makes and how long it takes, in seconds.

    ``measured`` is False while ``period_s`` is only a prior.
    """

    frames: int = 12
    period_s: float = 0.8
    measured: bool = False


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """Everything upstream parts may know of the server, as one value.

    ``vace_active``: VACE is loaded and has a reference or control video to hold on to. ``vace_use_input_video``:
    in video mode with VACE the input goes to VACE, not to the latents (Scope's default, read at session set-up).
    ``latency_s``: from a change leaving here to its first frame arriving, on average over the moments of leaving;
    ``latency_sd_s``: how much one change may differ (one standard deviation). Both None while unknown.
    ``input_size``: width and height of the frames to send, both even; None while none are wanted (text mode).
    """

    state: ScopeState = "offline"
    url: str = ""
    version: str = ""
    pipeline: str = ""
    mode: InputMode = "text"
    schema: PipelineSchema | None = None
    chunk: ChunkFacts = ChunkFacts()
    vace_active: bool = False
    vace_use_input_video: bool = True
    input_size: tuple[int, int] | None = None
    latency_s: float | None = None
    latency_sd_s: float | None = None


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What is known of the rented machine that the server at ``url`` runs on.

    ``phase`` is ``unknown``, ``stopped``, ``starting``, ``booting`` (its system runs, Scope does not answer yet), ``ready``,
    ``stopping`` or ``failed``. ``message`` says why there is no use in asking the server now; empty where there is.
    """

    url: str = ""
    phase: str = "unknown"
    message: str = ""
    hint: str = ""

    def is_in_the_way_of(self, url: str) -> bool:
        """Whether the server at ``url`` cannot answer, because its machine does not run."""
        return bool(self.message) and url == self.url
