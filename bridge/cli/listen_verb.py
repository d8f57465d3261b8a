"""Meters, beat, tempo and confidence of an audio input, live; or the beats of files, as fast as it goes.

Without FILE the configured input is opened (or --device, --source). With FILEs the whole ear runs over each, hop by hop,
exactly as live: nothing looks ahead, and a beat is printed in the order heard with the time at which a show is told of it.

examples:
  scope-bridge listen --source demo                     the built-in track
  scope-bridge listen --device "Scarlett"               is the line-out heard, and does the beat follow?
  scope-bridge listen song.flac                         every beat, and a summary
  scope-bridge listen song.flac --clicks clicks.wav     hear whether the beats are right
  scope-bridge listen song.flac --plot ears.png         see them
  scope-bridge listen --json set/*.flac > beats.jsonl   a JSON object a beat, for scripts
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from bridge.cli.clicks import ClickTrack
from bridge.cli.configuration import load_settings
from bridge.cli.durations import seconds
from bridge.cli.exits import FINE, RUNTIME
from bridge.cli.listen_live import listen_live
from bridge.cli.listening import Keeper, Listening, beat_document
from bridge.cli.plot import Plot
from bridge.ears import Ears, EarsSettings, make_ears
from bridge.inputs.audio import Mixer, read_blocks
from bridge.model.board import ProblemBoard
from bridge.model.errors import AudioDeviceError, DependencyMissing, ScopeBridgeError
from bridge.model.events import TrackedBeat


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="audio files; all their channels are mixed")
    parser.add_argument("--json", action="store_true", help="a JSON object a beat, for scripts")
    parser.add_argument("--device", metavar="NAME", help="a sound device, as `scope-bridge devices` prints it")
    parser.add_argument("--source", choices=("demo", "live", "file"), help="which input, else as configured")
    parser.add_argument("--seconds", type=seconds, metavar="N", help="end by itself after N seconds of sound or time")
    parser.add_argument("--clicks", type=Path, metavar="OUT.wav", help="write what was heard, a click on every beat")
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="draw energy, onsets, activation, tempo and beats")
    parser.set_defaults(refuse=parser.error)


def execute(given: argparse.Namespace) -> int:
    """Listen to the files, or live."""
    if given.files and (given.device or given.source):
        given.refuse("give either FILEs or an input, not both")
    if len(given.files) > 1 and (given.clicks or given.plot):
        given.refuse("--clicks and --plot take one FILE")
    keepers = _keepers(given)
    if given.files:
        return _listen_to_files(given, load_settings(given).settings.ears, keepers)
    if given.device:
        given.option = [*given.option, "audio.source=live", f"audio.device={json.dumps(given.device)}"]
    if given.source:
        given.option = [*given.option, f"audio.source={given.source}"]
    return listen_live(given, load_settings(given).settings, keepers)


def _keepers(given: argparse.Namespace) -> list[Keeper]:
    for out in (given.clicks, given.plot):
        if out is None:
            continue
        if any(out.exists() and file.exists() and out.samefile(file) for file in given.files):
            given.refuse(f"{out} is the file to listen to; choose another name")
        if not out.parent.is_dir():
            raise ScopeBridgeError(f"There is no folder {out.parent}.", hint="Make it, or choose another place.")
    keepers: list[Keeper] = []
    if given.clicks:
        keepers.append(ClickTrack(given.clicks))
    if given.plot:
        keepers.append(Plot(given.plot))
    return keepers


def _listen_to_files(given: argparse.Namespace, settings: EarsSettings, keepers: list[Keeper]) -> int:
    code = FINE
    for file in given.files:
        if not given.json and file.is_file():
            print(f"{file}\n     told at       beat      BPM  sure")
        times: list[float] = []
        try:
            for beat in _beats_of(file, settings, keepers, given.seconds):
                times.append(beat.t)
                named = str(file) if len(given.files) > 1 else None
                print(json.dumps(beat_document(beat, named)) if given.json else _row(beat), flush=True)
        except AudioDeviceError as error:
            # The others are worth hearing all the same.
            print(f"scope-bridge: {error}", file=sys.stderr)
            code = RUNTIME
            continue
        if not given.json:
            print(_summary(times))
    return code


def _beats_of(
    file: Path, settings: EarsSettings, keepers: list[Keeper], seconds: float | None
) -> Iterator[TrackedBeat]:
    if not file.is_file():
        raise AudioDeviceError(f"There is no file {file}.", hint="Check its name.")
    listening = Listening(_ears(settings), keepers)
    try:
        for block in read_blocks(file, Mixer(())):
            yield from listening.push(block.samples).beats
            if seconds is not None and listening.seconds >= seconds:
                break
    finally:
        listening.finish()


def _ears(settings: EarsSettings) -> Ears:
    """Ears that have what they need: nobody waits here for a library to be installed."""
    board = ProblemBoard()
    ears = make_ears(settings, board)
    for problem in board.problems:
        raise DependencyMissing(problem.message, hint=problem.hint)
    return ears


def _row(beat: TrackedBeat) -> str:
    bar = "  bar" if beat.downbeat else ""
    return f"  {beat.announced:8.3f} s  {beat.t:8.3f} s  {beat.bpm:6.1f}  {beat.confidence:4.0%}{bar}"


def _summary(times: list[float]) -> str:
    if len(times) < 2:
        return f"  {len(times)} beats: no tempo."
    tempo = 60 / statistics.median(b - a for a, b in pairwise(times))
    return f"  {len(times)} beats from {times[0]:.1f} s to {times[-1]:.1f} s, {tempo:.1f} BPM by the median of their distances"
