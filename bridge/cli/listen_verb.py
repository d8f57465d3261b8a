"""Meters, beat, tempo and confidence of an audio input, live; or the beats of files, as fast as it goes.

Without FILE the configured input is opened (or --device, --source). With FILEs the whole ear runs over each, hop by hop,
exactly as live: nothing looks ahead, and a beat is printed in the order heard with the time at which a show is told of it.

With --json a line is one beat, in the order heard:
  {"type": "beat", "announced": s, "time": s, "downbeat": bool, "bpm": x, "confidence": x}
Times are seconds of the audio; "announced" is when a show is told, or the scheduled time if that is later; "downbeat" is
true where a bar surely begins; several FILEs add a "file". Other types appear only with --events and --features.

examples:
  scope-bridge listen --source demo                     the built-in track
  scope-bridge listen --device "Scarlett"               is the line-out heard, and does the beat follow?
  scope-bridge listen song.flac                         every beat, and a summary
  scope-bridge listen song.flac --clicks clicks.wav     hear whether the beats are right
  scope-bridge listen song.flac --plot ears.png         see them
  scope-bridge listen --json set/*.flac > beats.jsonl   a JSON object a beat, for scripts
  scope-bridge listen set/*.flac --plot pictures/       a picture of each, in a folder
  curl -s URL | scope-bridge listen - --json            whatever FFmpeg can decode, from a pipe
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final

from bridge.cli.clicks import ClickTrack
from bridge.cli.configuration import load_settings
from bridge.cli.durations import seconds
from bridge.cli.listen_files import PIPE, Outputs, listen_to_files
from bridge.cli.listen_live import listen_live
from bridge.cli.listening import Keeper, Printing
from bridge.cli.plot import Plot
from bridge.model.errors import ScopeBridgeError

_ENDINGS: Final = {"clicks": ".clicks.wav", "plot": ".png"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="audio files, - for a pipe; all their channels are mixed"
    )
    parser.add_argument("--json", action="store_true", help="a JSON object a beat, for scripts")
    parser.add_argument("--events", action="store_true", help="with --json: also parts of the track as they begin")
    parser.add_argument("--features", action="store_true", help="with --json: also every value, 86 lines a second")
    parser.add_argument("--device", metavar="NAME", help="a sound device, as `scope-bridge devices` prints it")
    parser.add_argument("--source", choices=("demo", "live", "file"), help="which input, else as configured")
    parser.add_argument("--seconds", type=seconds, metavar="N", help="end by itself after N seconds of sound or time")
    parser.add_argument(
        "--clicks",
        type=Path,
        metavar="OUT.wav",
        help="write the input with a click on every beat; a folder for several",
    )
    parser.add_argument(
        "--plot", type=Path, metavar="OUT.png", help="draw activation, beats and features; a folder for several FILEs"
    )
    parser.set_defaults(refuse=parser.error)


def execute(given: argparse.Namespace) -> int:
    """Listen to the files, or live."""
    if given.files and (given.device or given.source):
        given.refuse("give either FILEs or an input, not both")
    if (given.events or given.features) and not given.json:
        given.refuse("--events and --features need --json")
    if PIPE in given.files and sys.stdin.isatty():
        given.refuse("- is standard input, and nothing is piped into it")
    printing = Printing(given.json, given.events, given.features)
    if given.files:
        outputs = Outputs(_outputs(given, "clicks"), _outputs(given, "plot"))
        return listen_to_files(given.files, load_settings(given).settings.ears, printing, outputs, given.seconds)
    if given.device:
        given.option = [*given.option, "audio.source=live", f"audio.device={json.dumps(given.device)}"]
    if given.source:
        given.option = [*given.option, f"audio.source={given.source}"]
    keepers: list[Keeper] = []
    if given.clicks:
        keepers.append(ClickTrack(_writable(given.clicks)))
    if given.plot:
        keepers.append(Plot(_writable(given.plot)))
    return listen_live(given, load_settings(given).settings, printing, keepers)


def _outputs(given: argparse.Namespace, option: str) -> Sequence[Path | None]:
    """Where to write for each FILE: into a folder by the file's name, or to the one name given for one."""
    out: Path | None = getattr(given, option)
    files: Sequence[Path] = given.files
    if out is None:
        return [None] * len(files)
    if out.is_dir():
        named: list[Path] = []
        for file in files:
            stem = "pipe" if file == PIPE else file.stem
            # Two discs have a track of the same name.
            names = (out / f"{stem}{'' if n == 1 else f'-{n}'}{_ENDINGS[option]}" for n in count(1))
            named.append(next(name for name in names if name not in named))
        return named
    if len(files) > 1:
        given.refuse(f"--{option} for several FILEs takes a folder that exists, to write into")
    if any(out.exists() and file.exists() and out.samefile(file) for file in files):
        given.refuse(f"{out} is the file to listen to; choose another name")
    return [_writable(out)]


def _writable(out: Path) -> Path:
    if not out.parent.is_dir():
        raise ScopeBridgeError(f"There is no folder {out.parent}.", hint="Make it, or choose another place.")
    return out
