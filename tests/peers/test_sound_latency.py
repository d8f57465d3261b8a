"""Clicks whose moment is known, and the times that the audio input gives them, over real sound servers.

``python -m pytest tests/peers/test_sound_latency.py -s`` prints the errors. Needs what the tests of sound servers need.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from bridge.model.features import HOP, SAMPLE_RATE
from tests.peers.sound import Pulse
from tests.peers.stage import Jack, Talker, environment

CLICKS = 16

# The input in a process of its own: one line per click that it delivers.
HEAR = """
import json, sys, time
import numpy as np
from bridge.inputs.audio import AudioInput, AudioSettings
from bridge.model.board import ProblemBoard

last = 0.0
def on_block(block):
    global last
    peak = int(np.abs(block.samples).argmax())
    t = block.t - (511 - peak) / 44100
    if abs(block.samples[peak]) > 0.2 and t - last > 0.1:
        last = t
        print(json.dumps({"t": t, "told": time.monotonic()}), flush=True)

audio = AudioInput(AudioSettings(source="live", device=sys.argv[1]), on_block=on_block, board=ProblemBoard())
audio.start()
time.sleep(600)
"""

# The server tells when the next sample it is given will be heard.
PLAY_PULSE = """
import ctypes, json, time
import numpy as np
from ctypes import c_char_p, c_int, c_size_t, c_uint64, c_void_p, byref
from bridge.inputs.audio._libpulse import ANY, FLOAT32, BufferAttr, SampleSpec

pa = ctypes.CDLL("libpulse-simple.so.0")
pa.pa_simple_new.restype = c_void_p
pa.pa_simple_new.argtypes = [c_char_p, c_char_p, c_int, c_char_p, c_char_p, c_void_p, c_void_p, c_void_p, c_void_p]
pa.pa_simple_get_latency.restype, pa.pa_simple_get_latency.argtypes = c_uint64, [c_void_p, c_void_p]
pa.pa_simple_write.argtypes = [c_void_p, c_char_p, c_size_t, c_void_p]
buffers = BufferAttr(ANY, 48000 * 4 // 20, ANY, ANY, ANY)
spec = SampleSpec(FLOAT32, 48000, 1)
stream = pa.pa_simple_new(None, b"clicks", 1, b"gig", b"clicks", byref(spec), None, byref(buffers), None)
quiet = np.zeros(480, np.float32).tobytes()
click = np.concatenate((np.full(4, 0.9), np.zeros(476))).astype(np.float32).tobytes()
number = 0
while True:
    number += 1
    if number % 50 == 0:
        t = time.monotonic() + pa.pa_simple_get_latency(stream, None) / 1e6
        print(json.dumps({"t": t}), flush=True)
    pa.pa_simple_write(stream, click if number % 50 == 0 else quiet, 1920, None)
"""

# A JACK client that says in which cycle its click stands.
PLAY_JACK = """
import json, queue, time
import jack

client, out, told, cycles = jack.Client("clicks"), None, queue.Queue(), 0
port = client.outports.register("out")

@client.set_process_callback
def process(frames):
    global cycles
    cycles += 1
    samples = port.get_array()
    samples[:] = 0
    if cycles % 94 == 0:
        samples[:4] = 0.9
        told.put(time.monotonic() - client.frames_since_cycle_start / client.samplerate)

client.activate()
while True:
    print(json.dumps({"t": told.get()}), flush=True)
"""


def errors(env: dict[str, str], player: str, device: str) -> tuple[np.ndarray, np.ndarray]:
    """For each click in ms: the time it was given less that at which it sounded, and how late it was known."""
    sources = [Talker(sys.executable, "-c", player, env=env), Talker(sys.executable, "-c", HEAR, device, env=env)]
    try:
        # PulseAudio takes two seconds to find its own latency.
        heard = [json.loads(sources[1].line()) for _ in range(CLICKS + 8)][8:]
        played = []
        while not played or played[-1] < heard[-1]["t"]:
            played.append(json.loads(sources[0].line())["t"])
    finally:
        for one in sources:
            one.end()
    nearest = [min(played, key=lambda t: abs(t - one["t"])) for one in heard]
    stamped = np.array([one["t"] for one in heard]) - nearest
    known = np.array([one["told"] for one in heard]) - nearest
    return 1000 * stamped, 1000 * known


def told(way: str, found: tuple[np.ndarray, np.ndarray]) -> float:
    """Print the figures; returns the median error in hops, the finest the ears look at."""
    stamped, known = found
    middle = float(np.median(stamped))
    spread = float(np.percentile(np.abs(stamped - middle), 95))
    print(f"\n{way}: stamped {middle:+.1f} ms (95 % within {spread:.1f} ms), known after {np.median(known):.0f} ms")
    return abs(middle) / 1000 * SAMPLE_RATE / HOP


@pytest.fixture
def jack() -> Iterator[Jack]:
    server = Jack()
    yield server
    server.end()


@pytest.mark.parametrize("device", ["Monitor of Null Output", "pulse"])
def test_pulseaudio(pulse: Pulse, device: str) -> None:
    assert told(f"PulseAudio, {device}", errors(pulse.env, PLAY_PULSE, device)) < 1


def test_jack(jack: Jack) -> None:
    env = environment(**jack.clients)
    assert told("JACK", errors(env, PLAY_JACK, "clicks")) < 1
