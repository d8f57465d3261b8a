"""Reading the weights files of the nets."""

from __future__ import annotations

__all__ = ["Weights", "read_weights"]

import zipfile
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Weights = dict[str, npt.NDArray[np.float32]]


def read_weights(file: Path | Traversable) -> Weights:
    """The arrays of a ``.npz`` file as float32, by name, all finite.

    Raises:
        ValueError: the rest of the sentence "The weights file ..." about what is wrong.
    """
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            weights = {name: np.asarray(stored[name], np.float32) for name in stored.files}
    except OSError as error:
        raise ValueError(f"cannot be read ({error})") from error
    except (TypeError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError("is damaged") from error
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(f"does not fit: {name} holds values that are no numbers")
    return weights
