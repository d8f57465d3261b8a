"""The time in the picture."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rehearsal.stamp import read_stamp, write_stamp


def luma_of(frame: av.VideoFrame) -> np.ndarray:
    plane = frame.planes[0]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


@given(st.integers(0, 2**48 - 1), st.sampled_from([(256, 144), (576, 320), (66, 64)]))
def test_it_is_read_again(micros: int, size: tuple[int, int]) -> None:
    frame = av.VideoFrame(*size, "yuv420p")
    write_stamp(frame, micros)
    assert read_stamp(luma_of(frame), frame.width - frame.width % 32) == micros


@pytest.mark.parametrize("canvas", [(1280, 720), (512, 288)])
def test_it_survives_scaling_and_jpeg(canvas: tuple[int, int]) -> None:
    frame = av.VideoFrame(256, 144, "yuv420p")
    for plane in frame.planes:
        plane.update(b"\x80" * plane.buffer_size)
    write_stamp(frame, 123_456_789_012)
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = *canvas, "yuvj420p", 1
    (packet,) = encoder.encode(frame.reformat(*canvas, format="yuvj420p"))
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    (seen,) = decoder.decode(packet)
    assert read_stamp(luma_of(seen), seen.width) == 123_456_789_012


def test_a_picture_without_one_is_not_misread() -> None:
    grey = np.full((64, 256), 128, np.uint8)
    assert read_stamp(grey, 256) is None
