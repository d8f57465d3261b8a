"""MIDI against a real JACK server and the programs others wrote for it (inputs section 5).

Needs ``jackd2 jack-tools jack-midi-clock``; fails without them. The input runs in a process of its own: libjack keeps
state per process, and a test must be able to kill the server under it.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.model.events import MidiClockEvent
from bridge.tempo import TempoClock
from tests.peers.stage import Jack, environment, program

LISTEN = """
import asyncio, dataclasses, json, sys
from bridge.inputs.midi import MidiInput, MidiSettings
from bridge.model.board import ProblemBoard

async def main():
    settings = json.loads(sys.argv[1])
    board, loop = ProblemBoard(), asyncio.get_running_loop()
    say = lambda **what: print(json.dumps(what), flush=True)
    midi = MidiInput(
        MidiSettings(backend="jack", **settings),
        cc14={"knobs": {(1, 19)}},
        on_event=lambda event: say(event=type(event).__name__, **dataclasses.asdict(event)),
        board=board,
    )
    midi.start(loop)
    stop = loop.run_in_executor(None, sys.stdin.readline)
    before = None
    while not stop.done():
        now = [[s.port, s.state] for s in midi.status()], [p.code for p in board.problems]
        if now != before:
            say(ports=now[0], problems=now[1])
            before = now
        await asyncio.sleep(0.02)
    midi.stop()
    say(stopped=True, dropped=midi.dropped, rejected=sum(board.rejected.values()))

asyncio.run(main())
"""

SEND = """
import rtmidi, sys
out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=sys.argv[1])
out.open_virtual_port(sys.argv[2])
print("ready", flush=True)
for line in sys.stdin:
    out.send_message(list(bytes.fromhex(line)))
