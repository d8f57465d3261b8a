"""The desired state: what Scope should be doing now, as one frozen value."""

from __future__ import annotations

__all__ = [
    "ONE_SHOT_PARAMS",
    "DesiredState",
    "FxState",
    "OneShot",
    "ParamValue",
    "Prompt",
    "PromptPlan",
]

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from bridge.model.quantize import Due

ParamValue: TypeAlias = Any
"""A JSON value: number, bool, string, or a tuple of them."""

ONE_SHOT_PARAMS: Final = frozenset(
    {
        "reset_cache",
        "vace_ref_images",
        "lora_scales",
        "first_frame_image",
        "last_frame_image",
        "images",
        "ctrl_input",
    }
)
"""Parameters one chunk takes and forgets (scope-protocol section 5): sent exactly once."""


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Prompt:
    """One entry of Scope's ``prompts``; ``weight`` at least 0, normalised by the server."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class PromptPlan:
    """The prompts to reach and how to get there.

    ``id`` grows by one for every change of text: a plan with a new id is a transition (or a cut when
    ``seconds`` is 0); the same id with other weights is a weight change at chunk pace. ``seconds`` is
    the length of the transition; the pacer turns it into chunks, 0 or at least 2, never 1
    (scope-protocol section 6.5). ``method`` is ``linear`` or ``slerp``. Until ``due`` the server stays on what it was
    told before.
    """

    id: int
    prompts: tuple[Prompt, ...]
    seconds: float = 0.0
    method: str = "linear"
    due: Due | None = None


@dataclass(frozen=True, slots=True)
class OneShot:
    """A parameter that must reach the server exactly once, such as ``reset_cache``.

    ``id`` is unique and grows; the pacer remembers the highest it has sent. ``replay`` is True for
    what a new session must be given again (references), False for what must not (resets). A one-shot that waits for its
    ``due`` is replaced by a newer one of its name.
    """

    id: int
    name: str
    value: ParamValue
    replay: bool = False
    due: Due | None = None


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What Scope should be doing now.

    ``params`` are continuous parameters in the server's own units. ``one_shots`` holds the recent
    ones, oldest first, at most 16; the pacer sends each id once. ``arrived`` is when the newest
    outside event in this state arrived (monotonic seconds), for measuring age. ``dues`` names the parameters whose value
    is to be seen on a boundary.
    """

    revision: int = 0
    prompts: PromptPlan | None = None
    params: Mapping[str, ParamValue] = field(default_factory=_empty)
    one_shots: tuple[OneShot, ...] = ()
    paused: bool = False
    arrived: float | None = None
    dues: Mapping[str, Due] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True)
class FxState:
    """What the program does to the returned frames now.

    ``levels`` are held effects, 0..1 by effect name. ``pulses`` are the recent (time, effect, strength
    0..1) triggers, oldest first, at most 16; the program lets each decay by itself. ``brightness`` 0..1.
    ``paused`` says that generation is paused on purpose: the picture is held however long no new one comes.
    """

    levels: Mapping[str, float] = field(default_factory=_empty)
    pulses: tuple[tuple[float, str, float], ...] = ()
    brightness: float = 1.0
    blackout: bool = False
    freeze: bool = False
    paused: bool = False
