"""Fits values to parameters: one bad value silently stops Scope's video, so every field has its form here.

Section 5 of scope-protocol is the source of the forms; Scope itself checks nothing that comes by the DataChannel.
"""

from __future__ import annotations

__all__ = ["RUNTIME_PARAMS", "Unfit", "fit", "number_of", "truth_of"]

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from bridge.model.facts import ParamSpec

MAX_ITEMS: Final = 64
MAX_STEPS: Final = 12
MAX_PATH: Final = 4096
_LARGEST: Final = 1e15
_MAX_SEED: Final = 2**31 - 1
_LORA: Final = ParamSpec("scale", "number", -10.0, 10.0, 1.0)
_STEP: Final = ParamSpec("step", "integer", 1, 1000)
_MOUSE: Final = ParamSpec("mouse", "number", -10_000.0, 10_000.0)
_METHODS: Final = ("linear", "slerp")
_BARS: Final = ("none", "beat", "bar", "2_bar", "4_bar")

RUNTIME_PARAMS: Final[Mapping[str, ParamSpec]] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            ParamSpec("noise_scale", "number", 0.0, 1.0, 0.7),
            ParamSpec("noise_controller", "boolean", default=True),
            ParamSpec("denoising_step_list", "list", 1, 1000, (1000, 750, 500, 250)),
            ParamSpec("manage_cache", "boolean", default=True),
            ParamSpec("kv_cache_attention_bias", "number", 0.01, 1.0, 1.0),
            ParamSpec("base_seed", "integer", 0, _MAX_SEED, 42),
            ParamSpec("vace_enabled", "boolean"),
            ParamSpec("vace_context_scale", "number", 0.0, 2.0, 1.0),
            ParamSpec("vace_use_input_video", "boolean", default=True),
            ParamSpec("vace_ref_images", "list", default=()),
            ParamSpec("first_frame_image", "string"),
            ParamSpec("last_frame_image", "string"),
            ParamSpec("images", "list", default=()),
            ParamSpec("lora_scales", "list", default=()),
            ParamSpec("ctrl_input", "object"),
            ParamSpec("prompt_interpolation_method", "string", default="linear", choices=_METHODS),
            ParamSpec("reset_cache", "boolean"),
            ParamSpec("modulations", "object"),
            ParamSpec("quantize_mode", "string", choices=_BARS),
            ParamSpec("beat_cache_reset_rate", "string", choices=_BARS),
            ParamSpec("lookahead_ms", "number", 0.0, 1000.0),
            ParamSpec("bpm", "number", 20.0, 999.0),
            ParamSpec("beat_phase", "number", 0.0, 1.0),
            ParamSpec("bar_position", "number", 0.0, 64.0),
            ParamSpec("beat_count", "integer", 0, _MAX_SEED),
            ParamSpec("is_playing", "boolean"),
            ParamSpec("_modulated_noise_scale", "boolean"),
            ParamSpec("_modulated_step_list", "boolean"),
        )
    }
)
"""Parameters that Scope takes while a pipeline runs whatever its schema says (scope-protocol section 5)."""

_WORDS: Final = {
    **dict.fromkeys(("true", "on", "yes", "1"), True),
    **dict.fromkeys(("false", "off", "no", "0"), False),
}
_MODULATION: Final = {
    "enabled": ParamSpec("enabled", "boolean", default=False),
    "shape": ParamSpec(
        "shape",
        "string",
        default="cosine",
        choices=("sine", "cosine", "triangle", "saw", "square", "exp_decay"),
    ),
    "depth": ParamSpec("depth", "number", 0.0, 1.0, 0.3),
    "rate": ParamSpec(
        "rate", "string", default="bar", choices=("half_beat", "beat", "2_beat", "bar", "2_bar", "4_bar")
    ),
    **{name: ParamSpec(name, "number", -_LARGEST, _LARGEST) for name in ("base_value", "min_value", "max_value")},
}


class Unfit(ValueError):
    """Raised when a value cannot be made to fit; the text is a short reason that can be counted."""


