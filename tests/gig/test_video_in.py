"""A real v4l2 device as Scope's input: the virtual camera's other end, read as any camera is. Run in the gig box."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bridge.inputs.video import VideoInput, VideoSettings, list_cameras
from bridge.model.beatgrid import NO_GRID
from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.facts import ScopeFacts
from bridge.model.features import SILENCE
from bridge.model.frames import Frame, LatestSlot
from bridge.model.guide import GuideWish

from .test_camera import DEVICE, RED_601, Rig, rig  # noqa: F401 - rig is a fixture

WIDTH, HEIGHT = 128, 128


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_camera_is_listed_and_its_picture_arrives_cropped(rig: Rig) -> None:  # noqa: F811
    until(lambda: rig.camera()[0] == "open")
    assert DEVICE in {camera.path for camera in list_cameras()}
    frames: LatestSlot[Frame] = LatestSlot()
    facts, board = Cell(ScopeFacts()), ProblemBoard()
    video = VideoInput(
        VideoSettings(source="camera", device="Scope Bridge", fps=5.0),
        frames=frames,
        facts=facts,
        features=lambda: SILENCE,
        grid=lambda: NO_GRID,
        wish=GuideWish,
        board=board,
    )
    video.start()
    try:
        facts.set(replace(facts.value, input_size=(WIDTH, HEIGHT)))

        def is_red() -> bool:
            rig.show(RED_601)
            frame = frames.get()
            if frame is None:
                return False
            y, u, v = np.split(frame.data.reshape(-1), [HEIGHT * WIDTH, HEIGHT * WIDTH * 5 // 4])
            return bool(np.allclose([np.median(y), np.median(u), np.median(v)], RED_601, atol=20))

        until(is_red)
        frame = frames.get()
        assert frame is not None and (frame.width, frame.height) == (WIDTH, HEIGHT)
        status = video.status()
        assert status is not None and (status.source, status.detail, status.state) == ("camera", DEVICE, "running")
        assert not board.problems
    finally:
        video.stop()
