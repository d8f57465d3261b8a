"""A loaded pipeline: what one call makes of its parameters. One instance serves every session.

The parameter rules are those of scope-protocol sections 5, 6.3 and 6.6; what a GPU would paint is drawn by
:mod:`bridge.render`.
"""

from __future__ import annotations

__all__ = ["ChunkError", "Pipeline", "Shot"]

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bridge.rehearsal.catalogue import Mode, PipelineKind
from bridge.rehearsal.conditioning import Conditioning, Mixture
from bridge.render import Look, mood_of

_CUT_STRIDE: Final = 7919
_LABEL_WORDS: Final = 4
_HUGE: Final = 10**15


class ChunkError(ValueError):
    """Raised when a call cannot work with its parameters; it will throw again until they change."""


@dataclass(frozen=True, slots=True)
class Shot:
    """What one call shows: the look of its first frame, and how fast the picture's own time runs on."""

    frames: int
    base: Look
    speed: float
    cut: bool

    def look(self, seconds: float, guide: npt.NDArray[np.uint8] | None = None) -> Look:
        """The look ``seconds`` into the shot."""
        base = self.base
        return Look(
            base.mixture, base.phase + seconds * self.speed, base.composition, base.turbulence, base.grain,
            base.detail, base.figure, base.figure_strength, guide=guide, guide_share=base.guide_share,
            label=base.label,
        )  # fmt: skip


class Pipeline:
    """State that survives from call to call: conditioning, composition, references.

    Args:
        kind: which pipeline.
        load_params: as loaded; ``height``, ``width``, ``base_seed`` and ``vace_enabled`` count.
        size: width and height where the load does not say.
        chunk: frames per call, None for the pipeline's own.

    Raises:
        ChunkError: a load parameter has a value that cannot be used.
    """

    def __init__(
        self,
        kind: PipelineKind,
        load_params: Mapping[str, Any],
        *,
        size: tuple[int | None, int | None] = (None, None),
        chunk: int | None = None,
        label: bool = True,
    ) -> None:
        self.kind = kind
        self.load_params = dict(load_params)
        self.conditioning = Conditioning()
        self.calls = 0
        self.out_of_memory = False
        self._chunk = chunk
        self._size = size
        self._label = label
        self._turns: deque[object] = deque()
        self._turn = threading.Condition()
        self._phase = 0.0
        self._composition = 0
        self._seed = _whole(load_params.get("base_seed", 42), "base_seed")
        self._steps: tuple[int, ...] | None = None
        self._references: tuple[str, ...] = ()
        for mode in kind.modes:
            self.size(mode)

    def size(self, mode: Mode) -> tuple[int, int]:
        """Width and height of its pictures, padded to even."""
        own = self.kind.size(mode)
        width = self.load_params.get("width") or self._size[0] or own[0]
        height = self.load_params.get("height") or self._size[1] or own[1]
        return _side(width, "width"), _side(height, "height")

    @property
    def chunk(self) -> int:
        """Frames of a call."""
        return self.kind.chunk if self._chunk is None else self._chunk

    def frames(self) -> int:
        """Frames of the next call; the first of a long pipeline is shorter."""
        first = self.kind.first_chunk
        return first if first is not None and self.calls == 0 and self._chunk is None else self.chunk

    @contextmanager
    def turn(self, stop: threading.Event) -> Iterator[bool]:
        """Wait for the GPU, first come first served; gives False when ``stop`` was set meanwhile."""
        ticket = object()
        with self._turn:
            self._turns.append(ticket)
            self._turn.wait_for(lambda: self._turns[0] is ticket or stop.is_set())
        try:
            yield not stop.is_set()
        finally:
            with self._turn:
                self._turns.remove(ticket)
                self._turn.notify_all()

    def wake(self) -> None:
        """Let whoever waits for a turn look at its stop event again."""
        with self._turn:
            self._turn.notify_all()

    @property
    def has_vace(self) -> bool:
        """Whether VACE was loaded."""
        return self.kind.vace and bool(self.load_params.get("vace_enabled", True))

    def call(
        self,
        params: Mapping[str, Any],
        *,
        reset: bool,
        mode: Mode,
        frames: int,
        seconds: float,
        via_vace: bool = False,
    ) -> Shot:
        """One call that makes ``frames`` frames of ``seconds`` of picture time together.

        ``via_vace``: input video steers through VACE, which makes it text mode to the noise (6.6).

        Raises:
            ChunkError: a parameter has a value that the blocks cannot use.
        """
        knobs = _Knobs.of(params, mode, self.kind, self._steps, via_vace=via_vace)
        fresh = self.calls == 0
        try:
            changed = self.conditioning.step(params, init_cache=reset or fresh)
        except ValueError as error:
            raise ChunkError(str(error)) from error
        cut = reset or (knobs.manage_cache and (knobs.steps_changed or (changed and mode == "video")))
        if "lora_scales" in params and knobs.manage_cache:
            cut = True
        self._steps = knobs.steps
        self._seed = knobs.seed if knobs.seed is not None and (cut or fresh) else self._seed
        if knobs.references is not None:
            self._references = knobs.references
        if cut:
            self._composition += 1
        speed = knobs.speed * mood_of(self.conditioning.value).speed
        shot = Shot(frames, self._look(knobs, mode), speed, cut)
        self.calls += 1
        self._phase += seconds * speed
        return shot

    def _look(self, knobs: _Knobs, mode: Mode) -> Look:
        figure = "|".join(self._references) if self.has_vace else ""
        return Look(
            mixture=self.conditioning.value,
            phase=self._phase,
            composition=self._seed * _CUT_STRIDE + self._composition,
            turbulence=knobs.turbulence,
            grain=knobs.grain,
            detail=knobs.detail,
            figure=figure,
            figure_strength=knobs.vace_scale if figure else 0.0,
            guide_share=knobs.guide_share if mode == "video" else 0.0,
            label=_words(self.conditioning.value) if self._label else "",
        )


