"""Listening to an input as it sounds."""

from __future__ import annotations

__all__ = ["listen_live"]

import argparse
import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from queue import Empty, Full, Queue
from typing import Final

from bridge.cli.exits import FINE
from bridge.cli.listening import Keeper, Listening, Printing, documents_of
from bridge.cli.logs import set_up_logging
from bridge.cli.meters import Meters
from bridge.ears import make_ears
from bridge.inputs.audio import AudioInput
from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeBridgeError
from bridge.model.features import AudioBlock
from bridge.settings import LogSettings, Settings

QUEUE_BLOCKS: Final = 256
PATIENCE_S: Final = 0.05


def listen_live(given: argparse.Namespace, settings: Settings, printing: Printing, keepers: Sequence[Keeper]) -> int:
    """Open the input, show what is heard (or print JSON) until Ctrl-C or ``--seconds``.

    Raises:
        ScopeBridgeError: no input is configured, or nothing at all came from it.
    """
    if settings.audio.source == "off":
        raise ScopeBridgeError(
            "No audio input is configured.",
            hint="Give --device NAME (`scope-bridge devices` lists them), --source demo, or a FILE.",
        )
    # The meters show what is wrong themselves; a script has only standard error for it.
    set_up_logging(LogSettings(level="warning" if printing.json else "error"), given)
    board = ProblemBoard()
    listening = Listening(make_ears(settings.ears, board), keepers)
    meters = (
        None if printing.json else Meters(sys.stdout, refresh=sys.stdout.isatty() and os.environ.get("TERM") != "dumb")
    )
    waiting = _Waiting()
    audio = AudioInput(settings.audio, on_block=waiting.put, board=board)
    end = time.monotonic() + (math.inf if given.seconds is None else given.seconds)
    audio.start()
    try:
        with contextlib.suppress(KeyboardInterrupt):  # how one leaves
            while (now := time.monotonic()) < end:
                _hear(waiting, listening, meters, printing)
                if meters is not None:
                    status = audio.status()
                    source = settings.audio.device if status.source == "live" else status.source
                    problem = " ".join(f"{one.message} {one.hint}" for one in board.problems[:1])
                    meters.show(now, source, status.state, problem, waiting.left_out + status.overflows)
    finally:
        audio.stop()
        listening.finish()
    if not listening.seconds:
        for one in board.problems:
            raise ScopeBridgeError(one.message, hint=one.hint)
    return FINE


def _hear(waiting: _Waiting, listening: Listening, meters: Meters | None, printing: Printing) -> None:
    """Listen to the next block, if one comes."""
    block = waiting.take()
    if block is None:
        return
    moment = listening.push(block.samples)
    if meters is not None:
        meters.push(moment)
        return
    for one in documents_of(moment, printing):
        print(json.dumps(one), flush=True)


class _Waiting:
    """Blocks between the audio thread and us; when 3 s of them wait, new ones are counted instead."""

    def __init__(self) -> None:
        self._queue: Queue[AudioBlock] = Queue(QUEUE_BLOCKS)
        self.left_out = 0

    def put(self, block: AudioBlock) -> None:
        try:
            self._queue.put_nowait(block)
        except Full:
            self.left_out += 1

    def take(self) -> AudioBlock | None:
        try:
            return self._queue.get(timeout=PATIENCE_S)
        except Empty:
            return None
