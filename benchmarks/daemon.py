"""The daemon as a whole: time until it is ready, and what the demo costs.

Ready is the moment the status answers and every enabled output is open, from the start of the process; the baseline is a
process that imports the libraries no bridge could do without. Cost is CPU time over wall time of each process while
the demo plays; the baseline is a plain aiortc client that only receives the same video.

    python -m benchmarks.daemon --repeats 5 --seconds 30 [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import psutil

from benchmarks.processes import free_port, get_json, quietly, running_daemon, start_rehearsal

PLAIN = "import aiohttp, aiortc, aubio, av, httpx, numpy, pydantic"
READY_LIMIT_S = 30.0


def main() -> int:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="starts of each kind")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the demo")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    plain, ready = [], []
    for _ in range(given.repeats):  # interleaved, so that a slow spell of the machine hits both
        plain.append(_timed_import())
        ready.append(_time_to_ready())
    with _rehearsal() as (url, server):
        figures: dict[str, Any] = {
            "ready_s": {"median": statistics.median(ready), "worst": max(ready), "all": ready},
            "imports_s": {"median": statistics.median(plain), "worst": max(plain)},
            "receiver_alone": asyncio.run(_receive(url, server, given.seconds)),
        }
    figures["demo"] = _cost_of_demo(given.seconds)
    if given.json:
        print(json.dumps(figures))
        return 0
    print(
        f"ready                 median {figures['ready_s']['median']:.2f} s, worst {figures['ready_s']['worst']:.2f} s"
    )
    print(f"imports alone         median {figures['imports_s']['median']:.2f} s")
    alone, demo = figures["receiver_alone"], figures["demo"]
    print(
        f"receiving alone       {alone['client']:.1%} of a core (rehearsal server {alone['server']:.1%}, {alone['fps']:.1f} fps)"
    )
    print(
        f"demo, the daemon      {demo['daemon']:.1%} of a core (rehearsal server {demo['server']:.1%}, {demo['fps']:.1f} fps)"
    )
    print(f"demo, page open       {demo['daemon_watched']:.1%} of a core")
    return 0


def _timed_import() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", PLAIN], check=True)
    return time.monotonic() - began


def _time_to_ready() -> float:
    port = free_port()
    began = time.monotonic()
    with running_daemon(
        f"web.port={port}", "osc.listen=[{port=0}]", "audio.source=demo", 'scope.urls=["http://127.0.0.1:9"]'
    ):
        while True:
            status = _status(port)
            took = time.monotonic() - began
            if status and all(
                output["state"] == "open" for output in status["outputs"] if output["kind"] != "virtual_camera"
            ):
                return took
            if took > READY_LIMIT_S:
                raise SystemExit("The daemon did not get ready.")
            time.sleep(0.01)


def _cost_of_demo(seconds: float) -> dict[str, float]:
    demo = subprocess.Popen([sys.executable, "-m", "bridge", "-q", "demo"], stdout=subprocess.PIPE, text=True)
    try:
        assert demo.stdout is not None
        port = int(demo.stdout.readline().rsplit(":", 1)[1].strip().rstrip("/"))
        while not (status := _status(port)) or status["scope"]["state"] != "live":
            time.sleep(0.1)
        time.sleep(5.0)  # connecting and the first beats are not what a show costs
        (child,) = psutil.Process(demo.pid).children()
        unwatched = _cores({"daemon": demo.pid, "server": child.pid}, seconds)
        with contextlib.closing(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/preview.mjpeg")) as pictures:
            reader = subprocess.Popen(["cat"], stdin=pictures.fileno(), stdout=subprocess.DEVNULL)
            watched = _cores({"daemon": demo.pid}, seconds / 2)
            reader.kill()
            reader.wait()
        fps = (_status(port) or status)["scope"]["video"]["fps"]
        return {**unwatched, "daemon_watched": watched["daemon"], "fps": fps}
    finally:
        demo.terminate()
        demo.wait(15)


async def _receive(url: str, server: int, seconds: float) -> dict[str, float]:
    """What any client pays: a peer connection whose frames are taken and thrown away."""
    import aiohttp
    from aiortc import RTCPeerConnection, RTCSessionDescription

    peer = RTCPeerConnection()
    peer.createDataChannel("parameters")
    peer.addTransceiver("video")
    frames = 0
    tasks = []

    async def drain(track: Any) -> None:
        nonlocal frames
        while True:
            await track.recv()
            frames += 1

    peer.on("track", lambda track: tasks.append(asyncio.ensure_future(drain(track))))
    async with aiohttp.ClientSession(base_url=url) as client:
        await client.post("/api/v1/pipeline/load", json={"pipeline_ids": ["longlive"], "load_params": {}})
        while (await (await client.get("/api/v1/pipeline/status")).json())["status"] != "loaded":
            await asyncio.sleep(0.1)
        await peer.setLocalDescription(await peer.createOffer())
        offer = {"sdp": peer.localDescription.sdp, "type": "offer"}
        first = {"pipeline_ids": ["longlive"], "prompts": [{"text": "a violet nebula", "weight": 1.0}]}
        answer = await (await client.post("/api/v1/webrtc/offer", json={**offer, "initialParameters": first})).json()
        await peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        while frames == 0:
            await asyncio.sleep(0.1)
        before = frames
        cores = await asyncio.to_thread(_cores, {"client": os.getpid(), "server": server}, seconds)
        cores["fps"] = (frames - before) / seconds
    await peer.close()
    await asyncio.gather(*tasks, return_exceptions=True)
    return cores


def _cores(pids: dict[str, int], seconds: float) -> dict[str, float]:
    """CPU seconds per second of each process."""
    processes = {name: psutil.Process(pid) for name, pid in pids.items()}

    def spent() -> dict[str, float]:
        return {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}

    before, began = spent(), time.monotonic()
    time.sleep(seconds)
    after, took = spent(), time.monotonic() - began
    return {name: (after[name] - before[name]) / took for name in pids}


@contextlib.contextmanager
def _rehearsal() -> Iterator[tuple[str, int]]:
    process, url = start_rehearsal()
    try:
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(15)


def _status(port: int) -> dict[str, Any] | None:
    return quietly(lambda: get_json(f"http://127.0.0.1:{port}/api/v1/status"))


if __name__ == "__main__":
    raise SystemExit(main())
