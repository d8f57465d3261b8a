"""Generate songs and keep what the net needs of them: band amplitudes, beats and downbeats.

    python -m training.generate OUT --songs 2000 --first 0

Song ``k`` is the same whoever makes it: its seed is ``k``. One file per song; those that exist are kept.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from bridge.ears._mel import filters
from bridge.ears._spectrum import Spectrum
from bridge.model.features import HOP
from training import mix, score, soundfont

NO_MUSIC = 0.08


def bands(samples):
    """Band amplitudes of a recording, (hops, 32): what ``MelBands`` makes of every hop."""
    spectrum = Spectrum()
    size = len(spectrum._window)
    hops = len(samples) // HOP
    padded = np.concatenate((np.zeros(size - HOP, np.float32), samples[: hops * HOP].astype(np.float32)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::HOP]
    table = filters(spectrum.hertz)
    out = np.empty((hops, len(table)), np.float32)
    for k in range(0, hops, 512):
        power = (np.abs(np.fft.rfft(frames[k : k + 512] * spectrum._window)) * spectrum._scale) ** 2
        out[k : k + 512] = np.sqrt(power.astype(np.float32) @ table.T)
    return out


def song(seed, fluid, seconds=40.0):
    """Samples, beats, downbeats."""
    rng = np.random.default_rng(seed)
    if rng.random() < NO_MUSIC:
        return mix.no_music(rng, 20.0), np.zeros(0), np.zeros(0)
    made = score.compose(rng, seconds)
    return mix.render(rng, made, fluid), made.beats, made.downbeats


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("out", type=Path)
    ask.add_argument("--songs", type=int, default=2000)
    ask.add_argument("--first", type=int, default=0)
    ask.add_argument("--step", type=int, default=1, help="make every STEPth song, to share the work")
    args = ask.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    fluid = soundfont.Fluid()
    began = time.monotonic()
    for made, seed in enumerate(range(args.first, args.first + args.songs, args.step)):
        path = args.out / f"{seed:06d}.npz"
        if path.exists():
            continue
        samples, beats, downbeats = song(seed, fluid)
        part = path.with_suffix(".part.npz")
        np.savez(part, bands=bands(samples).astype(np.float16), beats=beats, downbeats=downbeats)
        part.rename(path)
        if made % 50 == 0:
            print(seed, f"{time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
