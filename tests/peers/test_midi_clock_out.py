"""MIDI clock out through a real JACK server: what another program receives, and after the server's death.

Needs ``jackd2``; fails without it. The sender runs in a process of its own, beside a MIDI input as in the daemon.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.feedback.clock_ticks import PPQN
from bridge.model.events import MidiClockEvent
from bridge.tempo import TempoClock
from tests.peers.stage import Daemon, Jack, Talker, environment

BPM = 126.0
SEND = """
import asyncio, json, sys, time
from bridge.feedback import MidiClockOut, MidiClockOutSettings
from bridge.inputs.midi import MidiInput, MidiSettings, RtMidiOutputs
from bridge.model.beatgrid import BeatGrid
from bridge.model.board import ProblemBoard

async def main():
    board, grid = ProblemBoard(), BeatGrid(bpm=float(sys.argv[1]), anchor=time.monotonic())
    midi = MidiInput(MidiSettings(backend="jack"), on_event=print, board=board)
    out = MidiClockOut(
        MidiClockOutSettings(enabled=True), grid=lambda: grid, follows=lambda: "",
        connect=lambda: RtMidiOutputs("jack", "scope-bridge"), board=board,
    )
    midi.start(asyncio.get_running_loop())
    out.start()
    stop = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    before = None
    while not stop.done():
        now = [out.status().state, midi.status()[0].state if midi.status() else "none", [p.code for p in board.problems]]
        if now != before:
            print(json.dumps(now), flush=True)
            before = now
        await asyncio.sleep(0.02)
    out.stop()
    midi.stop()
    print(json.dumps(out.status().skipped), flush=True)

asyncio.run(main())
"""
HEAR = """
import json, rtmidi, sys, time
midi = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="drums")
midi.ignore_types(timing=False)
midi.set_callback(lambda event, _: print(json.dumps([time.monotonic(), event[0]]), flush=True))
names = midi.get_ports()
midi.open_port(next(i for i, name in enumerate(names) if "Scope Bridge Clock" in name))
sys.stdin.readline()
"""


@pytest.fixture
def jack() -> Iterator[Jack]:
    server = Jack()
    yield server
    server.end()


@pytest.fixture
def out(jack: Jack) -> Iterator[Talker]:
    talker = Talker(sys.executable, "-c", SEND, str(BPM), env=environment(**jack.clients))
    yield talker
    talker.end()


def wait_for(out: Talker, *states: object) -> None:
    while json.loads(out.line()) != list(states):
        pass


def test_a_drum_machine_hears_the_tempo_and_the_start(jack: Jack, out: Talker) -> None:
    wait_for(out, "open", "open", [])
    drums = Talker(sys.executable, "-c", HEAR, env=environment(**jack.clients))
    try:
        clock, messages = TempoClock(), []
        while len(messages) < 12 * PPQN:
            t, message = json.loads(drums.line())
            messages.append(message)
            if message in ([0xF8], [0xFA]):
                clock.feed(MidiClockEvent(t, "bridge", "clock" if message == [0xF8] else "start"), t)
        assert clock.status(t).bpm == pytest.approx(BPM, abs=1.0)
        out.say("")
        assert json.loads(out.line()) == 0
        while message != [0xFC]:
            _, message = json.loads(drums.line())
    finally:
        drums.end()


CONFIG = """
[midi_clock_out]
enabled = true
[midi]
backend = "jack"
[audio]
source = "off"
[mapping]
files = []
[outputs.ndi]
enabled = false
[outputs.preview]
enabled = false
"""


def test_the_daemon_hands_its_tempo_on(jack: Jack, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, CONFIG, **jack.clients)
    try:
        daemon.wait(lambda now: now["midi_clock_out"]["state"] == "open", what="the port")
        drums = Talker(sys.executable, "-c", HEAR, env=environment(**jack.clients))
        try:
            daemon.osc.send_message("/bridge/bpm", BPM)
            times = []
            while len(times) < 8 * PPQN:
                t, message = json.loads(drums.line())
                if message == [0xF8]:
                    times.append(t)
            assert (len(times) - 1) / (times[-1] - times[0]) * 60 / PPQN == pytest.approx(BPM, abs=2.0)
            told = daemon.wait(lambda now: now["midi_clock_out"]["running"] and now["midi_clock_out"])
            assert (told["port"], told["skipped"]) == ("Scope Bridge Clock", 0)
        finally:
            drums.end()
    finally:
        daemon.end()


def test_it_outlives_the_server(jack: Jack, out: Talker) -> None:
    wait_for(out, "open", "open", [])
    jack.kill()
    wait_for(out, "waiting", "none", ["no_backend"])
    jack.start()
    wait_for(out, "open", "open", [])
    drums = Talker(sys.executable, "-c", HEAR, env=environment(**jack.clients))
    try:
        assert json.loads(drums.line())[1] in ([0xF8], [0xFA])
    finally:
        drums.end()
