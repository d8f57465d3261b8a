"""Listening to files: the whole ear over each, hop by hop, exactly as live but as fast as it goes."""

from __future__ import annotations

__all__ = ["PIPE", "Outputs", "listen_to_files"]

import json
import statistics
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

from bridge.cli.clicks import ClickTrack, ClickTrackOf
from bridge.cli.exits import FINE, RUNTIME
from bridge.cli.listen_progress import Progress
from bridge.cli.listening import Keeper, Listening, Moment, Printing, documents_of
from bridge.cli.plot import Plot
from bridge.ears import Ears, EarsSettings, make_ears
from bridge.inputs.audio import Mixer, read_blocks
from bridge.model.board import ProblemBoard
from bridge.model.errors import AudioDeviceError, DependencyMissing
from bridge.model.events import SectionEvent, TrackedBeat

PIPE: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is written besides the beats: for each file in turn where to, None for nothing."""

    clicks: Sequence[Path | None]
    plots: Sequence[Path | None]


def listen_to_files(
    files: Sequence[Path], settings: EarsSettings, printing: Printing, outputs: Outputs, seconds: float | None
) -> int:
    """Listen to one after the other (``-`` is standard input), at most ``seconds`` of each; returns the exit code.

    What cannot be read is one line on standard error; the others are heard all the same.

    Raises:
        ScopeBridgeError: an output cannot be written.
    """
    code = FINE
    for file, clicks, plot in zip(files, outputs.clicks, outputs.plots, strict=True):
        named = str(file) if len(files) > 1 else None
        keepers: list[Keeper] = []
        if clicks is not None:
            keepers.append(ClickTrackOf(file, clicks) if file.is_file() else ClickTrack(clicks))
        if plot is not None:
            keepers.append(Plot(plot, file.name))
        try:
            with closing(_moments_of(file, settings, keepers, seconds)) as moments:
                if printing.json:
                    for moment in moments:
                        for one in documents_of(moment, printing, named):
                            print(json.dumps(one), flush=True)
                else:
                    _print_table(file, moments)
        except AudioDeviceError as error:
            print(f"scope-bridge: {error}", file=sys.stderr)
            code = RUNTIME
    return code


def _moments_of(
    file: Path, settings: EarsSettings, keepers: Sequence[Keeper], seconds: float | None
) -> Generator[Moment]:
    listening = Listening(_ears(settings), keepers)
    source: Path | BinaryIO = sys.stdin.buffer if file == PIPE else file
    progress = Progress(file, sys.stderr, wanted=not sys.stdout.isatty())
    try:
        for block in read_blocks(source, Mixer(())):
            yield listening.push(block.samples)
            progress.show(listening.seconds)
            if seconds is not None and listening.seconds >= seconds:
                break
    finally:
        progress.clear()
        listening.finish()


def _ears(settings: EarsSettings) -> Ears:
    """Ears that find beats, be it with aubio; nobody waits here for a library to be installed."""
    board = ProblemBoard()
    ears = make_ears(settings, board)
    for problem in board.problems:
        if problem.code == "tracker_missing":
            raise DependencyMissing(problem.message, hint=problem.hint)
    return ears


def _print_table(file: Path, moments: Iterable[Moment]) -> None:
    times: list[float] = []
    for number, moment in enumerate(moments):
        if number == 0:
            print(f"{file}\n     told at       beat      BPM  sure")
        for section in moment.sections:
            print(_section_row(section))
        for beat in moment.beats:
            times.append(beat.t)
            print(_row(beat), flush=True)
    print(_summary(times))


def _row(beat: TrackedBeat) -> str:
    bar = "  bar" if beat.downbeat else ""
    return f"  {beat.announced:8.3f} s  {beat.t:8.3f} s  {beat.bpm:6.1f}  {beat.confidence:4.0%}{bar}"


def _section_row(section: SectionEvent) -> str:
    return f"  {section.t:8.3f} s  -- {section.section.replace('_', ' ')}, {section.confidence:.0%} sure"


def _summary(times: Sequence[float]) -> str:
    if len(times) < 2:
        return f"  {len(times)} beats: no tempo."
    tempo = 60 / statistics.median(b - a for a, b in pairwise(times))
    return f"  {len(times)} beats from {times[0]:.1f} s to {times[-1]:.1f} s, {tempo:.1f} BPM by the median of their distances"