def number_of(value: Any) -> float | None:
    """``value`` as a finite float (booleans are 0 and 1, number-like text is read); None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float) or abs(value) > 1e300:
        return None
    return float(value) if math.isfinite(value) else None


def truth_of(value: Any) -> bool | None:
    """On or off: a word for it, or a number from 0.5 up."""
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    number = number_of(value)
    return None if number is None else number >= 0.5


def fit(spec: ParamSpec, value: Any) -> Any:
    """``value`` as the parameter takes it: right type, inside its limits, lists repaired. Fitting twice is fitting once.

    Raises:
        Unfit: it cannot be made to fit.
    """
    if value is None and spec.nullable:
        return None
    known = RUNTIME_PARAMS.get(spec.name)
    shape = _SHAPES.get(spec.name)
    if shape is not None and known is not None and spec.type == known.type and not spec.choices:
        return shape(value)
    if spec.choices:
        return _chosen(spec, value)
    if spec.type == "boolean":
        truth = truth_of(value)
        if truth is None:
            raise Unfit("not true or false")
        return truth
    if spec.type in ("number", "integer"):
        return _number(spec, value)
    if spec.type == "list":
        return _list(spec, value)
    if spec.type == "string":
        if not isinstance(value, str):
            raise Unfit("not a text")
        return value
    if not isinstance(value, Mapping):
        raise Unfit("not an object")
    return dict(value)


def _number(spec: ParamSpec, value: Any) -> float | int:
    number = number_of(value)
    if number is None:
        raise Unfit("not a number")
    low, high = spec.minimum, spec.maximum
    if spec.type == "integer":
        low = math.ceil(low) if low is not None else -(2**53)
        high = math.floor(high) if high is not None else 2**53
        # Rounding first: a bound that is a whole number stays in reach, one that is not is never passed.
        return max(low, min(high, round(number)))
    if high is not None:
        number = min(number, high)
    return number if low is None else max(number, low)


def _chosen(spec: ParamSpec, value: Any) -> Any:
    for choice in spec.choices:
        if value == choice and isinstance(value, bool) == isinstance(choice, bool):
            return choice
    if isinstance(value, str):
        word = value.strip().lower()
        for choice in spec.choices:
            if str(choice).lower() == word:
                return choice
    raise Unfit(f"not one of {', '.join(map(str, spec.choices))[:80]}")


def _list(spec: ParamSpec, value: Any) -> list[Any]:
    items = _items(value)
    low, high = spec.length
    if len(items) < low or (high is not None and len(items) > high):
        raise Unfit("a list of the wrong length")
    inner = spec.items
    return [_plain(item) for item in items] if inner is None else [fit(inner, item) for item in items]


def _items(value: Any) -> list[Any]:
    items = list(value) if isinstance(value, tuple | list) else [value]
    if len(items) > MAX_ITEMS:
        raise Unfit(f"more than {MAX_ITEMS} items")
    return items


def _plain(item: Any) -> Any:
    """Text, a number, or a flat object of them."""
    if isinstance(item, Mapping):
        if not all(isinstance(key, str) and not isinstance(inner, Mapping) for key, inner in item.items()):
            raise Unfit("nested too deep")
        return {key: _plain(inner) for key, inner in item.items()}
    if isinstance(item, str) or number_of(item) is not None:
        return item
    raise Unfit("not a text or a number")


def _steps(value: Any) -> list[int]:
    """Whole, 1 to 1000, each below the one before, at least one."""
    steps = sorted({_number(_STEP, item) for item in _items(value)}, reverse=True)[:MAX_STEPS]
    if not steps:
        raise Unfit("no steps")
    return [int(step) for step in steps]


def _path(value: Any) -> str:
    # A zero byte makes every file call of the server throw.
    if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > MAX_PATH:
        raise Unfit("not a path")
    return value


def _paths(value: Any) -> list[str]:
    return [_path(item) for item in _items(value)]


def _loras(value: Any) -> list[dict[str, Any]]:
    found = []
    for item in _items(value):
        if not isinstance(item, Mapping):
            raise Unfit("not a list of {path, scale}")
        found.append({"path": _path(item.get("path")), "scale": _number(_LORA, item.get("scale", 1.0))})
    return found


def _controls(value: Any) -> dict[str, Any]:
    """Keys held and how far the mouse moved: ``{button: ["KeyW"], mouse: [dx, dy]}``."""
    if not isinstance(value, Mapping):
        raise Unfit("not {button, mouse}")
    found: dict[str, Any] = {}
    if "button" in value:
        found["button"] = _items(value["button"])
    if "mouse" in value:
        found["mouse"] = [_number(_MOUSE, item) for item in _items(value["mouse"])]
    if not all(isinstance(code, str) for code in found.get("button", ())) or len(found.get("mouse", (0, 0))) != 2:
        raise Unfit("not {button, mouse}")
    return found


def _modulations(value: Any) -> dict[str, dict[str, Any]]:
    """By parameter: ``{enabled, shape, depth, rate, base_value, min_value, max_value}``."""
    if not isinstance(value, Mapping) or len(value) > MAX_ITEMS:
        raise Unfit("not an object of modulations")
    found = {}
    for name, given in value.items():
        if not isinstance(name, str) or not isinstance(given, Mapping):
            raise Unfit("not an object of modulations")
        found[name] = {key: fit(spec, given[key]) for key, spec in _MODULATION.items() if given.get(key) is not None}
    return found


def _reset(value: Any) -> bool:
    if truth_of(value) is not True:
        raise Unfit("only true resets")
    return True


_SHAPES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "denoising_step_list": _steps,
    "vace_ref_images": _paths,
    "images": _paths,
    "first_frame_image": _path,
    "last_frame_image": _path,
    "lora_scales": _loras,
    "ctrl_input": _controls,
    "modulations": _modulations,
    "reset_cache": _reset,
}
