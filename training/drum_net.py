"""Train the net that tells kick, snare and hat: numpy alone, six minutes on one core, most of them to make the music.

    python -m training.drum_net bridge/ears/weights/drums.npz --songs 500 --loops 300

Half of the music are loops of drums, bass and pads (``loops.py``), half songs of the wide grammar (``score.py``), where toms,
congas, rides, noise and bad feeds are as likely. Seeds start at 300000 (loops) and 900000 (songs); the benchmark's are
below 100000. A stroke is due on its own hop or the next one; rims, rides, shakers and crashes count neither way.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from bridge.ears._drums import INPUTS, DrumLook, drum_bands
from bridge.ears._dynamics import HOP_S
from bridge.ears._spectrum import Spectrum
from bridge.model.features import HOP
from training import drums, loops, mix, score, soundfont

VOICES = (("kick",), ("snare", "clap"), ("hat", "openhat"))
NEITHER = ((), ("rim",), ("ride", "shaker", "crash"))
FAINT = 0.3
EQUALISED = 0.5
DRUMLESS = 3
"""Of the songs without drums, one in so many is used."""
FIRST_LOOP, FIRST_HISS, FIRST_SONG = 300_000, 400_000, 900_000
HISSES = 60
# An attack in the last part of a hop is heard in the next one: the window's newest edge is still low there.
HEARD = 0.35
OWN_HOP = 0.5
STRUCK = 1.2
HIDDEN = (48, 24)


def powers(samples):
    """Band powers of a recording, (hops, 14)."""
    spectrum = Spectrum()
    bands = drum_bands(spectrum.hertz)
    out = np.empty((len(samples) // HOP, len(bands.widths)), np.float32)
    for hop, row in enumerate(out):
        amplitudes = spectrum.push(samples[hop * HOP : (hop + 1) * HOP])[: bands.bins]
        row[:] = bands.sums(amplitudes * amplitudes)
    return out


def inputs(heard):
    """What the net sees of a recording: band powers to (hops, 70)."""
    look = DrumLook()
    return np.array([look.step(row).copy() for row in heard])


def equalised(rng, heard):
    """The same through another speaker: five knobs of an equaliser, 5 dB either way, and another level."""
    knobs = rng.normal(rng.normal(0, 6), 5, 5)
    gains = np.interp(np.arange(heard.shape[1]), np.linspace(0, heard.shape[1] - 1, 5), knobs)
    return (heard * 10 ** (gains / 10)).astype(np.float32)


def targets(notes, hops):
    """What is struck on each hop, and how much that counts: two arrays (hops, 3)."""
    struck, counts = np.zeros((hops, 3), np.float32), np.ones((hops, 3), np.float32)
    for column, (voices, neither) in enumerate(zip(VOICES, NEITHER, strict=True)):
        at = [(int(t / HOP_S + HEARD), voice in voices and loud >= FAINT) for t, voice, loud in notes
              if voice in voices + neither]  # fmt: skip
        for hop, _ in at:
            counts[max(hop - 1, 0) : hop + 4, column] = 0
        for hop, sure in at:
            if sure:
                struck[hop : hop + 2, column] = 1
                counts[hop : hop + 1, column] = OWN_HOP
                counts[hop + 1 : hop + 2, column] = 1
    return struck, counts


def hiss(rng, seconds=10):
    """Noise of any colour and level that strikes nothing."""
    noise = rng.standard_normal(seconds * drums.SR)
    if rng.random() < 0.7:
        noise = drums.band(noise, rng.uniform(20, 2000), rng.uniform(3000, 16000))
    return (noise / noise.std() * 10 ** (rng.uniform(-40, -12) / 20)).astype(np.float32)


def music(songs, some_loops):
    """Samples and notes (seconds, voice, loudness), one piece after another."""
    for seed in range(FIRST_HISS, FIRST_HISS + HISSES):
        yield hiss(np.random.default_rng(seed)), []
    for seed in range(FIRST_LOOP, FIRST_LOOP + some_loops):
        samples, struck = loops.loop(seed)
        yield samples, [(t, voice, 1.0) for voice, times in struck.items() for t in times]
    fluid = soundfont.Fluid()
    for seed in range(FIRST_SONG, FIRST_SONG + songs):
        rng = np.random.default_rng(seed)
        made = score.compose(rng, 20.0)
        notes = [(t, voice, loud) for part in made.parts if part.role == "drums" for t, _, voice, loud in part.notes]
        samples = mix.render(rng, made, fluid)
        if notes or seed % DRUMLESS == 0:
            yield samples, notes


def train(x, struck, counts, epochs=8, rate=3e-3, batch=2048):
    """Adam on weighted cross-entropy; layers as (weight, bias), inputs as they come."""
    rng = np.random.default_rng(1)
    middle, spread = x.mean(0, dtype=np.float32), x.std(0, dtype=np.float32) + 1e-3
    sizes = (INPUTS, *HIDDEN, 3)
    layers = [
        [rng.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32), np.zeros(b, np.float32)] for a, b in pairwise(sizes)
    ]
    first, second = ([[np.zeros_like(a) for a in layer] for layer in layers] for _ in range(2))
    counts = counts * (1 + (STRUCK - 1) * struck)
    step = 0
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        now = rate * 0.5 * (1 + np.cos(np.pi * epoch / epochs)) + 1e-5
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            step += 1
            seen = [(x[rows] - middle) / spread]
            for weight, bias in layers:
                seen.append(np.maximum(seen[-1] @ weight + bias, 0 if len(seen) < len(layers) else -np.inf))
            slope = (1 / (1 + np.exp(-seen[-1])) - struck[rows]) * counts[rows] / len(rows)
            for k in reversed(range(len(layers))):
                slopes = (seen[k].T @ slope, slope.sum(0))
                if k:
                    slope = (slope @ layers[k][0].T) * (seen[k] > 0)
                for n, d in enumerate(slopes):
                    first[k][n] += 0.1 * (d - first[k][n])
                    second[k][n] += 0.001 * (d * d - second[k][n])
                    layers[k][n] -= (
                        now * first[k][n] / (1 - 0.9**step) / (np.sqrt(second[k][n] / (1 - 0.999**step)) + 1e-7)
                    )
    weight, bias = layers[0]
    layers[0] = [weight / spread[:, None], bias - middle / spread @ weight]
    return layers


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("out", type=Path)
    ask.add_argument("--songs", type=int, default=500)
    ask.add_argument("--loops", type=int, default=300)
    args = ask.parse_args()
    began = time.monotonic()
    pieces = []
    for number, (samples, notes) in enumerate(music(args.songs, args.loops)):
        heard = powers(samples.astype(np.float32))
        due = targets(notes, len(heard))
        rng = np.random.default_rng(number)
        pieces.append((inputs(equalised(rng, heard) if rng.random() < EQUALISED else heard), *due))
        if number % 100 == 0:
            print(number, f"{time.monotonic() - began:.0f} s", flush=True)
    layers = train(*(np.concatenate(parts) for parts in zip(*pieces, strict=True)))
    arrays = {f"{name}_{k}": a.astype(np.float16) for k, layer in enumerate(layers)
              for name, a in zip(("weight", "bias"), layer, strict=True)}  # fmt: skip
    np.savez(args.out, **arrays)
    print(f"{args.out}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
