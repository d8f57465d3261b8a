"""An NDI receiver on libndi, alone in its process: prints what each picture looks like, one JSON line each.

``python ndi_receiver.py NAME``; where to look comes from ``NDI_CONFIG_DIR``.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from cyndilib.finder import Finder, Source
from cyndilib.receiver import ReceiveFrameType, Receiver
from cyndilib.video_frame import VideoRecvFrame
from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat

from tests.peers.stage import Picture


def find(name: str) -> tuple[Finder, Source]:
    # Every NDI sender of a machine listens on port 5960, and the kernel picks who answers: ask until it is ours.
    while True:
        finder = Finder()
        finder.open()
        finder.wait_for_sources(0.3)
        for source in finder:
            if source.stream_name == name:
                return finder, source
        finder.close()


def main() -> None:
    _finder, source = find(sys.argv[1])
    receiver = Receiver(color_format=RecvColorFormat.UYVY_BGRA, bandwidth=RecvBandwidth.highest)
    frame = VideoRecvFrame()
    receiver.set_video_frame(frame)
    receiver.set_source(source)
    print("found", flush=True)
    data = np.empty(0, np.uint8)
    while True:
        if receiver.receive(ReceiveFrameType.recv_video, 500) != ReceiveFrameType.recv_video:
            continue
        t = time.monotonic()
        while frame.get_buffer_depth():
            if data.size != frame.get_buffer_size():
                data = np.empty(frame.get_buffer_size(), np.uint8)
            frame.fill_p_data(data)
        width, height = frame.get_resolution()
        sample = data.reshape(height, width // 2, 4)[::4, ::2]
        print(Picture.of(t, sample[..., 1], sample[..., 0], sample[..., 2], (width, height)), flush=True)


main()
