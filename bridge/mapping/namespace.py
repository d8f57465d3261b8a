"""The OSC addresses that always work, with no mapping at all (ARCHITECTURE, "Interfaces").

============================  =====================================================================
``/bridge/param/<name> v``    a Scope parameter, in its own unit
``/bridge/theme s``           choose a theme by name, or by number from 1; ``/bridge/theme/<slug>`` does it as a button
``/bridge/action/<name>``     fire an action
``/bridge/macro/<name> v``    0..1
``/bridge/fx/<name> v``       0..1; ``pulse`` and ``zoom`` fire with that strength
``/bridge/bpm v``             beats per minute
``/bridge/prompt s``          the text of the prompt
``/bridge/mode s``            ``text`` or ``video``; ``/bridge/mode/video`` does it as a button
``/bridge/avatar/reference s``  one of the configured pictures, by name or number from 1; ``.../<name>`` as a button
``/bridge/avatar/clear``      no reference picture
``/bridge/server s``          pin a Scope server by number from 1, address or host; 0 or "auto" chooses by preference
``/bridge/quantize s``        what changes are timed to: none, beat, bar, 2_bar or 4_bar
``/scope/<param> v``          Scope's own addresses, also ``/scope/<node>/<param>`` and ``/scope/prompt``
============================  =====================================================================
"""

from __future__ import annotations

__all__ = ["ROOTS", "Namespace"]

from collections.abc import Collection
from typing import Final

from bridge.mapping.coerce import Rejected, as_number, as_switch, for_target
from bridge.mapping.vocabulary import ONCE_EFFECTS, SCOPE_PARAMS, ParamFacts
from bridge.model.desired import ONE_SHOT_PARAMS
from bridge.model.document import suggest
from bridge.model.events import OscEvent, OscValue
from bridge.model.targets import ACTIONS, EFFECTS, MACROS, MODES, Intent, IntentValue, is_fired

ROOTS: Final = ("/bridge/", "/scope/")
_TRIGGER_ROOTS: Final = ("/bridge/action/", "/bridge/theme/", "/bridge/mode/", "/bridge/avatar/")
_ONCE: Final = frozenset(
    {f"/bridge/fx/{name}" for name in ONCE_EFFECTS}
    | {f"{root}{name}" for root in ("/bridge/param/", "/scope/") for name in ONE_SHOT_PARAMS}
)
_FIXED: Final[dict[str, str]] = {
    "/bridge/theme": "theme",
    "/bridge/prompt": "prompt",
    "/bridge/mode": "mode",
    **{f"/bridge/mode/{name}": f"mode/{name}" for name in MODES},
    "/bridge/avatar/reference": "avatar/reference",
    "/bridge/avatar/clear": "action/avatar_clear",
    "/bridge/bpm": "tempo/bpm",
    "/bridge/server": "server",
    "/bridge/quantize": "param/quantize_mode",
    "/scope/prompt": "prompt",
    **{f"/bridge/macro/{name}": f"macro/{name}" for name in MACROS},
    **{f"/bridge/fx/{name}": f"fx/{name}" for name in EFFECTS},
    **{f"/bridge/action/{name}": f"action/{name}" for name in ACTIONS},
    "/bridge/param/reset_cache": "action/reset_cache",
    "/scope/reset_cache": "action/reset_cache",
}


class Namespace:
    """Reads the fixed addresses. ``facts`` may be replaced whenever the pipeline's schema changes."""

    def __init__(self, facts: ParamFacts, themes: Collection[str] = ()) -> None:
        self.facts = facts
        self.themes = frozenset(themes)

    @staticmethod
    def is_trigger(address: str) -> bool:
        """Whether every message to this address counts, not only the newest."""
        return address in _ONCE or address.startswith(_TRIGGER_ROOTS)

    def addresses(self) -> frozenset[str]:
        """Every fixed address that can be listed, for expanding OSC patterns."""
        params = {f"{root}{name}" for root in ("/bridge/param/", "/scope/") for name in self.facts}
        return frozenset(_FIXED) | params | {f"/bridge/theme/{slug}" for slug in self.themes}

    def feed(self, event: OscEvent) -> Intent | Rejected:
        """The intent of a message to an address under :data:`ROOTS`."""
        target = _FIXED.get(event.address) or self._open_ended(event.address)
        if isinstance(target, Rejected):
            return target
        if is_fired(target):
            return _fired(event, target)
        if target.startswith("fx/") and target[3:] in ONCE_EFFECTS:
            return _pulsed(event, target)
        value = for_target(target, self.facts.spec(target[6:]), event.args)
        return value if isinstance(value, Rejected) else _intent(event, target, value)

    def _open_ended(self, address: str) -> str | Rejected:
        root, _, rest = address[1:].partition("/")
        kind, _, name = rest.partition("/")
        if root == "scope":
            # A node of Scope's graph may stand before the parameter; the bridge drives one pipeline.
            return f"param/{rest.rpartition('/')[2]}" if rest.rpartition("/")[2] else _unknown(address)
        if kind == "param" and name and "/" not in name:
            return f"param/{name}"
        if kind == "theme" and name:
            if self.themes and name not in self.themes:
                return Rejected("unknown theme", suggest(name, self.themes))
            return f"theme/{name}"
        if kind == "avatar" and name.startswith("reference/") and name.count("/") == 1 and not name.endswith("/"):
            return f"avatar/{name}"
        if kind == "state":
            return Rejected("/bridge/state is sent, not received", "Remove it from what the sender echoes.")
        return _unknown(address)


def _unknown(address: str) -> Rejected:
    return Rejected("unknown address under /bridge or /scope", suggest(address, {*_FIXED, *_EXAMPLES}))


_EXAMPLES: Final = frozenset(f"/bridge/param/{name}" for name in SCOPE_PARAMS)


def _intent(event: OscEvent, target: str, value: IntentValue) -> Intent:
    return Intent(event.t, target, "set", value, origin=f"osc:{event.listener}")


def _fired(event: OscEvent, target: str) -> Intent | Rejected:
    pressed: bool | Rejected = as_switch(event.args[-1]) if event.args and event.args[-1] is not None else True
    if isinstance(pressed, Rejected):
        return pressed
    return Intent(event.t, target, "trigger" if pressed else "release", origin=f"osc:{event.listener}")


def _pulsed(event: OscEvent, target: str) -> Intent | Rejected:
    strength: OscValue = event.args[-1] if event.args and event.args[-1] is not None else 1.0
    number = as_number(strength)
    if isinstance(number, Rejected):
        return number
    origin = f"osc:{event.listener}"
    if number <= 0.0:
        return Intent(event.t, target, "release", origin=origin)
    return Intent(event.t, target, "trigger", min(number, 1.0), origin=origin)
