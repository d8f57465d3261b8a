"""Targets and intents: what a mapping, a cue or the page asks for.

A target is a short path, the same in mappings, OSC and the HTTP API:

========================  ==========================================================
``param/<name>``          a Scope parameter (``param/noise_scale``)
``action/<name>``         something done once (``action/theme_next``)
``theme`` ``theme/<slug>``  choose a theme
``macro/<name>``          one number that several things follow (``macro/reaction``)
``fx/<name>``             a local effect on the returned frames (``fx/pulse``)
``prompt``                the text of the prompt, as a cut-free transition
``mode`` ``mode/<name>``  what Scope paints from: ``text`` or ``video``
``avatar/reference`` ``avatar/reference/<name>``  which of the configured reference pictures is held
``server``                pin a Scope server: number from 1, address or host; 0 or ``auto`` chooses by preference
========================  ==========================================================
"""

from __future__ import annotations

__all__ = ["ACTIONS", "CHOICES", "EFFECTS", "MACROS", "MODES", "Intent", "IntentValue", "is_fired", "target_kind"]

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

IntentValue: TypeAlias = "float | int | bool | str | tuple[IntentValue, ...] | None"

ACTIONS: Final = {
    "theme_next": "the next theme, as a transition",
    "theme_previous": "the previous theme, as a transition",
    "prompt_next": "the next prompt variation of the theme",
    "reset_cache": "a hard cut: Scope forgets its picture",
    "new_seed": "another random seed, with a cut",
    "tap": "tap tempo",
    "resync": "this moment is the downbeat",
    "tempo_double": "twice the tempo",
    "tempo_halve": "half the tempo",
    "nudge_forward": "move the beat 10 ms earlier",
    "nudge_back": "move the beat 10 ms later",
    "panic": "effects and automation off, back to the theme's base; the picture keeps running",
    "blackout": "fade the outputs to black and hold; again to undo",
    "freeze": "hold the frame on the outputs; again to undo",
    "pause": "pause generation on the server; again to undo",
    "pulse": "one pulse of the theme's beat effect",
    "reconnect": "drop the Scope session and connect again",
    "mode_toggle": "from text to video input and back; the outputs hold the picture meanwhile",
    "avatar_clear": "no reference picture any more",
    "pod_start": "start the rented GPU; it costs money from then",
    "pod_stop": "stop the rented GPU, and see to it that it is stopped",
}
"""Action name -> what it does, in one line for help and docs."""

MACROS: Final = {
    "reaction": "how strongly the music moves the picture, 0..1, 0.5 as the theme says",
    "beat": "how strongly beats act, 0..1, 0.5 as the theme says",
    "brightness": "brightness of the outputs, 0..1, 1 unchanged",
}
"""Macro name -> what it scales."""

EFFECTS: Final = {
    "pulse": "a short lift of brightness, decaying",
    "zoom": "a short push into the picture, decaying",
    "hue": "colours turned around the wheel, 0..1",
    "trails": "frames smeared over time, 0..1",
}
"""Local effect name -> what it does to the returned frames."""


MODES: Final = ("text", "video")
"""What Scope can paint from: prompts alone, or a camera or guide picture."""

CHOICES: Final = frozenset({"theme", "prompt", "mode", "avatar/reference", "server"})
"""Targets that take a text. Theme, mode and reference have a target per choice too (``theme/<slug>``), which is fired."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody asks of a target.

    ``kind``: ``set`` gives a value (parameters in their own unit, already shaped by the mapping; or
    0..1 when ``normalised``, to be spread over the schema's range), ``trigger`` fires an action,
    ``release`` ends a held action or lets a control go. ``origin`` names who asked:
    ``midi:<port>``, ``osc:<listener>``, ``web``, ``cli``, ``audio``, ``beat``.
    """

    t: float
    target: str
    kind: Literal["set", "trigger", "release"] = "set"
    value: IntentValue = None
    normalised: bool = False
    origin: str = ""


def is_fired(target: str) -> bool:
    """Whether a target is fired, like a button, rather than set to a value."""
    head, slash, _ = target.rpartition("/")
    return target_kind(target) == "action" or (bool(slash) and head in CHOICES)


def target_kind(target: str) -> str:
    """The part of a target before the first slash: ``param``, ``action``, ``theme``, ..."""
    return target.partition("/")[0]
