"""A real NDI receiver: finds a source by stream name, reads one live picture, prints where it was found and its middle pixel."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from cyndilib.finder import Finder
from cyndilib.receiver import ReceiveFrameType, Receiver
from cyndilib.video_frame import VideoRecvFrame
from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat


def main(name: str) -> None:
    deadline = time.monotonic() + 15
    # every NDI sender of a machine listens on port 5960, and the kernel picks who answers: ask until it is ours
    source = None
    while source is None and time.monotonic() < deadline:
        finder = Finder()
        finder.open()
        finder.wait_for_sources(0.3)
        source = next((s for s in finder if s.stream_name == name), None)
        if source is None:
            finder.close()
    assert source is not None, f"{name} was not found"
    receiver = Receiver(color_format=RecvColorFormat.BGRX_BGRA, bandwidth=RecvBandwidth.highest)
    frame = VideoRecvFrame()
    receiver.set_video_frame(frame)
    receiver.set_source(source)
    pixel, pictures = [0, 0, 0], 0
    while (pixel[2] < 200 or pictures < 8) and time.monotonic() < deadline:
        if receiver.receive(ReceiveFrameType.recv_video, 200) != ReceiveFrameType.recv_video:
            continue
        while frame.get_buffer_depth():
            data = np.empty(frame.get_buffer_size(), np.uint8)
            frame.fill_p_data(data)
            pixel, pictures = data.reshape(180, 320, 4)[90, 100, :3].tolist(), pictures + 1
    rate = frame.get_frame_rate()
    print(json.dumps([source.name, list(frame.get_resolution()), pixel, float(rate)]))
    receiver.disconnect()
    finder.close()


if __name__ == "__main__":
    main(sys.argv[1])
