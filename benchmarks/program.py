"""What a composed picture costs, by case, and what the sinks cost: `python benchmarks/program.py [--ndi SECONDS]`.

Processor time, not wall time (other processes do not count); medians over batches. The baseline is one copy of
the canvas, which no program can do without.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from bridge.model.desired import FxState
from bridge.model.facts import ScopeFacts
from bridge.model.frames import Frame
from bridge.outputs.ndi import NdiSink
from bridge.outputs.preview import JpegEncoder
from bridge.outputs.settings import NdiSettings
from bridge.program import Composer, ProgramSettings

FPS = 30
BATCH, BATCHES = 30, 9
BEAT_S = 60 / 128
FACTS = ScopeFacts(state="live")


def source(width: int, height: int, count: int = 8) -> list[np.ndarray]:
    """Pictures that move like a real one: smooth, with a little noise."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0 : height * 3 // 2, 0:width].astype(np.float32)
    return [
        np.clip(125 + 60 * np.sin(x / 40 + n / 3) * np.cos(y / 30) + rng.normal(0, 4, y.shape), 16, 235).astype(
            np.uint8
        )
        for n in range(count)
    ]


def measure(step: Callable[[int], object]) -> float:
    """Milliseconds of processor time of this thread per step: median over batches, after one to warm up."""
    taken = []
    count = 0
    for batch in range(BATCHES + 1):
        began = time.thread_time()
        for _ in range(BATCH):
            step(count)
            count += 1
        if batch:
            taken.append((time.thread_time() - began) / BATCH * 1000)
    return statistics.median(taken)


def report(name: str, ms: float, per_second: float = FPS) -> None:
    """One line: milliseconds each, and the share of a core at this rate."""
    print(f"{name:<62} {ms:7.3f} ms {ms * per_second / 10:6.1f} % of a core")


def compose_case(
    name: str, fx: Callable[[float], FxState], every: int, pictures: list[np.ndarray], **given: object
) -> None:
    """Compose at 30 ticks a second; a new source picture every ``every`` ticks (0: never)."""
    composer = Composer(ProgramSettings(**given))
    height, width = pictures[0].shape[0] * 2 // 3, pictures[0].shape[1]
    frame = Frame(pictures[0], width, height, 0.0)

    def step(n: int) -> None:
        nonlocal frame
        now = 1.0 + n / FPS
        if every and n % every == 0:
            frame = Frame(pictures[n // every % len(pictures)], width, height, now)
        composer.compose(frame, fx(now), FACTS, now)

    report(name, measure(step))


def held(_: float) -> FxState:
    """Nothing asked for."""
    return FxState(paused=True)


def pulsing(effect: str) -> Callable[[float], FxState]:
    """One pulse of an effect on every beat."""
    return lambda now: FxState(pulses=((now // BEAT_S * BEAT_S, effect, 1.0),), paused=True)


def level(**levels: float) -> Callable[[float], FxState]:
    """Held effects."""
    state = FxState(levels=MappingProxyType(levels), paused=True)
    return lambda now: state


def measure_program() -> None:
    """The composer, case by case."""
    canvas, small, middle = source(1280, 720), source(576, 320), source(1024, 576)
    print("program, canvas 1280x720 at 30 fps")
    report("baseline: one copy of the canvas", measure(lambda n: canvas[n % 8].copy()))
    compose_case("repeat: no new picture, no effects", held, 0, small)
    compose_case("576x320, a new picture every tick", held, 1, small)
    compose_case("576x320, a new picture every second tick (15 fps)", held, 2, small)
    compose_case("  the same without the flash guard", held, 2, small, flash_guard=False)
    compose_case("1024x576, a new picture every tick", held, 1, middle)
    compose_case("576x320 at 15 fps, pulse on every beat at 128 BPM", pulsing("pulse"), 2, small)
    compose_case("576x320 at 15 fps, zoom on every beat at 128 BPM", pulsing("zoom"), 2, small)
    compose_case("576x320 at 15 fps, trails", level(trails=0.6), 2, small)
    compose_case("576x320 at 15 fps, hue", level(hue=0.3), 2, small)
    compose_case("576x320 at 15 fps, brightness 0.7", lambda now: FxState(brightness=0.7, paused=True), 2, small)
    compose_case("576x320 at 15 fps, all four at once", level(trails=0.6, hue=0.3, zoom=0.5, pulse=0.4), 2, small)


def measure_sinks(ndi_seconds: float) -> None:
    """Camera, preview and, where asked for, NDI."""
    frames = [Frame(picture, 1280, 720, 0.0, matrix="bt709") for picture in source(1280, 720)]
    print("sinks, 1280x720 at 30 fps")
    fd = os.memfd_create("camera")
    report(
        "camera: one write (into a memfd: the driver's copy)", measure(lambda n: os.pwrite(fd, frames[n % 8].data, 0))
    )
    os.close(fd)
    encoder = JpegEncoder(512, 5)
    report("preview: one JPEG of 512x288, 10 a second", measure(lambda n: encoder.encode(frames[n % 8])), 10)
    if ndi_seconds:
        measure_ndi(frames, ndi_seconds)


def measure_ndi(frames: list[Frame], seconds: float) -> None:
    """Processor time of the whole process, since libndi works in threads of its own."""
    for name, watched in (("ndi: nobody looks, 1 picture a second", False), ("ndi: every picture compressed", True)):
        sink = NdiSink(NdiSettings(name=f"bench {os.getpid()}"))
        sink.open(1280, 720, FPS)
        began, start = time.process_time(), time.monotonic()
        n = 0
        while time.monotonic() - start < seconds:
            # a second between any two pictures makes each one due: libndi compresses as it does with a receiver
            sink.write(frames[n % 8], n * 1.01 if watched else time.monotonic())
            n += 1
            time.sleep(max(0.0, start + n / FPS - time.monotonic()))
        share = (time.process_time() - began) / seconds * 100
        print(f"{name:<62} {'':10} {share:6.1f} % of a core")
        sink.close()


def main() -> None:
    """Run everything."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--ndi", type=float, default=0.0, help="also measure NDI, for this many seconds each")
    options = arguments.parse_args()
    measure_program()
    measure_sinks(options.ndi)


if __name__ == "__main__":
    main()
