from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bridge.ears import Ears, EarsSettings, Heard, Tracker
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

Listen = Callable[..., list[Heard]]


@pytest.fixture
def listen() -> Listen:
    """Lets ears (new ones unless given) hear samples from time 0; returns what they heard, block by block."""

    def run(
        samples: np.ndarray, *, ears: Ears | None = None, tracker: Tracker | None = None, **settings: object
    ) -> list[Heard]:
        ears = ears or Ears(EarsSettings(**settings), tracker)
        hops = len(samples) // HOP
        blocks = np.asarray(samples[: hops * HOP], np.float32).reshape(hops, HOP)
        return [ears.push(AudioBlock((n + 1) * HOP / SAMPLE_RATE, block)) for n, block in enumerate(blocks)]

    return run


@pytest.fixture(scope="session")
def noises() -> dict[str, np.ndarray]:
    """Twenty seconds each of sound that has no beat."""
    rng = np.random.default_rng(7)
    size = 20 * SAMPLE_RATE
    t = np.arange(size) / SAMPLE_RATE
    white = rng.standard_normal(size)
    pink = np.fft.irfft(np.fft.rfft(white) / np.sqrt(np.maximum(np.arange(size // 2 + 1), 20)), size)
    pad = sum(np.sin(2 * np.pi * hertz * t) for hertz in (220.0, 277.2, 329.6, 331.0))
    hum = np.sin(2 * np.pi * 50 * t) + 0.3 * np.sin(2 * np.pi * 150 * t)
    sounds = {"white": white, "pink": pink, "pad": pad, "hum": hum, "whisper": white * 1e-4}
    loud = {name: (0.1 * sound / sound.std()).astype(np.float32) for name, sound in sounds.items()}
    return loud | {"whisper": (1e-4 * white).astype(np.float32), "silence": np.zeros(size, np.float32)}
