"""The preview: one encode for all, none for nobody."""

from __future__ import annotations

import io
import threading
import time

import av
import numpy as np
import pytest

from bridge.model.board import ProblemBoard
from bridge.model.frames import Frame, LatestSlot
from bridge.outputs import Outputs, OutputSettings, Preview, list_outputs
from bridge.outputs.preview import JpegEncoder
from bridge.outputs.settings import PreviewSettings

RED_709 = (63, 102, 240)


def canvas_frame(yuv: tuple[int, int, int] = RED_709, width: int = 1280, height: int = 720, seq: int = 1) -> Frame:
    data = np.empty((height * 3 // 2, width), np.uint8)
    for part, level in zip(np.split(data.reshape(-1), [height * width, height * width * 5 // 4]), yuv, strict=True):
        part[:] = level
    return Frame(data, width, height, 0.0, seq, "bt709")


def decoded(jpeg: bytes) -> np.ndarray:
    assert jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9"
    with av.open(io.BytesIO(jpeg), format="mjpeg") as container:
        frame = next(container.decode(video=0))
        return frame.to_ndarray(format="rgb24")


def preview(canvas: LatestSlot[Frame], **given: object) -> Preview:
    return Preview(PreviewSettings(**given), canvas=canvas, clock=time.monotonic)


def test_colours_are_those_of_the_canvas() -> None:
    rgb = decoded(JpegEncoder(512, 3).encode(canvas_frame()))
    assert rgb.shape == (288, 512, 3)
    assert np.abs(rgb[100, 100].astype(int) - (255, 0, 0)).max() <= 6


@pytest.mark.parametrize(
    ("size", "shape"), [((720, 1280), (512, 288)), ((320, 180), (180, 320)), ((576, 320), (284, 512))]
)
def test_it_keeps_the_shape_and_never_enlarges(size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert decoded(JpegEncoder(512, 5).encode(canvas_frame((120, 128, 128), *size))).shape[:2] == shape


def test_nothing_is_encoded_while_nobody_looks() -> None:
    canvas: LatestSlot[Frame] = LatestSlot()
    shown = preview(canvas)
    assert shown.latest_jpeg() is None
    shown.start()
    try:
        for n in range(5):
            canvas.put(canvas_frame(seq=n))
            time.sleep(0.02)
        assert shown.status().frames == 0
        assert shown.slot.puts == 0
        assert decoded(shown.latest_jpeg() or b"").shape == (288, 512, 3), "but one can be had"
    finally:
        shown.stop()
    assert "out-preview" not in {t.name for t in threading.enumerate()}


def test_all_viewers_get_the_same_bytes_and_the_last_one_stops_it() -> None:
    canvas: LatestSlot[Frame] = LatestSlot()
    shown = preview(canvas, fps=30.0)
    shown.start()
    pushed: list[bytes] = []
    try:
        with shown.watch() as first, shown.watch(pushed.append) as second:
            assert shown.watchers == 2
            canvas.put(canvas_frame((100, 128, 128)))
            a, count = first.wait_newer(0, 5.0)
            b, _ = second.wait_newer(0, 5.0)
            assert a is b and a is not None
            canvas.put(canvas_frame((200, 128, 128)))
            c, _ = first.wait_newer(count, 5.0)
            assert c is not None and decoded(c)[0, 0, 0] > 190
            assert shown.status().receivers == 2
            assert shown.latest_jpeg() is c
        assert pushed[0] is a
        assert shown.watchers == 0
        puts = shown.slot.puts
        canvas.put(canvas_frame((50, 128, 128)))
        canvas.put(canvas_frame((60, 128, 128)))
        time.sleep(0.1)
        assert shown.slot.puts <= puts + 1, "at most the one it was at"
        assert shown.status().fps == 0.0
    finally:
        shown.stop()


def test_the_rate_is_bounded_whatever_the_canvas_does() -> None:
    canvas: LatestSlot[Frame] = LatestSlot()
    shown = preview(canvas, fps=10.0)
    shown.start()
    try:
        with shown.watch():
            began = time.monotonic()
            while time.monotonic() - began < 0.8:
                canvas.put(canvas_frame((100, 128, 128), 64, 64))
                time.sleep(0.005)
            took = time.monotonic() - began
        assert 1 <= shown.status().frames <= took * 10 + 2
    finally:
        shown.stop()


def test_a_still_canvas_is_encoded_once() -> None:
    canvas: LatestSlot[Frame] = LatestSlot()
    shown = preview(canvas)
    still = canvas_frame()
    canvas.put(still)
    first = shown.latest_jpeg()
    canvas.put(Frame(still.data, 1280, 720, 1.0, 2, "bt709"))
    assert shown.latest_jpeg() is first


def test_outputs_have_a_preview_unless_switched_off() -> None:
    canvas: LatestSlot[Frame] = LatestSlot()

    def outputs(enabled: bool) -> Outputs:
        off = {"ndi": {"enabled": False}, "virtual_camera": {"enabled": False}, "preview": {"enabled": enabled}}
        return Outputs(OutputSettings.model_validate(off), canvas=canvas, board=ProblemBoard())

    assert outputs(False).preview is None
    with_preview = outputs(True)
    assert [s.name for s in with_preview.status()] == ["preview"]
    with_preview.start()
    with_preview.stop()


def test_the_list_says_what_is_there_and_how_to_get_what_is_not(tmp_path) -> None:
    found = list_outputs(tmp_path)
    assert {d.kind for d in found} == {"ndi", "virtual_camera"}
    camera = next(d for d in found if d.kind == "virtual_camera")
    assert not camera.available and "modprobe v4l2loopback" in camera.note