@dataclass(frozen=True, slots=True)
class _Knobs:
    turbulence: float
    grain: float
    detail: float
    speed: float
    guide_share: float
    vace_scale: float
    manage_cache: bool
    steps: tuple[int, ...]
    steps_changed: bool
    seed: int | None
    references: tuple[str, ...] | None

    @classmethod
    def of(
        cls,
        params: Mapping[str, Any],
        mode: Mode,
        kind: PipelineKind,
        steps_before: tuple[int, ...] | None,
        *,
        via_vace: bool,
    ) -> _Knobs:
        noise = _noise(params, "text" if via_vace else mode)
        steps = _steps(params.get("denoising_step_list"), kind.steps(mode))
        changed = steps_before is not None and steps != steps_before and not params.get("_modulated_step_list")
        bias = _number(params.get("kv_cache_attention_bias", 1.0), "kv_cache_attention_bias") if kind.kv_bias else 1.0
        vace_scale = _number(params.get("vace_context_scale", 1.0), "vace_context_scale")
        seed = params.get("base_seed")
        references = params.get("vace_ref_images")
        if references is not None:
            references = _paths(references, "vace_ref_images")
        active = 0.5 if noise is None else noise
        return cls(
            turbulence=active,
            grain=0.1 if noise is None else 0.05 + 0.5 * noise,
            detail=min(len(steps), 4) / 4,
            speed=(0.35 + 0.9 * active) * (1.0 + 2.5 * (1.0 - min(max(bias, 0.01), 1.0))),
            guide_share=min(0.45 * max(vace_scale, 0.0), 0.9) if via_vace else 1.0 - 0.8 * active,
            vace_scale=min(max(vace_scale, 0.0), 2.0),
            manage_cache=bool(params.get("manage_cache", True)),
            steps=steps,
            steps_changed=changed,
            seed=None if seed is None else _whole(seed, "base_seed"),
            references=references,
        )


def _noise(params: Mapping[str, Any], mode: Mode) -> float | None:
    """``noise_scale`` as the blocks see it: forced to None in text mode unless modulation says so (6.6)."""
    if mode == "text" and not params.get("_modulated_noise_scale"):
        return None
    if params.get("noise_controller") and mode == "video":
        return 0.7
    value = params.get("noise_scale")
    if value is None:
        return 0.7 if mode == "video" else None
    return min(max(_number(value, "noise_scale"), 0.0), 1.0)


def _steps(value: Any, default: tuple[int, ...]) -> tuple[int, ...]:
    if value is None:
        return default
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ChunkError(f"denoising_step_list is {value!r}, not a list of whole numbers")
    return tuple(_whole(step, "denoising_step_list") for step in value)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _HUGE:
        raise ChunkError(f"{name} is {str(value)[:80]!r}, not a number")
    return float(value)


def _whole(value: Any, name: str) -> int:
    number = _number(value, name)
    if number != int(number):
        raise ChunkError(f"{name} is {value!r}, not a whole number")
    return int(number)


def _paths(value: Any, name: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(path, str) for path in value):
        raise ChunkError(f"{name} is {value!r}, not a list of paths")
    return tuple(value)


def _side(value: Any, name: str) -> int:
    side = _whole(value, name)
    if not 32 <= side <= 2048:
        raise ChunkError(f"{name} is {side}; it must be 32 to 2048")
    return side // 2 * 2


def _words(mixture: Mixture) -> str:
    strongest = sorted(mixture, key=lambda part: -part[1])[:2]
    heads = dict.fromkeys(" ".join(text.replace(",", "").split()[:_LABEL_WORDS]) for text, _ in strongest)
    return "  +  ".join(heads)
