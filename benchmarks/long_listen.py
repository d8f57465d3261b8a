"""A long night for the ears: does anything grow, or slow down?

    python -m benchmarks.long_listen [--hours 8] [--tracker scope|aubio]

The whole ear (features and tracker) hears a round of four minutes again and again, as fast as it can: music, music at
another level and another tempo, talk-like noise, hum, a square at full scale, broken samples, silence. Once in a
simulated hour it prints how many hops were heard, the CPU as a share of the simulated time, the microseconds of a hop (median,
p99), blocks of memory that Python holds and the resident size; the first round is warm-up. At the end, a digest of all
beats: the same for every run of the same length on the same machine.

Reach: at most 500 blocks (one object kept a beat would be 38,000) and 2 MB more than after the first round.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import sys
import time
from typing import Final

import numpy as np
import psutil

from bridge.ears import EarsSettings, make_ears
from bridge.inputs.audio import demo_track
from bridge.model.board import ProblemBoard
from bridge.model.features import HOP, SAMPLE_RATE, AudioBlock

AN_HOUR: Final = round(3600 * SAMPLE_RATE / HOP)
MOST_BLOCKS: Final = 500
MOST_MB: Final = 2.0


def a_round() -> np.ndarray:
    """Four minutes of everything, as hops."""
    rng = np.random.default_rng(8)
    demo = demo_track()
    minute = demo[: 60 * SAMPLE_RATE]
    faster = np.interp(np.arange(0, len(minute), 1.2), np.arange(len(minute)), minute)
    t = np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE
    noise = rng.standard_normal(len(t))
    broken = minute[: 20 * SAMPLE_RATE].copy()
    broken[:: SAMPLE_RATE // 3] = np.nan
    pieces = (
        minute,
        0.02 * faster,
        0.1 * noise * (np.sin(2 * np.pi * 3.3 * t + 4 * np.sin(2 * np.pi * 0.4 * t)) > 0),
        0.05 * np.sin(2 * np.pi * 50 * t),
        np.where(np.sin(2 * np.pi * 331 * t[: 10 * SAMPLE_RATE]) > 0, 1.0, -1.0),
        broken,
        np.zeros(60 * SAMPLE_RATE),
    )
    samples = np.concatenate(pieces).astype(np.float32)
    return samples[: len(samples) // HOP * HOP].reshape(-1, HOP)


class Watch:
    """What a run has cost since it began."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._cpu = time.process_time()
        # All of its memory is taken at once: a list would look like something that grows.
        self._hops = np.zeros(AN_HOUR, np.float32)
        self._at = 0

    def hop(self, seconds: float) -> None:
        """What one hop has cost."""
        self._hops[self._at] = seconds
        self._at += 1

    def held(self) -> tuple[int, float]:
        """Blocks of memory that Python holds, and resident megabytes."""
        gc.collect()
        return sys.getallocatedblocks(), self._process.memory_info().rss / 1e6

    def line(self, heard: int) -> str:
        """Figures since the last line; starts the next."""
        now = time.process_time()
        share = 100 * (now - self._cpu) / (self._at * HOP / SAMPLE_RATE)
        p50, p99 = np.percentile(self._hops[: self._at], (50, 99))
        self._cpu, self._at = now, 0
        hours = heard * HOP / SAMPLE_RATE / 3600
        return f"{hours:5.2f} h  {share:5.2f} % CPU  {1e6 * p50:4.0f} us a hop, p99 {1e6 * p99:4.0f} us"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0, help="simulated hours")
    parser.add_argument("--tracker", choices=("scope", "aubio"), default="scope")
    given = parser.parse_args()
    blocks = a_round()
    ears = make_ears(EarsSettings(tracker=given.tracker), ProblemBoard())
    watch, beats, digest = Watch(), 0, hashlib.sha256()
    last = round(given.hours * AN_HOUR)
    before = watch.held()
    for heard in range(1, last + 1):
        block = AudioBlock(heard * HOP / SAMPLE_RATE, blocks[(heard - 1) % len(blocks)])
        begun = time.thread_time()
        found = ears.push(block).beats
        watch.hop(time.thread_time() - begun)
        for beat in found:
            beats += 1
            digest.update(repr(beat).encode())
        if heard == len(blocks):
            watch.line(heard)
            before = watch.held()
        elif heard % AN_HOUR == 0 or heard == last:
            print(watch.line(heard), "  {} blocks, {:.1f} MB".format(*watch.held()), flush=True)
    after = watch.held()
    more, grown = after[0] - before[0], after[1] - before[1]
    print(f"{beats} beats, digest {digest.hexdigest()[:16]}; {more:+d} blocks, {grown:+.2f} MB since the first round")
    if more > MOST_BLOCKS or grown > MOST_MB:
        raise SystemExit("something grows")


if __name__ == "__main__":
    main()
