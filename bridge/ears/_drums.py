"""Kick, snare and hat: a small net that looks at how fourteen bands just rose. Made by ``training/drum_net.py``."""

from __future__ import annotations

__all__ = ["EDGES_HZ", "INPUTS", "DrumLook", "Drums", "drum_bands"]

from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.ears._dynamics import Reference, per_hop
from bridge.ears._spectrum import Bands, Spectrum
from bridge.ears._weights import read_weights
from bridge.model.errors import WeightsBroken

SHIPPED: Final = resources.files("bridge.ears") / "weights" / "drums.npz"
# Narrow where a kick's fall in pitch and a snare's body lie.
EDGES_HZ: Final = (30, 55, 80, 110, 160, 240, 360, 600, 1000, 1800, 3000, 5000, 8000, 12000, 16000)
_BANDS: Final = len(EDGES_HZ) - 1
# How many hops back a band is compared with itself.
_BACK: Final = (1, 2, 4)
INPUTS: Final = _BANDS * (2 + len(_BACK))
_VOICES: Final = 3
_USUAL_S: Final = 0.4
_COMPRESSION: Final = 100.0
_SCALE: Final = 0.25
# Far beyond what decides anything; keeps exp() from overflowing.
_SURE: Final = 30.0


def drum_bands(hertz: npt.NDArray[np.float32]) -> Bands:
    """The fourteen bands of a spectrum."""
    return Bands(hertz, list(pairwise(EDGES_HZ)))


class DrumLook:
    """What the net sees of a hop: each band's level, how it rose since one, two and four hops before, and how far it is
    above what is usual in the last 0.4 s; levels are logarithmic and count against the recent loudest."""

    def __init__(self) -> None:
        self._reference = Reference()
        self._before = np.zeros((max(_BACK), _BANDS), np.float32)
        self._usual = np.zeros(_BANDS, np.float32)
        self._keep = np.float32(per_hop(_USUAL_S))
        self._inputs = np.zeros((2 + len(_BACK), _BANDS), np.float32)

    def step(self, power: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Band powers, (14,), to inputs, (70,); the array is used again by the next step."""
        reference = self._reference.step(float(np.sqrt(power.sum())))
        now = np.log1p(np.sqrt(power) * np.float32(_COMPRESSION / reference)) * np.float32(_SCALE)
        inputs = self._inputs
        inputs[0] = now
        for row, back in enumerate(_BACK, 1):
            inputs[row] = now - self._before[back - 1]
        inputs[-1] = now - self._usual
        self._before[1:] = self._before[:-1]
        self._before[0] = now
        self._usual += (1 - self._keep) * (now - self._usual)
        return inputs.reshape(-1)


class Drums:
    """How likely a kick, a snare (or clap) and a hat are struck on each hop: 0..1, causal, over 0.5 for yes.

    The likelihood rises on the hop that holds the attack or on the one after it (6 to 25 ms after the attack), and
    stays up for two or three hops. Figures: ``benchmarks/drums.py``.

    Args:
        weights: another weights file than the shipped one.

    Raises:
        WeightsBroken: the weights cannot be used.
    """

    def __init__(self, weights: Path | None = None) -> None:
        self._layers = _load(weights)
        self._bands = drum_bands(Spectrum().hertz)
        self._look = DrumLook()

    def step(self, amplitudes: npt.NDArray[np.float32]) -> list[float]:
        """Kick, snare and hat of this hop, from what ``Spectrum()`` gives of it."""
        bins = amplitudes[: self._bands.bins]
        values = self._look.step(self._bands.sums(bins * bins))
        *hidden, (weight, bias) = self._layers
        for w, b in hidden:
            values = np.maximum(values @ w + b, 0)
        out = np.clip(values @ weight + bias, -_SURE, _SURE)
        return (1 / (1 + np.exp(-out))).tolist()  # type: ignore[no-any-return]


def _load(path: Path | None) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Weight and bias of each layer: ``weight_0`` (inputs, width), ``bias_0`` (width,), ``weight_1``, ..."""
    try:
        arrays = read_weights(path or SHIPPED)
    except ValueError as error:
        raise _broken(str(error)) from error
    layers = []
    width = INPUTS
    for number in range(len(arrays) // 2):
        weight, bias = arrays.get(f"weight_{number}"), arrays.get(f"bias_{number}")
        if weight is None or bias is None or bias.ndim != 1 or weight.shape != (width, len(bias)):
            raise _broken(f"does not fit: layer {number} should take {width} values")
        layers.append((weight, bias))
        width = len(bias)
    if not layers or width != _VOICES:
        raise _broken(f"does not fit: it should tell {_VOICES} voices")
    return layers


def _broken(what: str) -> WeightsBroken:
    return WeightsBroken(
        f"The weights file for kick, snare and hat {what}; starts in the low, mid and high band stand for them.",
        hint="Install Scope Bridge again.",
    )
