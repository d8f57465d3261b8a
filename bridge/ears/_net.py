"""The beat net in numpy: causal dilated convolutions over 24 s, one hop at a time."""

from __future__ import annotations

__all__ = ["BeatNet", "load_weights"]

import math
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.ears._mel import INPUTS
from bridge.ears._weights import Weights, read_weights
from bridge.model.errors import WeightsBroken

SHIPPED: Final = resources.files("bridge.ears") / "weights" / "beats.npz"
_TAPS: Final = 3
_OUTPUTS: Final = 2


def load_weights(path: Path | None = None) -> Weights:
    """The shipped weights, or those of another file, as checked float32 arrays.

    Raises:
        WeightsBroken: nothing usable there.
    """
    try:
        weights = read_weights(path or SHIPPED)
    except ValueError as error:
        raise _broken(str(error)) from error
    for name, shape in _shapes(weights).items():
        if name not in weights or weights[name].shape != shape:
            raise _broken(f"does not fit: {name} should have the shape {shape}")
    return weights


def _broken(what: str) -> WeightsBroken:
    return WeightsBroken(
        f"The beat tracker's weights file {what}; aubio finds the beats instead.", hint="Install Scope Bridge again."
    )


def _shapes(weights: Weights) -> dict[str, tuple[int, ...]]:
    """What each array has to look like; width and number of layers are free, as far as the arrays agree."""
    out = weights.get("out_weight", np.zeros((_OUTPUTS, 1), np.float32))
    width = out.shape[-1] if out.ndim else 1
    shapes: dict[str, tuple[int, ...]] = {
        "enter_weight": (width, INPUTS, _TAPS),
        "enter_bias": (width,),
        "out_weight": (_OUTPUTS, width),
        "out_bias": (_OUTPUTS,),
    }
    for layer in range(max(_layers(weights), 1)):
        shapes[f"blocks_{layer}_look_weight"] = (width, width, _TAPS)
        shapes[f"blocks_{layer}_add_weight"] = (width, width, 1)
        shapes[f"blocks_{layer}_look_bias"] = shapes[f"blocks_{layer}_add_bias"] = (width,)
    return shapes


def _layers(weights: Weights) -> int:
    return sum(name.endswith("_look_weight") for name in weights)


class _Look:
    """A convolution over this value and the two that lie ``reach`` and twice ``reach`` hops back, then an ELU."""

    def __init__(self, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], reach: int) -> None:
        width = weight.shape[1]
        # (out, in, taps), oldest tap first, as one matrix over the taps laid end to end and a 1 for the bias.
        self._matrix = _affine(weight.transpose(0, 2, 1).reshape(len(weight), -1), bias)
        self._laid = np.ones(_TAPS * width + 1, np.float32)
        self._taps = self._laid[:-1].reshape(_TAPS, width)
        self._past = np.zeros((2 * reach, width), np.float32)
        self._reach = reach
        self._at = 0
        self._sum = np.empty(len(weight), np.float32)
        self._found = np.ones(len(weight) + 1, np.float32)
        self._values = self._found[:-1]

    def step(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What is found, and a 1 behind it; the array is used again by the next step."""
        at, taps, past = self._at, self._taps, self._past
        taps[0] = past[at]
        taps[1] = past[at - self._reach]
        taps[2] = past[at] = x
        self._at = at + 1 if at + 1 < len(past) else 0
        np.dot(self._matrix, self._laid, out=self._sum)
        _elu(self._sum, self._values)
        return self._found


def _affine(matrix: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(np.concatenate((matrix, bias[:, None]), axis=1))


def _elu(x: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
    """x above 0, exp(x) - 1 below, which is the larger of the two on either side."""
    np.minimum(x, 0, out=out)
    np.expm1(out, out=out)
    np.maximum(x, out, out=out)


class BeatNet:
    """How much each hop looks like a beat, and like a downbeat."""

    def __init__(self, weights: Weights) -> None:
        self._enter = _Look(weights["enter_weight"], weights["enter_bias"], 1)
        self._blocks = [
            (
                _Look(weights[f"blocks_{k}_look_weight"], weights[f"blocks_{k}_look_bias"], 2**k),
                _affine(weights[f"blocks_{k}_add_weight"][:, :, 0], weights[f"blocks_{k}_add_bias"]),
            )
            for k in range(_layers(weights))
        ]
        self._out = _affine(weights["out_weight"], weights["out_bias"])
        self._last = np.ones(self._out.shape[1], np.float32)
        self._y, self._found = np.empty((2, len(self._last) - 1), np.float32)

    def step(self, x: npt.NDArray[np.float32]) -> tuple[float, float]:
        """Activations of beat and downbeat, 0..1, from 64 inputs."""
        y = self._y
        y[:] = self._enter.step(x)[:-1]
        for look, add in self._blocks:
            y += np.dot(add, look.step(y), out=self._found)
        _elu(y, self._last[:-1])
        beat, downbeat = (self._out @ self._last).tolist()
        return _sigmoid(beat), _sigmoid(downbeat)


def _sigmoid(x: float) -> float:
    return 0.5 + 0.5 * math.tanh(0.5 * x)
