"""Program and NDI output in a process of their own, on a red BT.601 source; says its status once a line until stdin ends."""

from __future__ import annotations

import json
import sys
import threading
import time

import numpy as np

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import FxState
from bridge.model.facts import ScopeFacts
from bridge.model.frames import Frame, LatestSlot
from bridge.outputs import Outputs, OutputSettings
from bridge.program import Program, ProgramSettings


def main(name: str) -> None:
    frames: LatestSlot[Frame] = LatestSlot()
    canvas: LatestSlot[Frame] = LatestSlot()
    board = ProblemBoard()
    program = Program(
        ProgramSettings(width=320, height=180, fade_s=0.0),
        frames=frames,
        canvas=canvas,
        fx=Cell(FxState()),
        facts=Cell(ScopeFacts()),
        board=board,
    )
    settings = {"ndi": {"enabled": True, "name": name}, "virtual_camera": {"enabled": False}}
    outputs = Outputs(OutputSettings.model_validate(settings), canvas=canvas, board=board, fps=30.0)
    program.start()
    outputs.start()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    count = 0
    while not ended.wait(1 / 15):
        data = np.full((480, 576), 81, np.uint8)
        data.reshape(-1)[320 * 576 :] = 90
        data.reshape(-1)[400 * 576 :] = 240
        data[0, 0] = count = (count + 1) % 200
        frames.put(Frame(data, 576, 320, time.monotonic()))
        ndi = outputs.status()[0]
        print(json.dumps([ndi.state, ndi.frames, ndi.receivers, [p.message for p in board.problems]]), flush=True)
    outputs.stop()
    program.stop()


if __name__ == "__main__":
    main(sys.argv[1])
