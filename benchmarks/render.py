"""What the rehearsal picture costs: drawing, encoding, and the whole server process.

    python benchmarks/render.py [--seconds 8] [--out FOLDER]

Reach: 576x320 at 15 frames a second within half a core, VP8 included. The baseline in the same run is an encoder
alone, on noise-free grey pictures of the same size. Times are CPU time (medians), not wall time, so that a busy
machine does not change the verdict. ``--out`` keeps one PNG of every scene.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import httpx
import numpy as np
import psutil
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from bridge.render import Look, Painter

WIDTH, HEIGHT, FPS = 576, 320, 15
PROMPTS = {
    "aurora": "northern lights over a mountain lake, green and violet curtains",
    "cosmos": "a violet and cyan nebula, crystalline solids turning among the stars",
    "crystal": "a vaulted nave of pale crystal in rose and aquamarine",
    "forest": "an old forest at night, teal ferns and golden fireflies",
    "forge": "a gothic foundry, rivers of molten metal, magenta neon",
    "grid": "a neon grid highway, banded sun, hot pink and electric blue",
    "ocean": "calm ocean waves at sunset, gold and blue",
    "silk": "purple haze and golden smoke, flowing silk",
    "tunnel": "a tunnel of magenta rings, blue sparks",
}
BLEND = ((PROMPTS["grid"], 0.5), (PROMPTS["cosmos"], 0.5))


def median_ms(action: Callable[[int], object], count: int = 30) -> float:
    """Median CPU milliseconds of one call."""
    spent = []
    for index in range(count):
        began = time.process_time()
        action(index)
        spent.append(time.process_time() - began)
    return 1000 * statistics.median(spent)


def drawing(out: Path | None) -> dict[str, float]:
    """CPU milliseconds of one picture, per scene and for a blend of two."""
    painter = Painter(WIDTH, HEIGHT)
    mixtures = {name: ((prompt, 1.0),) for name, prompt in PROMPTS.items()} | {"blend of two": BLEND}
    found = {}
    for name, mixture in mixtures.items():
        looks = [Look(mixture, phase=30 + index / FPS, composition=7, label=name) for index in range(31)]
        painter.paint(looks[-1])
        found[name] = median_ms(lambda index, looks=looks: painter.paint(looks[index]))
        if out is not None:
            write_png(out / f"{name.replace(' ', '-')}.png", painter.paint(looks[0]))
    return found


def encoding(pictures: list[np.ndarray]) -> float:
    """CPU milliseconds of encoding one picture with aiortc's VP8."""
    encoder = Vp8Encoder()
    frames = []
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = index * 90_000 // FPS, Fraction(1, 90_000)
        frames.append(frame)
    encoder.encode(frames[0])
    return median_ms(lambda index: encoder.encode(frames[index + 1]), len(frames) - 1)


def whole_process(prompt: str, seconds: float) -> tuple[float, float]:
    """Cores used by the server process, and frames a second received, over ``seconds``."""
    arguments = ["--port", "0", "--json", "--load-seconds", "0", "--fps", str(FPS)]
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.rehearsal", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            url = json.loads(process.stdout.readline())["url"]
            httpx.post(f"{url}/api/v1/pipeline/load", json={"pipeline_ids": ["longlive"]}).raise_for_status()
            while httpx.get(f"{url}/api/v1/pipeline/status").json()["status"] != "loaded":
                time.sleep(0.05)
            return asyncio.run(watch(url, prompt, seconds, psutil.Process(process.pid)))
        finally:
            process.terminate()
            process.wait()


async def watch(url: str, prompt: str, seconds: float, process: psutil.Process) -> tuple[float, float]:
    """One session for ``seconds`` after its first second of video: cores of ``process``, frames a second."""
    frames = 0
    running = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def read(track: MediaStreamTrack) -> None:
        nonlocal frames
        try:
            while True:
                await track.recv()
                frames += 1
                if frames == FPS:
                    running.set()
        except MediaStreamError:
            return

    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.on("track", lambda track: tasks.append(asyncio.ensure_future(read(track))))
    peer.addTransceiver("video")
    await peer.setLocalDescription(await peer.createOffer())
    initial = {"pipeline_ids": ["longlive"], "prompts": [{"text": prompt, "weight": 1.0}]}
    offer = {"sdp": peer.localDescription.sdp, "type": "offer", "initialParameters": initial}
    async with httpx.AsyncClient(base_url=url) as http:
        answer = (await http.post("/api/v1/webrtc/offer", json=offer)).json()
    await peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
    await asyncio.wait_for(running.wait(), 30)
    before, count, began = process.cpu_times(), frames, time.monotonic()
    await asyncio.sleep(seconds)
    after, wall = process.cpu_times(), time.monotonic() - began
    await peer.close()
    await asyncio.gather(*tasks)
    return (after.user + after.system - before.user - before.system) / wall, (frames - count) / wall


def write_png(path: Path, picture: np.ndarray) -> None:
    """One I420 picture as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png")
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "rgb24"
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p").reformat(format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def main() -> int:
    """Measure and print; 1 when half a core is not enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long to watch the whole process")
    parser.add_argument("--out", type=Path, help="keep one PNG of every scene here")
    options = parser.parse_args()

    costs = drawing(options.out)
    for name, ms in costs.items():
        print(f"draw {name:14} {ms:6.2f} ms   {ms * FPS / 10:5.1f} % of a core at {FPS} fps")
    painter = Painter(WIDTH, HEIGHT)
    grey = encoding([np.full((HEIGHT * 3 // 2, WIDTH), 128, dtype=np.uint8)] * 31)
    moving = encoding([painter.paint(Look(BLEND, phase=index / FPS)).copy() for index in range(31)])
    print(f"encode VP8          {moving:6.2f} ms   (baseline, plain grey: {grey:.2f} ms)")
    dearest = max(PROMPTS, key=lambda name: costs[name])
    cores, rate = whole_process(PROMPTS[dearest], options.seconds)
    print(f"whole process, {dearest} (the dearest scene): {100 * cores:.0f} % of a core at {rate:.1f} fps")
    print("reached" if cores <= 0.5 else "NOT reached: more than half a core")
    return 0 if cores <= 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