out.delete()
"""


class Lines:
    """A program whose lines of output are read in a thread, so that waiting can time out."""

    def __init__(self, jack: Jack, *command: str, stdin: int | None = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            command,
            env=environment(**jack.clients),
            text=True,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait(self, wanted: Callable[[str], Any], seconds: float = 15.0) -> Any:
        deadline = time.monotonic() + seconds
        seen: list[str] = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            seen.append(line)
            if result := wanted(line):
                return result
        raise AssertionError(f"nothing fitting among {seen[-20:]}")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5.0)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None and not stream.closed:
                stream.close()


class Listener(Lines):
    def __init__(self, jack: Jack, **settings: object) -> None:
        super().__init__(jack, sys.executable, "-c", LISTEN, json.dumps(settings))

    def wait_ports(self, *ports: list[str], problems: list[str] | None = None, seconds: float = 15.0) -> None:
        def fits(line: str) -> bool:
            said = json.loads(line)
            return said.get("ports") == list(ports) and (problems is None or said["problems"] == problems)

        self.wait(fits, seconds)

    def wait_event(self, **fields: object) -> dict[str, Any]:
        def fits(line: str) -> dict[str, Any] | None:
            said = json.loads(line)
            return said if fields.items() <= said.items() else None

        found: dict[str, Any] = self.wait(fits)
        return found

    def stop(self) -> dict[str, Any]:
        self.say("")
        return self.wait_event(stopped=True)


@pytest.fixture
def jack() -> Iterator[Jack]:
    server = Jack()
    yield server
    server.end()


@pytest.fixture
def run(jack: Jack) -> Iterator[Callable[..., Any]]:
    started: list[Lines] = []

    def start(what: Callable[..., Lines], *args: Any, **kwargs: Any) -> Lines:
        started.append(what(jack, *args, **kwargs))
        return started[-1]

    yield start
    for one in reversed(started):
        one.end()


def sender(jack: Jack, client: str = "peer", port: str = "knobs") -> Lines:
    lines = Lines(jack, sys.executable, "-c", SEND, client, port)
    lines.wait(lambda line: line.startswith("ready"))
    return lines


def test_every_kind_of_message_arrives_byte_exact(run: Callable[..., Any]) -> None:
    knobs = run(sender)
    listener = run(Listener, inputs=["peer:knobs"], virtual=False)
    listener.wait_ports(["peer:knobs", "open"], problems=[])
    for data, expected in {
        "b0 10 40": ("cc", 16, 64),
        "b0 13 40": ("cc14", 19, 8192),
        "b0 33 05": ("cc14", 19, 8197),
        "90 3c 40": ("note_on", 60, 64),
        "90 3c 00": ("note_off", 60, 0),
        "e0 7f 7f": ("pitch_bend", 0, 16383),
        "c0 07": ("program", 7, 7),
        "d0 11": ("aftertouch", 0, 17),
        "a0 3c 20": ("poly_aftertouch", 60, 32),
    }.items():
        knobs.say(data)
        listener.wait_event(event="MidiEvent", kind=expected[0], number=expected[1], raw=expected[2], channel=1)
    for data, kind in {
        "f8": "clock",
        "fa": "start",
        "fb": "continue",
        "fc": "stop",
        "f2 10 00": "song_position",
    }.items():
        knobs.say(data)
        listener.wait_event(event="MidiClockEvent", kind=kind)
    end = listener.stop()
    assert (end["dropped"], end["rejected"]) == (0, 0)


def test_unplug_and_replug_without_restart(run: Callable[..., Any]) -> None:
    knobs = run(sender)
    listener = run(Listener, inputs=["peer:knobs"], virtual=False)
    listener.wait_ports(["peer:knobs", "open"])
    for value in (1, 2):
        knobs.end()
        listener.wait_ports(["peer:knobs", "waiting"], problems=["port:peer:knobs"])
        knobs = run(sender)
        listener.wait_ports(["peer:knobs", "open"], problems=[], seconds=5.0)
        knobs.say(f"b0 10 {value:02x}")
        listener.wait_event(kind="cc", raw=value)


def test_unplug_in_a_flood_does_not_hang(run: Callable[..., Any]) -> None:
    knobs, others = run(sender), run(sender, "other", "pads")
    listener = run(Listener, inputs=["peer:knobs", "other:pads"], virtual=False)
    listener.wait_ports(["peer:knobs", "open"], ["other:pads", "open"])
    flood = threading.Thread(target=lambda: [others.say("b0 10 01") for _ in range(3000)])
    flood.start()
    knobs.end()
    listener.wait_ports(["other:pads", "open"], ["peer:knobs", "waiting"])
    flood.join()
    others.say("90 01 7f")
    listener.wait_event(kind="note_on", number=1)
    listener.stop()


def test_others_connect_to_our_virtual_port(run: Callable[..., Any], jack: Jack) -> None:
    listener = run(Listener)
    listener.wait_ports(["Scope Bridge", "open"])
    knobs = run(sender)
    listed = subprocess.run(
        [program("jack_lsp")], env=environment(**jack.clients), capture_output=True, text=True, check=True
    ).stdout
    ours = next(line.strip() for line in listed.splitlines() if line.strip().endswith(":Scope Bridge"))
    subprocess.run(
        [program("jack_connect"), "peer:knobs", ours], env=environment(**jack.clients), check=True, capture_output=True
    )
    knobs.say("b0 10 40")
    listener.wait_event(port="Scope Bridge", kind="cc", raw=64)


def test_server_that_dies_and_returns(run: Callable[..., Any], jack: Jack) -> None:
    run(sender)
    listener = run(Listener, inputs=["peer:knobs"], virtual=True)
    listener.wait_ports(["peer:knobs", "open"], ["Scope Bridge", "open"], problems=[])
    jack.kill()
    listener.wait_ports(["peer:knobs", "waiting"], problems=["no_backend"], seconds=20)
    jack.start()
    knobs = run(sender)
    listener.wait_ports(["peer:knobs", "open"], ["Scope Bridge", "open"], problems=[], seconds=30)
    # JACK lists a port before its connection carries: said again and again, one of them is heard.
    for _ in range(20):
        knobs.say("b0 10 05")
        time.sleep(0.1)
    listener.wait_event(kind="cc", raw=5)


def test_no_server_is_degraded_and_heals(run: Callable[..., Any], jack: Jack) -> None:
    jack.kill()
    listener = run(Listener, inputs=["peer:knobs"], virtual=False)
    listener.wait_ports(["peer:knobs", "waiting"], problems=["no_backend"])
    jack.start()
    run(sender)
    listener.wait_ports(["peer:knobs", "open"], problems=[], seconds=30)


def test_jack_midi_clock_gives_its_tempo(run: Callable[..., Any], jack: Jack) -> None:
    run(Lines, program("jack_midi_clock"), "-b", "128", stdin=subprocess.DEVNULL)
    listener = run(Listener, inputs=["jack_midi_clock"], virtual=False)
    listener.wait_ports(["jack_midi_clock:mclk_out", "open"])
    transport = subprocess.Popen(
        [program("jack_transport")],
        stdin=subprocess.PIPE,
        text=True,
        env=environment(**jack.clients),
        stdout=subprocess.DEVNULL,
    )
    transport.communicate("locate 0\nplay\nquit\n")
    clock, beats, seen = TempoClock(), [], 0
    while seen < 24 * 16:
        said = listener.wait_event(event="MidiClockEvent")
        seen += said["kind"] == "clock"
        clock.feed(MidiClockEvent(said["t"], said["port"], said["kind"], said["position"]), said["t"])
        beats += clock.advance(said["t"])
    assert [b.beat for b in beats] == list(range(beats[0].beat, beats[0].beat + len(beats)))
    assert len(beats) >= 12
    bpm = clock.status(beats[-1].t).bpm
    assert bpm is not None and abs(bpm - 128.0) < 2.0


def test_jack_midiseq_plays_notes(run: Callable[..., Any]) -> None:
    run(
        Lines,
        program("jack_midiseq"),
        *["Sequencer", "24000", "0", "60", "8000", "12000", "63", "8000"],
        stdin=subprocess.DEVNULL,
    )
    listener = run(Listener, inputs=["Sequencer"], virtual=False)
    for number in (60, 63):
        listener.wait_event(kind="note_on", number=number, raw=64)
        listener.wait_event(kind="note_off", number=number)
