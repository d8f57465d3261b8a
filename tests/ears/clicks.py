"""The simplest music there is."""

import numpy as np

from bridge.model.features import SAMPLE_RATE


def clicks(bpm: float, seconds: float) -> np.ndarray:
    """Snares on the beat over silence."""
    out = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    rng = np.random.default_rng(2)
    hit = (0.5 * rng.standard_normal(2000) * np.exp(-np.arange(2000) / 300)).astype(np.float32)
    for start in np.arange(0.5, seconds - 0.1, 60 / bpm):
        at = int(start * SAMPLE_RATE)
        out[at : at + len(hit)] += hit
    return out
