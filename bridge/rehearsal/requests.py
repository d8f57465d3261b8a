"""Bodies of requests, checked as far as Scope checks them (scope-protocol sections 3 and 5)."""

from __future__ import annotations

__all__ = ["CandidateBody", "IceBody", "LoadBody", "OfferBody", "Parameters", "PipelineItem"]

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class PromptItem(BaseModel):
    """One prompt of a blend."""

    text: str
    weight: float = Field(1.0, ge=0)


class TransitionBody(BaseModel):
    """A transition to other prompts, in pipeline calls."""

    target_prompts: list[PromptItem]
    num_steps: int = Field(4, ge=0)
    temporal_interpolation_method: Literal["linear", "slerp"] = "linear"


class GraphNode(BaseModel):
    """One node of a graph."""

    model_config = ConfigDict(extra="allow")
    id: str
    type: Literal["source", "pipeline", "sink", "record", "node"]
    pipeline_id: str | None = None


class Graph(BaseModel):
    """A graph of nodes."""

    model_config = ConfigDict(extra="allow")
    nodes: list[GraphNode]
    edges: list[dict[str, Any]] = []


class Parameters(BaseModel):
    """Initial parameters and ``session/parameters``; unknown keys pass."""

    model_config = ConfigDict(extra="allow")
    input_mode: Literal["text", "video"] | None = None
    pipeline_ids: list[str] | None = None
    prompts: list[PromptItem] | None = None
    prompt_interpolation_method: Literal["linear", "slerp"] = "linear"
    transition: TransitionBody | None = None
    noise_scale: float | None = Field(None, ge=0, le=1)
    noise_controller: bool | None = None
    denoising_step_list: list[int] | None = None
    manage_cache: bool | None = None
    reset_cache: bool | None = None
    kv_cache_attention_bias: float | None = Field(None, ge=0.01, le=1)
    vace_ref_images: list[str] | None = None
    vace_use_input_video: bool | None = None
    vace_context_scale: float = Field(1.0, ge=0, le=2)
    lora_scales: list[dict[str, Any]] | None = None
    paused: bool | None = None
    recording: bool | None = None
    graph: Graph | None = None


class OfferBody(BaseModel):
    """``POST /webrtc/offer``."""

    sdp: str
    type: str
    initialParameters: Parameters | None = None  # noqa: N815 (Scope's name)
    user_id: str | None = None
    connection_id: str | None = None
    connection_info: dict[str, Any] | None = None


class CandidateBody(BaseModel):
    """One ICE candidate."""

    candidate: str
    sdpMid: str | None = None  # noqa: N815 (Scope's name)
    sdpMLineIndex: int | None = None  # noqa: N815 (Scope's name)


class IceBody(BaseModel):
    """``PATCH /webrtc/offer/{id}``."""

    candidates: list[CandidateBody]


class PipelineItem(BaseModel):
    """One entry of ``pipelines``."""

    node_id: str
    pipeline_id: str
    load_params: dict[str, Any] | None = None


class LoadBody(BaseModel):
    """``POST /pipeline/load``."""

    pipelines: list[PipelineItem] | None = None
    pipeline_ids: list[str] | None = None
    pipeline_id: str | None = None
    load_params: dict[str, Any] | None = None
